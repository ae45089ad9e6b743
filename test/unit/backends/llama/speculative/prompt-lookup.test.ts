import { describe, expect, it } from "vitest";
import { findContinuation } from "../../../../../src/backends/llama/speculative/prompt-lookup.ts";

describe("findContinuation", () => {
  it("continues as the text went on after the last place with the same end", () => {
    const text = [1, 2, 3, 4, 9, 1, 2, 3, 5, 8, 1, 2, 3];
    expect(findContinuation(text, { sources: [text], limit: 2 })).toEqual([5, 8]);
  });

  it("prefers a longer run to a later one", () => {
    const text = [7, 1, 2, 3, 4, 9, 2, 3, 5, 7, 1, 2, 3];
    expect(findContinuation(text, { sources: [text], limit: 1 })).toEqual([4]);
  });

  it("looks into what the caller expects first", () => {
    const text = [1, 2, 9, 1, 2];
    expect(findContinuation(text, { sources: [[1, 2, 6], text], limit: 3 })).toEqual([6]);
  });

  it("guesses nothing from a single token or from nothing", () => {
    expect(findContinuation([1, 5, 1], { sources: [[1, 5, 1]], limit: 3 })).toEqual([]);
    expect(findContinuation([], { sources: [[]], limit: 3 })).toEqual([]);
  });
});
