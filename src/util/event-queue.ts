// A queue with one producer and one consumer: the place where callbacks become an async iterable.

/** Push on one side, `for await` on the other. Not bounded by itself: the producer limits what it pushes. */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #head = 0;
  #outcome: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Items pushed and not yet taken. */
  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    if (this.#outcome !== undefined) return;
    this.#items.push(item);
    this.#notify();
  }

  /** No more items; those already pushed are still delivered. */
  end(): void {
    this.#outcome ??= {};
    this.#notify();
  }

  /** The consumer gets `error` after the items already pushed. */
  fail(error: unknown): void {
    this.#outcome ??= { error };
    this.#notify();
  }

  /** As {@link fail}, but what was pushed and not yet taken is dropped: for a caller that has left. */
  abandon(error: unknown): void {
    this.#items.length = 0;
    this.#head = 0;
    this.#outcome = { error };
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      while (this.#head < this.#items.length) {
        const item = this.#items[this.#head] as T;
        this.#head += 1;
        if (this.#head === this.#items.length) {
          this.#items.length = 0;
          this.#head = 0;
        }
        yield item;
      }
      if (this.#outcome !== undefined) {
        if ("error" in this.#outcome) throw this.#outcome.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
