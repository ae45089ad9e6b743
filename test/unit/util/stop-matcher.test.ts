import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StopMatcher } from "../../../src/util/stop-matcher.ts";

interface Outcome {
  readonly text: string;
  readonly stop: string | undefined;
}

function run(stops: readonly string[], pieces: readonly string[]): Outcome {
  const matcher = new StopMatcher(stops);
  let text = "";
  for (const piece of pieces) {
    const match = matcher.push(piece);
    text += match.text;
    if (match.stop !== undefined) return { text, stop: match.stop };
  }
  return { text: text + matcher.flush(), stop: undefined };
}

describe("StopMatcher", () => {
  it("passes everything on when there is nothing to look for", () => {
    const matcher = new StopMatcher([""]);
    expect(matcher.push("any text")).toEqual({ text: "any text", stop: undefined });
  });

  it("holds back the longest beginning of a stop string, and passes it on when another text follows", () => {
    const matcher = new StopMatcher(["<|end|>"]);
    expect(matcher.push("text <|e")).toEqual({ text: "text ", stop: undefined });
    expect(matcher.push("gg <")).toEqual({ text: "<|egg ", stop: undefined });
    expect(matcher.flush()).toBe("<");
  });

  it("finds a stop string that comes in pieces", () => {
    expect(run(["END"], ["abcE", "N", "D more"])).toEqual({ text: "abc", stop: "END" });
  });

  it("finds a stop string that begins inside the failed beginning of another match", () => {
    expect(run(["aab"], ["a", "a", "a", "b"])).toEqual({ text: "a", stop: "aab" });
  });

  it("ends at the stop string that is completed first, and of two completed together at the longer one", () => {
    expect(run(["bcd", "c"], ["abcd"])).toEqual({ text: "ab", stop: "c" });
    expect(run(["bc", "c"], ["abcd"])).toEqual({ text: "a", stop: "bc" });
  });

  it("reads long stop strings in linear time", () => {
    // A search anew at every piece would take 10^10 comparisons.
    const matcher = new StopMatcher(["a".repeat(100_000), `${"a".repeat(50_000)}b`]);
    for (let piece = 0; piece < 99_999; piece += 1) expect(matcher.push("a").text).toBe("");
    expect(matcher.push("b")).toEqual({ text: "a".repeat(49_999), stop: `${"a".repeat(50_000)}b` });
  });

  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 30 });
  const stopStrings = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  });

  it("never passes a stop string on, and gives the same result however the text is cut", () => {
    fc.assert(
      fc.property(letters, stopStrings, fc.array(fc.integer({ min: 1, max: 5 })), (text, stops, lengths) => {
        const pieces: string[] = [];
        let rest = text;
        for (const length of lengths) {
          pieces.push(rest.slice(0, length));
          rest = rest.slice(length);
        }
        pieces.push(rest);
        const outcome = run(stops, pieces);
        expect(outcome).toEqual(run(stops, [...text]));
        expect(stops.some((stop) => outcome.text.includes(stop))).toBe(false);
        expect(text.startsWith(outcome.text)).toBe(true);
        expect(outcome.stop !== undefined).toBe(stops.some((stop) => text.includes(stop)));
      }),
      { numRuns: 1000 },
    );
  });
});
