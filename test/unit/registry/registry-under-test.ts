// A registry whose time and whose loader are in the test's hands: no process, no clock, no weights.
import type { ModelEvent } from "../../../src/domain/model-events.ts";
import type { ModelSpec } from "../../../src/domain/model.ts";
import type { LoadedModelHandle, LoadOptions } from "../../../src/registry/instances.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { onAbort } from "../../../src/util/abort.ts";
import { createFakeBackend } from "../../support/fake-backend.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

/** One load that the registry has asked for. The test decides what becomes of it. */
export interface TestLoad {
  readonly id: string;
  readonly signal: AbortSignal;
  /** The load succeeds with a model that holds `bytes`, measured by its process or said by its backend. */
  succeed(bytes?: { readonly residentBytes?: number; readonly memoryBytes?: number }): void;
  fail(error: Error): void;
  /** Its process ends, by itself or because it was disposed of. */
  end(exit: string): void;
  /** Its backend's `dispose` settles. */
  finishDispose(error?: Error): void;
  reportMemory(residentBytes: number): void;
  /** How often it was told to free its memory. */
  readonly disposals: () => number;
}

export interface TestModel {
  readonly id: string;
  readonly pinned?: boolean;
  readonly ttlMs?: number;
  /** What the registry reserves for it. */
  readonly bytes?: number;
}

export interface TestRegistry {
  readonly registry: Registry;
  readonly clock: ManualClock;
  /** Everything told, in order. */
  readonly events: ModelEvent[];
  /** Every load begun, in order. */
  readonly loads: TestLoad[];
  readonly faults: unknown[];
  /** A lease, loading the model where that is needed. */
  readonly use: (id: string) => ReturnType<Registry["acquire"]>;
}

export interface TestRegistryOptions {
  readonly models: readonly TestModel[];
  readonly budgetBytes?: number;
  /** `at-once`: a process told to free its memory ends in that turn. `by-hand`: the test ends it. */
  readonly disposal?: "at-once" | "by-hand";
  /** A load told to stop rejects; `false` = it goes on, as one may that has just succeeded. */
  readonly heedsAbort?: boolean;
}

export const never = new AbortController().signal;

/** Lets everything run that waits for nothing but promises. */
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
