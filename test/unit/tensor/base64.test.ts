import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFloat32Base64, encodeFloat32Base64 } from "../../../src/tensor/base64.ts";

describe("base64 of float32", () => {
  it("is little-endian", () => {
    // 1.0 = 3f800000, -2.5 = c0200000
    expect(encodeFloat32Base64(Float32Array.of(1, -2.5))).toBe(
      Buffer.from("0000803f000020c0", "hex").toString("base64"),
    );
  });

  it("encodes a view only, not its whole buffer", () => {
    const view = Float32Array.of(7, 1, 7).subarray(1, 2);
    expect(encodeFloat32Base64(view)).toBe("AACAPw==");
  });

  it("comes back bit for bit", () => {
    fc.assert(
      fc.property(fc.float32Array(), (values) => {
        expect(decodeFloat32Base64(encodeFloat32Base64(values))).toEqual(values);
      }),
    );
  });

  it("refuses a broken length", () => {
    expect(() => decodeFloat32Base64("AAA=")).toThrow(RangeError);
  });
});
