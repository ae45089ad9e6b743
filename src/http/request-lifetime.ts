// When a request ends. A streamed answer outlives its handler, so "the handler has returned" is not the end of it.
import { ServerError } from "../domain/errors.ts";
import { onAbort } from "../util/abort.ts";
import { maxTimerMs } from "../util/timers.ts";

export interface RequestLifetimeOptions {
  /** Aborted when the caller's connection closes early. */
  readonly connection: AbortSignal;
  /** 0 = no limit. */
  readonly timeoutMs: number;
}

/** The life of one request: its signal, and what is to happen once when it is over. */
export class RequestLifetime {
  readonly #abort = new AbortController();
  readonly #endListeners: (() => void)[] = [];
  readonly #unsubscribe: () => void;
  readonly #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #deferred = false;

  constructor({ connection, timeoutMs }: RequestLifetimeOptions) {
    this.#unsubscribe = onAbort(connection, () => this.leave());
    if (timeoutMs > 0) {
      this.#timer = setTimeout(
        () => {
          this.#abort.abort(
            new ServerError("timeout", `The request took longer than ${timeoutMs} ms, the limit of this server.`),
          );
        },
        Math.min(timeoutMs, maxTimerMs),
      );
      this.#timer.unref();
    }
  }

  /** Aborted when the caller leaves and when the time is up. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** True once a stream has taken over: it will call {@link end}. */
  get deferred(): boolean {
    return this.#deferred;
  }

  defer(): void {
    this.#deferred = true;
  }

  /** The caller has left: work stops. */
  leave(): void {
    this.#abort.abort(new ServerError("cancelled", "The caller closed the connection."));
  }

  onEnd(listener: () => void): void {
    this.#endListeners.push(listener);
  }

  /** The request is over. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#unsubscribe();
    for (const listener of this.#endListeners) listener();
  }
}
