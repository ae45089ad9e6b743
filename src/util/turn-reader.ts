// Reads an async iterator by turns of the event loop: what is there together is taken together.

/** Values of one turn; `done` when none follow. */
export interface Turn<T> {
  readonly values: readonly T[];
  readonly done: boolean;
}

/** So many values end a turn, so that a producer who never pauses is heard at all. */
const mostPerTurn = 16;

/** Groups the values that an iterator yields without waiting. Reads one value ahead. */
export class TurnReader<T> {
  readonly #iterator: AsyncIterator<T, void, undefined>;
  #ahead: Promise<IteratorResult<T, void>> | undefined;

  constructor(iterator: AsyncIterator<T, void, undefined>) {
    this.#iterator = iterator;
  }

  /** Waits for a value. Rejects as the iterator does, once the values before are taken. */
  async next(): Promise<Turn<T>> {
    const first = await this.#take();
    if (first.done === true) return { values: [], done: true };
    const values = [first.value];
    const turnIsOver = new Promise<undefined>((resolve) => {
      setImmediate(resolve, undefined);
    });
    while (values.length < mostPerTurn) {
      this.#ahead = this.#iterator.next();
      const result = await Promise.race([this.#ahead, turnIsOver]).catch(() => undefined);
      if (result === undefined) break;
      this.#ahead = undefined;
      if (result.done === true) return { values, done: true };
      values.push(result.value);
    }
    return { values, done: false };
  }

  #take(): Promise<IteratorResult<T, void>> {
    const ahead = this.#ahead ?? this.#iterator.next();
    this.#ahead = undefined;
    return ahead;
  }
}
