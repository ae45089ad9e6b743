// Finds stop strings in text that arrives in pieces. Text that may be the beginning of a stop string is held back until that is
// decided, so that no part of one is ever passed on.

export interface StopMatch {
  /** Text that is safe to pass on. */
  readonly text: string;
  /** The stop string that was completed; what follows it is dropped and nothing may be pushed any more. */
  readonly stop: string | undefined;
}

/** One stop string, and how much of it the text read so far ends with. */
interface Pattern {
  readonly stop: string;
  /** `borders[n]` = length of the longest proper prefix that the first `n` characters end with. */
  readonly borders: Uint32Array;
  matched: number;
}

/**
 * The stop string that is completed first ends the text, as if every character had come alone: how the text was cut
 * into pieces makes no difference. Of two that end at the same character the longer one counts.
 *
 * Each character costs a constant time per stop string on average, however long the strings are: Knuth, Morris and Pratt, "Fast
 * Pattern Matching in Strings", 1977.
 */
export class StopMatcher {
  readonly #patterns: readonly Pattern[];
  #held = "";

  /** Empty strings are ignored: they would end every text before it began. */
  constructor(stops: readonly string[]) {
    this.#patterns = stops
      .filter((stop) => stop !== "")
      .toSorted((first, second) => second.length - first.length)
      .map((stop) => ({ stop, borders: bordersOf(stop), matched: 0 }));
  }

  /** Reads the next piece. */
  push(piece: string): StopMatch {
    if (this.#patterns.length === 0) return { text: piece, stop: undefined };
    const text = this.#held + piece;
    for (let index = 0; index < piece.length; index += 1) {
      const stop = this.#read(piece.charCodeAt(index));
      if (stop === undefined) continue;
      const end = this.#held.length + index + 1;
      this.#held = "";
      return { text: text.slice(0, end - stop.length), stop };
    }
    const heldLength = this.#patterns.reduce((longest, { matched }) => Math.max(longest, matched), 0);
    this.#held = heldLength === text.length ? text : text.slice(text.length - heldLength);
    return { text: text.slice(0, text.length - heldLength), stop: undefined };
  }

  /** Ends the text and returns what was held back: it is no stop string after all. */
  flush(): string {
    const text = this.#held;
    this.#held = "";
    for (const pattern of this.#patterns) pattern.matched = 0;
    return text;
  }

  /** Reads one UTF-16 code unit and returns the longest stop string that ends with it, if any does. */
  #read(character: number): string | undefined {
    let completed: string | undefined;
    for (const pattern of this.#patterns) {
      const { stop, borders } = pattern;
      let { matched } = pattern;
      while (matched > 0 && stop.charCodeAt(matched) !== character) matched = borders[matched] as number;
      if (stop.charCodeAt(matched) === character) matched += 1;
      pattern.matched = matched;
      if (matched === stop.length) completed ??= stop;
    }
    return completed;
  }
}

function bordersOf(stop: string): Uint32Array {
  const borders = new Uint32Array(stop.length + 1);
  let border = 0;
  for (let length = 1; length < stop.length; length += 1) {
    while (border > 0 && stop.charCodeAt(border) !== stop.charCodeAt(length)) border = borders[border] as number;
    if (stop.charCodeAt(border) === stop.charCodeAt(length)) border += 1;
    borders[length + 1] = border;
  }
  return borders;
}
