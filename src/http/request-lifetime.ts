// The lifetime of a request, which ends when its answer is complete: a streamed answer outlives its handler.
import { ServerError } from "../domain/errors.ts";
import { onAbort } from "../util/abort.ts";
import { maxTimerMs } from "../util/timers.ts";

export interface RequestLifetimeOptions {
  /** A signal that aborts when the caller's connection closes early. Called only where the signal is used: making one costs time. */
  readonly connection: () => AbortSignal;
  /** 0 = no limit. */
  readonly timeoutMs: number;
}

type Timings = Readonly<Record<string, number>>;

/** The signal of one request, its timings, and the listeners that are called once when it is over. */
export class RequestLifetime {
  readonly #connection: () => AbortSignal;
  readonly #endListeners: (() => void)[] = [];
  readonly #timer: NodeJS.Timeout | undefined;
  #abort: AbortController | undefined;
  #abortReason: ServerError | undefined;
  #unsubscribe: (() => void) | undefined;
  #timings: Timings = {};
  #ended = false;
  #deferred = false;

  constructor({ connection, timeoutMs }: RequestLifetimeOptions) {
    this.#connection = connection;
    if (timeoutMs > 0) {
      this.#timer = setTimeout(
        () => {
          this.#stop(
            new ServerError("timeout", `The request took longer than ${timeoutMs} ms, the limit of this server.`),
          );
        },
        Math.min(timeoutMs, maxTimerMs),
      );
      this.#timer.unref();
    }
  }

  /** Aborts when the caller leaves and when the time is up. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason === undefined) this.#unsubscribe = onAbort(this.#connection(), () => this.leave());
      else this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /** True when the work was stopped before its end. */
  get isAborted(): boolean {
    return this.#abortReason !== undefined;
  }

  /** True once a stream has taken over: it will call {@link end}. */
  get deferred(): boolean {
    return this.#deferred;
  }

  /** Leaves the end of the request to a stream. */
  defer(): void {
    this.#deferred = true;
  }

  /** Stops the work, because the caller has left. */
  leave(): void {
    this.#stop(new ServerError("cancelled", "The caller closed the connection."));
  }

  /** Milliseconds of each phase of the model's work, by the domain's names; empty until the work was done. */
  get timings(): Timings {
    return this.#timings;
  }

  recordTimings(timings: Timings): void {
    this.#timings = timings;
  }

  onEnd(listener: () => void): void {
    this.#endListeners.push(listener);
  }

  /** Ends the request. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#unsubscribe?.();
    for (const listener of this.#endListeners) listener();
  }

  #stop(reason: ServerError): void {
    this.#abortReason ??= reason;
    this.#abort?.abort(reason);
  }
}
