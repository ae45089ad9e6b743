// The server's side of a runner, as a `Backend` like any other. It keeps the calls in flight and fails them when the runner's process
// ends.
import type { Backend, BackendDescription, Call, EventSink, Operation, Operations } from "../domain/backend.ts";
import { ServerError, deserializeError } from "../domain/errors.ts";
import { onAbort } from "../util/abort.ts";
import {
  creditWindow,
  type CallId,
  type CallUpdate,
  type Channel,
  type RunnerMessage,
  type ServerMessage,
} from "./protocol.ts";

interface PendingCall {
  readonly sink: EventSink<unknown>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface RunnerBackendOptions {
  readonly modelId: string;
  readonly channel: Channel<RunnerMessage, ServerMessage>;
  readonly description: BackendDescription;
  /** Tells the process to free its model and end, and kills it if it does not. Resolves when it has ended. */
  readonly stop: () => Promise<void>;
}

/** A loaded model in another process. */
export class RunnerBackend implements Backend {
  readonly description: BackendDescription;
  readonly #modelId: string;
  readonly #channel: Channel<RunnerMessage, ServerMessage>;
  readonly #stop: () => Promise<void>;
  readonly #calls = new Map<CallId, PendingCall>();
  /** Cancelled calls whose end the runner has not told yet: it may still be busy with them. */
  readonly #cancelled = new Set<CallId>();
  #nextId: CallId = 1;
  #ended: ServerError | undefined;

  constructor({ modelId, channel, description, stop }: RunnerBackendOptions) {
    this.#modelId = modelId;
    this.#channel = channel;
    this.description = description;
    this.#stop = stop;
  }

  /** Calls that occupy the runner, cancelled ones whose end it has not told included. */
  get busyCalls(): number {
    return this.#calls.size + this.#cancelled.size;
  }

  run<O extends Operation>(
    operation: O,
    request: Operations[O]["request"],
    { sink, signal }: Call<Operations[O]["event"]>,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#ended !== undefined) throw this.#ended;
      const id = this.#nextId++;
      const unsubscribe = onAbort(signal, () => {
        this.#cancel(id);
        reject(signal.reason as Error);
      });
      this.#calls.set(id, {
        sink,
        resolve: () => {
          unsubscribe();
          resolve();
        },
        reject: (error) => {
          unsubscribe();
          reject(error);
        },
      });
      this.#returnCredit(id, sink);
      this.#channel.send({ type: "run", id, operation, request, credit: sink.credit });
    });
  }

  /** Passes updates from the runner on to their calls; those of cancelled calls are dropped. */
  receive(updates: readonly CallUpdate[]): void {
    for (const update of updates) {
      const call = this.#calls.get(update.id);
      if ("event" in update) {
        call?.sink.push(update.event);
        continue;
      }
      this.#calls.delete(update.id);
      this.#cancelled.delete(update.id);
      if ("error" in update) call?.reject(deserializeError(update.error));
      else call?.resolve();
    }
  }

  /** To be called when the process has ended. Calls in flight and later ones reject with `model_crashed`, or as `dispose` says. */
  end(reason: string): void {
    this.#ended ??= new ServerError("model_crashed", {
      message:
        `The process that hosted the model '${this.#modelId}' ended (${reason}). ` +
        "The request was not completed; the next one loads the model again.",
      retryAfterSeconds: 1,
    });
    for (const call of this.#calls.values()) call.reject(this.#ended);
    this.#calls.clear();
    this.#cancelled.clear();
  }

  /** Ends the process. Calls in flight and later ones reject with `shutting_down`. */
  async dispose(): Promise<void> {
    this.#ended ??= new ServerError("shutting_down", `The model '${this.#modelId}' is being unloaded.`);
    await this.#stop();
  }

  /** Grants the runner credit for the events that the reader takes, half a window at a time. */
  #returnCredit(id: CallId, sink: EventSink<never>): void {
    let owed = 0;
    sink.onCredit((events) => {
      owed += events;
      if (owed < creditWindow / 2 || !this.#calls.has(id)) return;
      this.#channel.send({ type: "credit", id, count: owed });
      owed = 0;
    });
  }

  #cancel(id: CallId): void {
    if (!this.#calls.delete(id)) return;
    this.#cancelled.add(id);
    this.#channel.send({ type: "cancel", id });
  }
}
