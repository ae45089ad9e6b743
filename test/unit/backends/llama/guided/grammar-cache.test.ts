import { describe, expect, it } from "vitest";
import { GrammarCache } from "../../../../../src/backends/llama/guided/grammar-cache.ts";

describe("GrammarCache", () => {
  const compiled: string[] = [];
  const ask = (cache: GrammarCache, key: string): string => {
    const known = cache.get(key);
    if (known !== undefined) return known.grammar;
    compiled.push(key);
    cache.set(key, { grammar: `${key}!`, warnings: [] });
    return `${key}!`;
  };

  it("compiles a grammar once, and the least recently used one again", () => {
    const cache = new GrammarCache({ entries: 2 });
    compiled.length = 0;
    for (const key of ["a", "b", "a", "c", "a", "b"]) expect(ask(cache, key)).toBe(`${key}!`);
    expect(compiled).toEqual(["a", "b", "c", "b"]);
  });

  it("keeps no more text than it may", () => {
    const cache = new GrammarCache({ units: 10 });
    compiled.length = 0;
    for (const key of ["aa", "bb", "aa", "cccccc", "bb"]) ask(cache, key);
    expect(compiled).toEqual(["aa", "bb", "cccccc", "bb"]);
  });
});
