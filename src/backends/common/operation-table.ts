// Builds a backend from a table of handlers, one for each operation. What all backends owe their callers is done here once: an
// operation without a handler or after disposal is refused, and disposal ends the operations that run.
import type { Backend, BackendDescription, Call, Operation, Operations } from "../../domain/backend.ts";
import { ServerError } from "../../domain/errors.ts";
import { onAbort } from "../../util/abort.ts";

/** Pushes the events of one operation; resolves after the last one. */
export type Handler<Request, Event> = (request: Request, call: Call<Event>) => Promise<void>;

/** A handler for each operation that the model can do. */
export type Handlers = {
  readonly [O in Operation]?: Handler<Operations[O]["request"], Operations[O]["event"]>;
};

export interface OperationTable {
  readonly handlers: Handlers;
  /** Frees the model. Called once, after every handler has ended. */
  readonly dispose: () => Promise<void>;
}

/** A handler of an operation with exactly one result. */
export function single<Request, Result>(
  answer: (request: Request, signal: AbortSignal) => Promise<Result>,
): Handler<Request, Result> {
  return async (request, { sink, signal }) => {
    const result = await answer(request, signal);
    signal.throwIfAborted();
    sink.push(result);
  };
}

/**
 * A backend of these handlers; its description lists the operations that have one.
 *
 * A handler's signal aborts with the caller's, and with `shutting_down` when the backend is disposed of. Whatever a handler throws
 * after that, its caller gets the signal's reason.
 */
export function createBackend(
  description: Omit<BackendDescription, "operations">,
  { handlers, dispose }: OperationTable,
): Backend {
  const operations = (Object.keys(handlers) as Operation[]).filter((name) => handlers[name] !== undefined);
  const running = new Map<AbortController, Promise<void>>();
  let disposal: Promise<void> | undefined;

  async function disposeOnce(): Promise<void> {
    const ends = [...running.values()].map((end) => end.catch(() => {}));
    for (const controller of running.keys()) controller.abort(shuttingDown());
    await Promise.all(ends);
    await dispose();
  }

  async function runHandler<O extends Operation>(
    operation: O,
    request: Operations[O]["request"],
    call: Call<Operations[O]["event"]>,
  ): Promise<void> {
    const handler: Handlers[O] = handlers[operation];
    if (handler === undefined) {
      throw new ServerError("unsupported_operation", `This model does ${operations.join(" and ")}, not ${operation}.`);
    }
    try {
      await handler(request, call);
    } catch (error) {
      call.signal.throwIfAborted();
      throw error;
    }
  }

  return {
    description: { ...description, operations },
    async run(operation, request, { sink, signal }) {
      signal.throwIfAborted();
      if (disposal !== undefined) throw shuttingDown();
      const controller = new AbortController();
      const unsubscribe = onAbort(signal, () => controller.abort(signal.reason));
      const end = runHandler(operation, request, { sink, signal: controller.signal });
      running.set(controller, end);
      try {
        await end;
      } finally {
        running.delete(controller);
        unsubscribe();
      }
    },
    dispose() {
      disposal ??= disposeOnce();
      return disposal;
    },
  };
}

function shuttingDown(): ServerError {
  return new ServerError("shutting_down", "The model is being unloaded.");
}
