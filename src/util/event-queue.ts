// A queue from one producer, which pushes, to one consumer, which iterates. It has the shape of the domain's `EventSink`; its credit is
// the room that is left in its window. It is written without generators, because every token passes here and each generator costs it
// three turns of the microtask queue.
import { onAbort } from "./abort.ts";

interface Reader<T> {
  readonly resolve: (result: IteratorResult<T, void>) => void;
  readonly reject: (error: unknown) => void;
}

const end = { done: true, value: undefined } as const;

/** Pushed to on one side, read by `for await` on the other. The window only counts credit: an item beyond it is queued as well. */
export class EventQueue<T> implements AsyncIterableIterator<T, void, undefined> {
  readonly #window: number;
  readonly #items: T[] = [];
  #head = 0;
  #outcome: { readonly error?: unknown } | undefined;
  #reader: Reader<T> | undefined;
  /** The reader has taken an event and not asked for the next one yet. */
  #isInUse = false;
  #onCredit: ((events: number) => void) | undefined;

  /** `window` = number of events that may wait before the producer should pause. */
  constructor(window: number) {
    this.#window = window;
  }

  /** Events that may be pushed before the reader is behind; negative once it is. */
  get credit(): number {
    return this.#window - (this.#items.length - this.#head);
  }

  /** Calls `listener` with 1 whenever the reader asks for the item after one that it has taken. */
  onCredit(listener: (events: number) => void): void {
    this.#onCredit = listener;
  }

  /** Does nothing once the queue has ended. */
  push(item: T): void {
    if (this.#outcome !== undefined) return;
    const reader = this.#takeReader();
    if (reader === undefined) {
      this.#items.push(item);
      return;
    }
    this.#isInUse = true;
    reader.resolve({ done: false, value: item });
  }

  /** No more items; those already pushed are still delivered. */
  end(): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = {};
    this.#takeReader()?.resolve(end);
  }

  /** The reader gets `error` after the items already pushed. */
  fail(error: unknown): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = { error };
    this.#takeReader()?.reject(error);
  }

  /** As {@link fail}, but what was pushed and not yet taken is dropped: for a caller that has left. */
  abandon(error: unknown): void {
    this.#items.length = 0;
    this.#head = 0;
    this.#outcome = { error };
    this.#takeReader()?.reject(error);
  }

  /** One call at a time. Asking for the next item says that the reader is done with the last one. */
  next(): Promise<IteratorResult<T, void>> {
    if (this.#isInUse) {
      this.#isInUse = false;
      this.#onCredit?.(1);
    }
    if (this.#head < this.#items.length) return Promise.resolve({ done: false, value: this.#takeItem() });
    if (this.#outcome === undefined) {
      return new Promise((resolve, reject) => {
        this.#reader = { resolve, reject };
      });
    }
    return "error" in this.#outcome ? Promise.reject(this.#outcome.error) : Promise.resolve(end);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #takeItem(): T {
    const item = this.#items[this.#head] as T;
    this.#head += 1;
    this.#isInUse = true;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    }
    return item;
  }

  #takeReader(): Reader<T> | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    return reader;
  }
}

/** The sink and the signal of a producer in {@link pullEvents}. */
export interface Production<T> {
  readonly sink: EventQueue<T>;
  /** Aborts when the caller's signal does, or when the reader leaves before the end. */
  readonly signal: AbortSignal;
}

/** An iteration that can be left early. */
export interface PulledEvents<T> extends AsyncIterableIterator<T, void, undefined> {
  return(): Promise<IteratorResult<T, void>>;
  [Symbol.asyncIterator](): PulledEvents<T>;
}

/**
 * Runs `produce` from the first `next()` on and yields what it pushes; its rejection is thrown after that. When `signal` aborts, what
 * waits is dropped and the signal's reason is thrown. Either way, and when the reader leaves early, `produce` has settled before the
 * iteration is over.
 */
export function pullEvents<T>(
  produce: (production: Production<T>) => Promise<void>,
  { window, signal }: { readonly window: number; readonly signal: AbortSignal },
): PulledEvents<T> {
  const sink = new EventQueue<T>(window);
  let stop: (() => Promise<void>) | undefined;
  let isOver = false;

  function start(): () => Promise<void> {
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
    return () => {
      isOver = true;
      unsubscribe();
      controller.abort();
      return production;
    };
  }

  async function finish(): Promise<IteratorResult<T, void>> {
    isOver = true;
    await stop?.();
    return end;
  }

  async function fail(error: unknown): Promise<never> {
    await finish();
    throw error;
  }

  const see = (result: IteratorResult<T, void>): IteratorResult<T, void> | Promise<IteratorResult<T, void>> =>
    result.done === true ? finish() : result;

  return {
    next() {
      if (isOver) return Promise.resolve(end);
      stop ??= start();
      return sink.next().then(see, fail);
    },
    return: finish,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
