// Keeps native calls in order: they run on libuv's workers, and llama.cpp's contexts do not allow two calls at a time.

/** Runs the native calls of one model one after another, in the order in which they were made. */
export class NativeQueue {
  readonly #ordered = process.env["UV_THREADPOOL_SIZE"] === "1";
  #last: Promise<unknown> = Promise.resolve();

  /**
   * With one libuv worker (how a runner is started) calls are made at once, as the worker keeps them in order: a decode and the
   * sampling after it cost one round trip together. With more workers they would run at the same time on the same memory, so
   * each waits for the one before.
   */
  run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#ordered) return call();
    const result = this.#last.then(call, call);
    this.#last = result.then(ignore, ignore);
    return result;
  }
}

function ignore(): void {}
