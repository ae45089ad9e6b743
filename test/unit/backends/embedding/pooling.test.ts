import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pool } from "../../../../src/backends/embedding/head/pooling.ts";

// Two texts of three tokens with two dimensions; the second is one token shorter.
const shape = { batch: 2, sequence: 3, dimensions: 2 };
const hidden = Float32Array.of(1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 99, 99);
const mask = [1, 1, 1, 1, 1, 0];

describe("pooling", () => {
  it("averages over the mask, not over the padding", () => {
    expect([...pool(["mean"], { hidden, mask, shape })]).toEqual([3, 4, 20, 30]);
  });

  it("takes the first token, or the last that is no padding", () => {
    expect([...pool(["cls"], { hidden, mask, shape })]).toEqual([1, 2, 10, 20]);
    expect([...pool(["last"], { hidden, mask, shape })]).toEqual([5, 6, 30, 40]);
  });

  it("takes the largest of each dimension, not counting the padding", () => {
    expect([...pool(["max"], { hidden, mask, shape })]).toEqual([5, 6, 30, 40]);
  });

  it("divides the sum by the root of the length, or weighs later tokens more", () => {
    const [first, , , last] = pool(["mean_sqrt_len"], { hidden, mask, shape });
    expect([first, last]).toEqual([Math.fround(9 / Math.sqrt(3)), Math.fround(60 / Math.sqrt(2))]);
    const weighted = pool(["weightedmean"], { hidden, mask, shape });
    expect([...weighted].map((value) => Math.round(value * 3))).toEqual([11, 14, 70, 100]);
  });

  it("sets what several modes give side by side, in their order", () => {
    expect([...pool(["last", "mean"], { hidden, mask, shape })]).toEqual([5, 6, 3, 4, 30, 40, 20, 30]);
  });

  it("finds first and last token behind left padding", () => {
    const left = { hidden, mask: [0, 1, 1, 0, 0, 1], shape };
    expect([...pool(["cls"], left)]).toEqual([3, 4, 99, 99]);
    expect([...pool(["last"], left)]).toEqual([5, 6, 99, 99]);
    expect([...pool(["mean"], left)]).toEqual([4, 5, 99, 99]);
  });

  it("gives zeros for a text of nothing but padding", () => {
    expect([...pool(["mean"], { hidden, mask: [0, 0, 0, 1, 1, 0], shape })]).toEqual([0, 0, 20, 30]);
  });

  it("refuses arrays that do not fit the shape", () => {
    expect(() => pool(["mean"], { hidden: hidden.subarray(1), mask, shape })).toThrow(/hidden holds 11/);
    expect(() => pool(["cls"], { hidden, mask: mask.slice(1), shape })).toThrow(/mask holds 5/);
  });

  it("is not spoiled by padding that overflowed to NaN", () => {
    const spoiled = Float32Array.of(1, 2, Number.NaN, Infinity);
    const one = { batch: 1, sequence: 2, dimensions: 2 };
    expect(pool(["mean"], { hidden: spoiled, mask: [1, 0], shape: one })).toEqual(Float32Array.of(1, 2));
  });

  it("does not depend on what the padding holds", () => {
    const values = fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(values, values, (text, padding) => {
        const one = { batch: 1, sequence: 4, dimensions: 2 };
        const padded = { hidden: Float32Array.from([...text, ...padding]), mask: [1, 1, 0, 0], shape: one };
        const bare = { hidden: Float32Array.from(text), mask: [1, 1], shape: { ...one, sequence: 2 } };
        for (const mode of ["mean", "cls", "last"] as const) {
          expect(pool([mode], padded)).toEqual(pool([mode], bare));
        }
      }),
    );
  });
});
