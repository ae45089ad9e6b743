// A queue from one producer, which pushes, to one consumer, which iterates. It has the shape of the domain's `EventSink`; its credit is
// the room that is left in its window.
import { onAbort } from "./abort.ts";

/** Pushed to on one side, read by `for await` on the other. The window only counts credit: an item beyond it is queued as well. */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #window: number;
  readonly #items: T[] = [];
  #head = 0;
  #outcome: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;
  #onCredit: ((events: number) => void) | undefined;

  /** `window` = number of events that may wait before the producer should pause. */
  constructor(window: number) {
    this.#window = window;
  }

  /** Events that may be pushed before the reader is behind; negative once it is. */
  get credit(): number {
    return this.#window - (this.#items.length - this.#head);
  }

  /** Calls `listener` with 1 whenever the reader has taken an event. */
  onCredit(listener: (events: number) => void): void {
    this.#onCredit = listener;
  }

  /** Does nothing once the queue has ended. */
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
        this.#onCredit?.(1);
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

/** The sink and the signal of a producer in {@link pullEvents}. */
export interface Production<T> {
  readonly sink: EventQueue<T>;
  /** Aborts when the caller's signal does, or when the reader leaves before the end. */
  readonly signal: AbortSignal;
}

/**
 * Runs `produce` and yields what it pushes; its rejection is thrown after that. When `signal` aborts, what waits is dropped and the
 * signal's reason is thrown. Either way, and when the reader leaves early, `produce` has settled before the iteration is over.
 */
export async function* pullEvents<T>(
  produce: (production: Production<T>) => Promise<void>,
  { window, signal }: { readonly window: number; readonly signal: AbortSignal },
): AsyncGenerator<T, void, undefined> {
  const sink = new EventQueue<T>(window);
  const controller = new AbortController();
  const unsubscribe = onAbort(signal, () => {
    controller.abort(signal.reason);
    sink.abandon(signal.reason);
  });
  const run = async (): Promise<void> => produce({ sink, signal: controller.signal });
  const production = run().then(
    () => sink.end(),
    (error: unknown) => sink.fail(error),
  );
  try {
    yield* sink;
  } finally {
    unsubscribe();
    controller.abort();
    await production;
  }
}
