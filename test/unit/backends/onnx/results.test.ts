import { Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { encodeFloat16 } from "../../../../src/backends/onnx/float16.ts";
import { numbersOf, relativeDifference, suspicionOf } from "../../../../src/backends/onnx/results.ts";

const floats = (...values: number[]): Tensor => new Tensor("float32", Float32Array.from(values), [values.length]);
const halves = (...values: number[]): Tensor =>
  new Tensor("float16", encodeFloat16(Float32Array.from(values)), [values.length]);

describe("suspicionOf", () => {
  it("finds nothing in values of which one at least is not zero", () => {
    expect(suspicionOf({ a: floats(0, -1, 1e30), b: halves(0, 65_504, -1) })).toBeUndefined();
  });

  it.each([Number.NaN, Infinity, -Infinity])("finds %s in either precision", (value) => {
    expect(suspicionOf({ a: floats(1, value) })).toBe("the output 'a' has values that are no numbers");
    expect(suspicionOf({ a: halves(1, value) })).toBe("the output 'a' has values that are no numbers");
  });

  it("finds outputs of zeros alone, negative ones too", () => {
    expect(suspicionOf({ a: floats(1), b: floats(0, -0) })).toBe("the output 'b' has only zeros");
    expect(suspicionOf({ b: halves(0, -0) })).toBe("the output 'b' has only zeros");
  });

  it("does not judge other types, nor empty outputs", () => {
    const flags = new Tensor("bool", [false, false], [2]);
    expect(suspicionOf({ flags, ids: new Tensor("int64", BigInt64Array.of(0n), [1]), none: floats() })).toBeUndefined();
  });
});

describe("relativeDifference", () => {
  it("is the distance as a share of the expected length", () => {
    expect(relativeDifference([3, 4], [3, 4])).toBe(0);
    expect(relativeDifference([0, 0], [3, 4])).toBe(1);
    expect(relativeDifference([3.03, 4.04], [3, 4])).toBeCloseTo(0.01);
    expect(relativeDifference([0, 0], [0, 0])).toBe(0);
  });

  it("is infinite for other shapes, for values that are no numbers, and for something in place of nothing", () => {
    expect(relativeDifference([1], [1, 2])).toBe(Infinity);
    expect(relativeDifference([Number.NaN, 1], [1, 1])).toBe(Infinity);
    expect(relativeDifference([1], [Number.NaN])).toBe(Infinity);
    expect(relativeDifference([1], [0])).toBe(Infinity);
  });
});

describe("numbersOf", () => {
  it("gives the values of any type as numbers", () => {
    expect(numbersOf(floats(0.5))).toEqual(Float32Array.of(0.5));
    expect(numbersOf(halves(0.5, -2))).toEqual(Float32Array.of(0.5, -2));
    expect(numbersOf(new Tensor("int64", BigInt64Array.of(7n), [1]))).toEqual(Float32Array.of(7));
    expect(numbersOf(new Tensor("bool", [true, false], [2]))).toEqual(Float32Array.of(1, 0));
  });
});
