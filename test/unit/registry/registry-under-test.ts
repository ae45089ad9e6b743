// A registry with a loader and a clock that the test controls, without processes and weights.
import type { ModelEvent } from "../../../src/domain/model-events.ts";
import type { ModelSpec } from "../../../src/domain/model.ts";
import type { LoadedModelHandle, LoadOptions } from "../../../src/registry/instances.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { onAbort } from "../../../src/util/abort.ts";
import { createFakeBackend } from "../../support/fake-backend.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

/** A load that the registry has begun. The test decides how it ends. */
export interface TestLoad {
  readonly id: string;
  readonly signal: AbortSignal;
  /** Ends the load with a model of that memory, as measured of its process and as its backend describes it. */
  succeed(bytes?: { readonly residentBytes?: number; readonly memoryBytes?: number }): void;
  fail(error: Error): void;
  /** Ends the model's process. */
  end(exit: string): void;
  /** Settles its backend's `dispose`. */
  finishDispose(error?: Error): void;
  reportMemory(residentBytes: number): void;
  /** How often its backend was disposed of. */
  readonly disposals: () => number;
}

export interface TestModel {
  readonly id: string;
  readonly pinned?: boolean;
  readonly ttlMs?: number;
  /** The estimate of its memory. @default 40 */
  readonly bytes?: number;
}

export interface TestRegistry {
  readonly registry: Registry;
  readonly clock: ManualClock;
  /** Every event, in order. */
  readonly events: ModelEvent[];
  /** Every load begun, in order. */
  readonly loads: TestLoad[];
  readonly faults: unknown[];
  /** Acquires a lease; loads that this begins succeed. */
  readonly use: (id: string) => ReturnType<Registry["acquire"]>;
}

export interface TestRegistryOptions {
  readonly models: readonly TestModel[];
  readonly budgetBytes?: number;
  /** `at-once`: a process ends in the turn in which its backend is disposed of. `by-hand`: the test ends it. @default "at-once" */
  readonly disposal?: "at-once" | "by-hand";
  /** Whether an aborted load rejects; one that has just succeeded may not. @default true */
  readonly heedsAbort?: boolean;
}

export const never = new AbortController().signal;

/** Lets every chain of promises run to its end. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The load begun last. */
export function last(loads: readonly TestLoad[]): TestLoad {
  return loads.at(-1) as TestLoad;
}

/** Events as model and type, without the counts of callers. */
export function story(events: readonly ModelEvent[]): string[] {
  return events.filter(({ type }) => type !== "use-changed").map(({ type, model }) => `${model} ${type}`);
}

export function createTestRegistry({
  models,
  budgetBytes = 100,
  disposal = "at-once",
  heedsAbort = true,
}: TestRegistryOptions): TestRegistry {
  const clock = createManualClock();
  const events: ModelEvent[] = [];
  const loads: TestLoad[] = [];
  const faults: unknown[] = [];
  const estimates = new Map(models.map(({ id, bytes = 40 }) => [id, bytes]));
  const registry = new Registry({
    models: models.map(({ id, pinned = false, ttlMs = 0 }) => ({ id, pinned, ttlMs }) as ModelSpec),
    budgetBytes,
    estimateBytes: ({ id }) => Promise.resolve(estimates.get(id) as number),
    load: (spec, options) => {
      const { load, loaded } = createLoad(spec.id, options, { disposal, heedsAbort });
      loads.push(load);
      return loaded;
    },
    now: clock.now,
    setTimer: clock.setTimer,
    onListenerFault: (error) => faults.push(error),
  });
  registry.subscribe((event) => events.push(event));
  const use = async (id: string): ReturnType<Registry["acquire"]> => {
    const begun = loads.length;
    const lease = registry.acquire(id, never);
    await settle();
    for (const load of loads.slice(begun)) load.succeed();
    return await lease;
  };
  return { registry, clock, events, loads, faults, use };
}

function createLoad(
  id: string,
  { signal, onEnd, onMemory }: LoadOptions,
  { disposal, heedsAbort }: { disposal: "at-once" | "by-hand"; heedsAbort: boolean },
): { load: TestLoad; loaded: Promise<LoadedModelHandle> } {
  const result = defer<LoadedModelHandle>();
  const disposed = defer<void>();
  let disposals = 0;
  if (heedsAbort) onAbort(signal, () => result.reject(signal.reason));
  const load: TestLoad = {
    id,
    signal,
    disposals: () => disposals,
    succeed({ residentBytes = 0, memoryBytes = 40 } = {}) {
      const backend = createFakeBackend({}, { memoryBytes });
      const dispose = (): Promise<void> => {
        disposals += 1;
        if (disposal === "at-once") {
          onEnd("exit code 0");
          disposed.resolve();
        }
        return disposed.promise;
      };
      result.resolve({ backend: { ...backend, dispose }, processId: 7, residentBytes });
    },
    fail: (error) => result.reject(error),
    end: (exit) => onEnd(exit),
    finishDispose: (error) => (error === undefined ? disposed.resolve() : disposed.reject(error)),
    reportMemory: onMemory,
  };
  return { load, loaded: result.promise };
}

function defer<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
