// Grammars that were compiled lately. Compiling a large schema takes a tenth of a second in which no token is computed, and
// callers send the same schema again and again.

export interface GrammarCacheLimits {
  /** @default 64 */
  readonly entries?: number;
  /** UTF-16 units of keys and grammars together. @default 8388608 */
  readonly units?: number;
}

/** Least recently used grammars go first. Refusals are not kept. */
export class GrammarCache {
  readonly #entries = new Map<string, string>();
  readonly #limits: Required<GrammarCacheLimits>;
  #units = 0;

  constructor({ entries = 64, units = 8 * 1024 * 1024 }: GrammarCacheLimits = {}) {
    this.#limits = { entries, units };
  }

  /** The grammar under `key`, compiled when it is not there. Throws what `compile` throws. */
  get(key: string, compile: () => string): string {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known;
    }
    const grammar = compile();
    this.#entries.set(key, grammar);
    this.#units += key.length + grammar.length;
    for (const [oldest, text] of this.#entries) {
      if (this.#entries.size <= this.#limits.entries && this.#units <= this.#limits.units) break;
      this.#entries.delete(oldest);
      this.#units -= oldest.length + text.length;
    }
    return grammar;
  }
}
