// Finds stop strings in text that arrives in pieces. What may be the beginning of a stop string is held back until it is
// decided, so that no part of one is ever passed on.

export interface StopMatch {
  /** Text that is safe to pass on. */
  readonly text: string;
  /** The stop string that was completed; what follows it is dropped and nothing may be pushed any more. */
  readonly stop: string | undefined;
}

/**
 * The stop string that is completed first ends the text, as if every character had come alone: how the text was cut
 * into pieces makes no difference. Of two that end at the same character the longer one counts.
 */
export class StopMatcher {
  readonly #stops: readonly string[];
  readonly #longest: number;
  #held = "";

  /** Empty strings are ignored: they would end every text before it began. */
  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
    this.#longest = this.#stops.reduce((longest, stop) => Math.max(longest, stop.length), 0);
  }

  /** Characters held back, because they may become a stop string. */
  get heldLength(): number {
    return this.#held.length;
  }

  push(piece: string): StopMatch {
    if (this.#longest === 0) return { text: piece, stop: undefined };
    const text = this.#held + piece;
    const first = this.#firstStop(text);
    if (first !== undefined) {
      this.#held = "";
      return { text: text.slice(0, first.start), stop: first.stop };
    }
    const heldFrom = this.#firstPartialStop(text);
    this.#held = text.slice(heldFrom);
    return { text: text.slice(0, heldFrom), stop: undefined };
  }

  /** The text is over: what was held back is no stop string after all. */
  flush(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }

  /** The stop string that ends first, and where it begins. */
  #firstStop(text: string): { readonly stop: string; readonly start: number } | undefined {
    let best: { readonly stop: string; readonly start: number } | undefined;
    let bestEnd = Infinity;
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      if (start === -1) continue;
      const end = start + stop.length;
      if (end < bestEnd || (end === bestEnd && best !== undefined && start < best.start)) {
        best = { stop, start };
        bestEnd = end;
      }
    }
    return best;
  }

  /** Start of the longest suffix of `text` that begins a stop string; the text's length where there is none. */
  #firstPartialStop(text: string): number {
    for (let start = Math.max(0, text.length - this.#longest + 1); start < text.length; start += 1) {
      const suffixLength = text.length - start;
      for (const stop of this.#stops) {
        if (suffixLength < stop.length && text.endsWith(stop.slice(0, suffixLength))) return start;
      }
    }
    return text.length;
  }
}
