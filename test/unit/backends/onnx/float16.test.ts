import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFloat16, encodeFloat16 } from "../../../../src/backends/onnx/float16.ts";

/** Independent of the tables: the value of a half from its definition. */
function valueOf(bits: number): number {
  const sign = bits >>> 15 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) {
    return mantissa ? Number.NaN : sign * Infinity;
  }
  return exponent === 0 ? (sign * mantissa) / 2 ** 24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** The nearest half by search among all of them; a tie goes to the even pattern, and what rounds past the largest is infinite. */
function nearest(value: number): number {
  const magnitude = Math.abs(value);
  let low = 0;
  let high = 0x7c00;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (valueOf(middle) <= magnitude) {
      low = middle;
    } else {
      high = middle;
    }
  }
  // For rounding, infinity stands at the next power of two.
  const above = high === 0x7c00 ? 65_536 : valueOf(high);
  const toLow = magnitude - valueOf(low);
  const toHigh = above - magnitude;
  const bits = toLow < toHigh || (toLow === toHigh && low % 2 === 0) ? low : high;
  return bits | (value < 0 || Object.is(value, -0) ? 0x8000 : 0);
}

/** The pattern of one number. */
function encode(value: number): number {
  return encodeFloat16(Float32Array.of(value))[0]!;
}

describe("float16", () => {
  it("decodes every pattern, and encodes every number back to its pattern", () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
    const decoded = decodeFloat16(all);
    const wrong = [...all].filter((bits) => !Object.is(decoded[bits], valueOf(bits)));
    expect(wrong).toEqual([]);
    const encoded = encodeFloat16(decoded);
    const changed = [...all].filter((bits) => !Number.isNaN(decoded[bits]!) && encoded[bits] !== bits);
    expect(changed).toEqual([]);
    const isNaN = (bits: number) => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
    expect([...all].filter((bits) => isNaN(bits) !== isNaN(encoded[bits]!))).toEqual([]);
  });

  it("rounds exact ties to even, from either side, at every exponent", () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const tie = (valueOf(bits) + valueOf(bits + 1)) / 2;
      expect(encode(tie)).toBe(bits % 2 === 0 ? bits : bits + 1);
    }
  });

  it("rounds to the nearest half", () => {
    const float32 = fc.float({ noNaN: true });
    const near = fc.float({ min: -70_000, max: 70_000, noNaN: true });
    const tiny = fc.float({ min: Math.fround(-1e-4), max: Math.fround(1e-4), noNaN: true });
    fc.assert(
      fc.property(fc.oneof(float32, near, tiny), (value) => {
        expect(encode(value)).toBe(nearest(value));
      }),
      { numRuns: 5000 },
    );
  });

  it("overflows to infinity from 65520 on", () => {
    expect(encode(65_504)).toBe(0x7bff);
    expect(encode(65_519.99)).toBe(0x7bff);
    expect(encode(65_520)).toBe(0x7c00);
    expect(encode(-3e38)).toBe(0xfc00);
    expect(decodeFloat16(Uint16Array.of(0x7c00, encode(Number.NaN)))).toEqual(Float32Array.of(Infinity, Number.NaN));
  });

  it("writes into the array it is given, and reads a view with an offset", () => {
    const out = new Uint16Array(2);
    const view = new Float32Array([9, 1, -2]).subarray(1);
    expect(encodeFloat16(view, out)).toBe(out);
    expect([...out]).toEqual([0x3c00, 0xc000]);
    const values = new Float32Array(2);
    expect(decodeFloat16(out, values)).toBe(values);
    expect([...values]).toEqual([1, -2]);
  });
});
