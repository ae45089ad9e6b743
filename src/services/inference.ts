// The use case behind every inference endpoint: find the model, lease it, run the operation, release the lease whatever happens. The
// endpoints differ only in their mappers, so this is written once.
import type { BackendDescription, Call, Operation, Operations } from "../domain/backend.ts";
import { ServerError } from "../domain/errors.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { Lease } from "../registry/registry.ts";
import { creditWindow } from "../runners/protocol.ts";
import { pullEvents, type PulledEvents } from "../util/event-queue.ts";

export interface InferenceOptions<O extends Operation> {
  /** As the caller wrote it; `undefined` = the default of the operation. */
  readonly modelName: string | undefined;
  readonly request: Operations[O]["request"];
  readonly signal: AbortSignal;
  /** Idle milliseconds after which the model is unloaded; left out = as configured. */
  readonly ttlMs?: number | undefined;
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
    async start(operation, { modelName, request, signal, ttlMs }) {
      const spec =
        modelName === undefined
          ? catalog.defaultFor(operation, defaultModels[operation] ?? undefined)
          : catalog.resolve(modelName);
      catalog.assertCan(spec, operation);
      const lease = await acquire(spec.id, signal);
      const { description } = lease.backend;
      const events = pullEvents<Operations[typeof operation]["event"]>(
        (call) => runLeased(lease, { operation, request, call, ttlMs }),
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

/** Runs the operation and releases the lease when it has ended, whatever the reader still has to take. */
async function runLeased<O extends Operation>(
  lease: Lease,
  options: {
    readonly operation: O;
    readonly request: Operations[O]["request"];
    readonly call: Call<Operations[O]["event"]>;
    readonly ttlMs: number | undefined;
  },
): Promise<void> {
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
