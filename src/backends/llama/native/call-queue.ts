// The order of native calls. They run on libuv's workers, and what they work on is not made for two at a time.

/** Calls that may overlap only when libuv has one worker, which then runs them in the order in which they were made. */
export class NativeQueue {
  readonly #ordered = process.env["UV_THREADPOOL_SIZE"] === "1";
  #last: Promise<unknown> = Promise.resolve();

  /**
   * With one libuv worker (how a runner is started) the calls line up by themselves: a decode and the sampling after it
   * are handed over together and cost one round trip. With more workers they would run at the same time on the same
   * memory, so each waits for the one before.
   */
  run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#ordered) return call();
    const result = this.#last.then(call, call);
    this.#last = result.then(ignore, ignore);
    return result;
  }
}

function ignore(): void {}
