// The use case behind every inference endpoint: find the model, lease it, run the operation, release the lease whatever happens. The
// endpoints differ only in their mappers, so this is written once.
import type { BackendDescription, Call, Operation, Operations } from "../domain/backend.ts";
import { ServerError } from "../domain/errors.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { Lease } from "../registry/registry.ts";
import { creditWindow } from "../runners/protocol.ts";
import { pullEvents, type PulledEvents } from "../util/event-queue.ts";
import { RepeatableOutput } from "./repeatable-output.ts";

export interface InferenceOptions<O extends Operation> {
  /** As the caller wrote it; `undefined` = the default of the operation. */
  readonly modelName: string | undefined;
  readonly request: Operations[O]["request"];
  readonly signal: AbortSignal;
  /** Idle milliseconds after which the model is unloaded; left out = as configured. */
  readonly ttlMs?: number | undefined;
  /** The caller reads the events as they come, rather than all of them before it answers. @default false */
  readonly isStreamed?: boolean;
}

/** A running operation whose first event has come: nothing can be refused any more. */
export interface RunningOperation<O extends Operation> {
  /** The name to answer with: what the caller wrote, or the default's id. */
  readonly modelName: string;
  readonly description: BackendDescription;
  /** The first event; `undefined` where the operation has none. */
  readonly first: Operations[O]["event"] | undefined;
  /** All events, the first one included. Returning it early cancels the operation. */
  readonly events: PulledEvents<Operations[O]["event"]>;
}

export interface Inference {
  /** Resolves once the first event has come: anything that can be refused has been refused by then. */
  start<O extends Operation>(operation: O, options: InferenceOptions<O>): Promise<RunningOperation<O>>;
}

export interface InferenceDependencies {
  readonly catalog: Catalog;
  readonly acquire: (id: string, signal: AbortSignal) => Promise<Lease>;
  /** Model for requests that name none, per operation. */
  readonly defaultModels: Partial<Readonly<Record<Operation, string | null>>>;
}

export function createInference({ catalog, acquire, defaultModels }: InferenceDependencies): Inference {
  return {
    async start(operation, { modelName, request, signal, ttlMs, isStreamed = false }) {
      const spec =
        modelName === undefined
          ? catalog.defaultFor(operation, defaultModels[operation] ?? undefined)
          : catalog.resolve(modelName);
      catalog.assertCan(spec, operation);
      const lease = await acquire(spec.id, signal);
      const { description } = lease.backend;
      const events = pullEvents<Operations[typeof operation]["event"]>(
        (call) => {
          const options = { operation, request, call, ttlMs };
          return description.device === "cpu"
            ? runLeased(lease, options)
            : runOnGpu(lease, { ...options, isStreamed, acquire: () => acquire(spec.id, call.signal) });
        },
        { window: creditWindow, signal },
      );
      // The operation begins with the first `next()`, and gives the lease back in every way in which it ends.
      const first = await events.next();
      return {
        modelName: modelName ?? spec.id,
        description,
        first: first.done === true ? undefined : first.value,
        events: replayFirst(first, events),
      };
    },
  };
}

interface RunOptions<O extends Operation> {
  readonly operation: O;
  readonly request: Operations[O]["request"];
  readonly call: Call<Operations[O]["event"]>;
  readonly ttlMs: number | undefined;
}

/**
 * As {@link runLeased}. Where the model's process has ended meanwhile, the operation runs a second time, on the model as it is loaded
 * then: on the CPU (runners/device-guard.ts).
 */
async function runOnGpu<O extends Operation>(
  lease: Lease,
  {
    isStreamed,
    acquire,
    ...options
  }: RunOptions<O> & { readonly isStreamed: boolean; readonly acquire: () => Promise<Lease> },
): Promise<void> {
  const { signal } = options.call;
  const output = new RepeatableOutput(options.call.sink, { holdsBack: !isStreamed });
  const call = { sink: output, signal };
  try {
    await runLeased(lease, { ...options, call });
  } catch (error) {
    const hasCrashed = error instanceof ServerError && error.kind === "model_crashed";
    if (!hasCrashed || !output.isRepeatable || signal.aborted) throw error;
    const next = await acquire();
    output.restart();
    await runLeased(next, { ...options, call });
  }
  output.complete();
}

/** Runs the operation and releases the lease when it has ended, whatever the reader still has to take. */
async function runLeased<O extends Operation>(lease: Lease, options: RunOptions<O>): Promise<void> {
  const { operation, request, call, ttlMs } = options;
  try {
    const { operations } = lease.backend.description;
    if (!operations.includes(operation)) {
      throw new ServerError("unsupported_operation", {
        message: `This model cannot serve '${operation}'; it serves ${operations.map((name) => `'${name}'`).join(", ")}.`,
        param: "model",
      });
    }
    await lease.backend.run(operation, request, call);
  } finally {
    lease.release(ttlMs === undefined ? {} : { ttlMs });
  }
}

/** Yields `first`, then the rest. */
function replayFirst<T>(first: IteratorResult<T, void>, rest: PulledEvents<T>): PulledEvents<T> {
  let pending: IteratorResult<T, void> | undefined = first;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      if (pending === undefined) return rest.next();
      const result = pending;
      pending = undefined;
      return Promise.resolve(result);
    },
    return() {
      return rest.return();
    },
  };
}
