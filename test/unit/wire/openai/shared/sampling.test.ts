import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toSafeSeed, toSamplingOptions } from "../../../../../src/wire/openai/shared/sampling.ts";

describe("toSafeSeed", () => {
  it("keeps safe integers, negative ones included", () => {
    for (const seed of [0, 1, -1, 2 ** 53 - 1, -(2 ** 53 - 1)]) expect(toSafeSeed(seed)).toBe(seed);
  });

  it("folds larger seeds into safe integers without bringing the largest ones together", () => {
    const large = fc.bigInt(2n ** 62n, 2n ** 63n - 1024n).map(Number);
    fc.assert(
      fc.property(large, large, (a, b) => {
        expect(Number.isSafeInteger(toSafeSeed(a))).toBe(true);
        expect(toSafeSeed(a) === toSafeSeed(b)).toBe(a === b);
      }),
    );
    // These differ only in bits that do not fit into 53.
    expect(toSafeSeed(2 ** 62)).not.toBe(toSafeSeed(2 ** 62 + 2 ** 61));
    expect(Number.isSafeInteger(toSafeSeed(-(2 ** 63)))).toBe(true);
  });
});

describe("toSamplingOptions", () => {
  it("reads a top_k of -1 as off", () => {
    expect(toSamplingOptions({ top_k: -1 })).toEqual({ topK: 0 });
  });
});
