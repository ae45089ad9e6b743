import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { selectMicroBatch, type MicroBatchLimits } from "../../../../../src/backends/embedding/batching/micro-batch.ts";

const limits: MicroBatchLimits = { maxBatchTokens: 256, maxPaddingShare: 0.1 };

function lengthsIn(lengths: readonly number[], options: { seed: number; limits?: MicroBatchLimits }): number[] {
  const texts = lengths.map((tokens) => ({ tokens }));
  const { start, end } = selectMicroBatch(texts, { seed: options.seed, limits: options.limits ?? limits });
  return lengths.slice(start, end);
}

describe("selectMicroBatch", () => {
  it("fills the batch with texts of the same length up to the padded tokens", () => {
    expect(lengthsIn([64, 64, 64, 64, 64], { seed: 4 })).toEqual([64, 64, 64, 64]);
  });

  it("takes neighbours on both sides of the seed, the nearer one first", () => {
    expect(lengthsIn([10, 38, 40, 41, 90], { seed: 2 })).toEqual([38, 40, 41]);
  });

  it("leaves out a neighbour that would waste more than the share of padding", () => {
    // 100 + 75 in 2 x 100: 12.5 % padding.
    expect(lengthsIn([75, 100], { seed: 1 })).toEqual([100]);
    expect(lengthsIn([75, 100], { seed: 1, limits: { ...limits, maxPaddingShare: 0.13 } })).toEqual([75, 100]);
  });

  it("runs a text that is longer than the limit alone", () => {
    expect(lengthsIn([500, 500], { seed: 1 })).toEqual([500]);
  });

  it("always holds the seed and keeps both limits, for any lengths", () => {
    const length = fc.integer({ min: 1, max: 600 });
    fc.assert(
      fc.property(
        fc.array(length, { minLength: 1, maxLength: 200 }),
        fc.nat(),
        fc.record({
          maxBatchTokens: fc.integer({ min: 1, max: 4096 }),
          maxPaddingShare: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        (unsorted, at, limits) => {
          const lengths = unsorted.toSorted((a, b) => a - b);
          const seed = at % lengths.length;
          const texts = lengths.map((tokens) => ({ tokens }));
          const { start, end } = selectMicroBatch(texts, { seed, limits });
          expect(start).toBeLessThanOrEqual(seed);
          expect(end).toBeGreaterThan(seed);
          const batch = lengths.slice(start, end);
          const padded = (batch.at(-1) ?? 0) * batch.length;
          const tokens = batch.reduce((sum, length) => sum + length, 0);
          if (batch.length > 1) {
            expect(padded).toBeLessThanOrEqual(limits.maxBatchTokens);
            expect(1 - tokens / padded).toBeLessThanOrEqual(limits.maxPaddingShare);
          }
        },
      ),
    );
  });
});
