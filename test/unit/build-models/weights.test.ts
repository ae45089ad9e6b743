// The bytes of the bundled models rest on these numbers: they must never change with an engine or a platform.

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  fromBfloat16Bits,
  fromHalfBits,
  toBfloat16Bits,
  toHalfBits,
} from "../../../scripts/build-models/formats/half-float.ts";
import { readSource } from "../../../scripts/build-models/formats/byte-source.ts";
import {
  chunkElements,
  createRandomBits,
  encodeFloats,
  encodeInt8,
  exactRoot,
  floatsOf,
  randomNormal,
  readFloats,
} from "../../../scripts/build-models/formats/weights.ts";

describe("random weights", () => {
  it("never change", () => {
    const next = createRandomBits("8484/output.weight");
    expect([next(), next(), next()]).toEqual([3_686_775_420, 3_375_211_945, 896_295_894]);
    const values = readFloats(randomNormal("1/a", { length: 3, std: 512 }));
    expect([...values]).toEqual([43.5, -745.5, -132.5]);
  });

  it("have mean 0, the standard deviation asked for, and never exceed the bound", () => {
    const source = randomNormal("1/weights", { length: 200_000, std: 0.25 });
    const values = readFloats(source);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(0, 2);
    expect(Math.sqrt(variance)).toBeCloseTo(0.25, 2);
    expect(Math.max(...values.map(Math.abs).subarray(0, 100_000))).toBeLessThanOrEqual(source.bound!);
  });

  it("come out the same however often a source is read, and differ between tensors", () => {
    const length = chunkElements + 7;
    const source = randomNormal("1/a", { length, std: 1 });
    expect(readFloats(source)).toEqual(readFloats(source));
    expect(readFloats(randomNormal("1/b", { length, std: 1 }))).not.toEqual(readFloats(source));
  });

  it("fit symmetric int8 at the scale of their bound", () => {
    const source = randomNormal("1/int8", { length: 5000, std: 0.1 });
    const scale = source.bound! / 127;
    const stored = new Int8Array(readSource(encodeInt8(source, scale)).buffer);
    const worst = readFloats(source).reduce(
      (largest, value, index) => Math.max(largest, Math.abs(value - stored[index]! * scale)),
      0,
    );
    expect(worst).toBeLessThanOrEqual(scale / 2 + 1e-9);
  });
});

describe("half floats", () => {
  it("come back from every one of the 65,536 bit patterns that is a number", () => {
    const patterns = Array.from({ length: 0x10000 }, (_, bits) => bits).filter(
      (bits) => !Number.isNaN(fromHalfBits(bits)),
    );
    expect(patterns).toHaveLength(0x10000 - 2 * 0x3ff);
    expect(patterns.filter((bits) => toHalfBits(fromHalfBits(bits)) !== bits)).toEqual([]);
  });

  it("round to the nearest, ties to even", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65_504, max: 65_504 }), (value) => {
        const bits = toHalfBits(value);
        const error = Math.abs(fromHalfBits(bits) - value);
        for (const neighbour of [bits - 1, bits + 1]) {
          if ((neighbour & 0x7fff) > 0x7bff || neighbour < 0 || (neighbour & 0x8000) !== (bits & 0x8000)) continue;
          const other = Math.abs(fromHalfBits(neighbour) - value);
          expect(error < other || (error === other && (bits & 1) === 0)).toBe(true);
        }
      }),
    );
    // Ties among the subnormal numbers, whose step is 2^-24.
    expect([0.5, 1.5, 2.5, 2.500_001].map((steps) => toHalfBits(steps * 2 ** -24))).toEqual([0, 2, 2, 3]);
    expect(toHalfBits(65_520)).toBe(0x7c00);
    expect(toHalfBits(Number.NaN) & 0x7fff).toBeGreaterThan(0x7c00);
  });

  it("keep the upper half of a float32 as bfloat16, rounded to even", () => {
    expect(toBfloat16Bits(1)).toBe(0x3f80);
    expect(toBfloat16Bits(1 + 2 ** -8)).toBe(0x3f80);
    expect(toBfloat16Bits(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(fromBfloat16Bits(0xc049)).toBe(-3.140625);
  });

  it("are written little-endian in every format", () => {
    const source = floatsOf(Float32Array.of(1, -2));
    expect([...readSource(encodeFloats(source, "float32"))]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
    expect([...readSource(encodeFloats(source, "float16"))]).toEqual([0, 0x3c, 0, 0xc0]);
    expect([...readSource(encodeFloats(source, "bfloat16"))]).toEqual([0x80, 0x3f, 0, 0xc0]);
  });
});

describe("exactRoot", () => {
  it("agrees with the mathematics library", () => {
    for (const degree of [1, 2, 12, 16, 160]) expect(exactRoot(1e-4, degree)).toBeCloseTo(1e-4 ** (1 / degree), 12);
  });
});
