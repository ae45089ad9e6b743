// Caches compiled grammars: callers send the same schema again and again.
import type { CompiledGrammar } from "./constraint.ts";

export interface GrammarCacheLimits {
  /** @default 64 */
  readonly entries?: number;
  /** UTF-16 units of keys and grammars together. @default 8388608 */
  readonly units?: number;
}

/** Compiled grammars by the job that made them. The least recently used are dropped first. */
export class GrammarCache {
  readonly #entries = new Map<string, CompiledGrammar>();
  readonly #limits: Required<GrammarCacheLimits>;
  #units = 0;

  constructor({ entries = 64, units = 8 * 1024 * 1024 }: GrammarCacheLimits = {}) {
    this.#limits = { entries, units };
  }

  /** The grammar under `key`, which becomes the most recently used one. */
  get(key: string): CompiledGrammar | undefined {
    const known = this.#entries.get(key);
    if (known === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, known);
    return known;
  }

  set(key: string, compiled: CompiledGrammar): void {
    if (this.#entries.has(key)) return;
    this.#entries.set(key, compiled);
    this.#units += unitsOf(key, compiled);
    for (const [oldest, dropped] of this.#entries) {
      if (this.#entries.size <= this.#limits.entries && this.#units <= this.#limits.units) break;
      this.#entries.delete(oldest);
      this.#units -= unitsOf(oldest, dropped);
    }
  }
}

function unitsOf(key: string, { grammar, warnings }: CompiledGrammar): number {
  return warnings.reduce((sum, warning) => sum + warning.length, key.length + grammar.length);
}
