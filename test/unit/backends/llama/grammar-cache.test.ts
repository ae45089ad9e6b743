import { describe, expect, it } from "vitest";
import { GrammarCache } from "../../../../src/backends/llama/grammar-cache.ts";

describe("GrammarCache", () => {
  const compiled: string[] = [];
  const ask = (cache: GrammarCache, key: string): string =>
    cache.get(key, () => {
      compiled.push(key);
      return `${key}!`;
    });

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

  it("does not keep a refusal", () => {
    const cache = new GrammarCache();
    expect(() =>
      cache.get("a", () => {
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(cache.get("a", () => "yes")).toBe("yes");
  });
});
