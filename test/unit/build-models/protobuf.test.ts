import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { bytesOf, concatSources, readSource } from "../../../scripts/build-models/formats/byte-source.ts";
import { floatField, integerField, lengthField, readFields } from "../../../scripts/build-models/formats/protobuf.ts";

describe("protobuf fields", () => {
  it("encode the published example of the format's documentation", () => {
    // protobuf.dev/programming-guides/encoding: field 1 with 150, field 2 with "testing".
    expect([...readSource(integerField(1, 150))]).toEqual([0x08, 0x96, 0x01]);
    expect([...readSource(lengthField(2, "testing"))]).toEqual([0x12, 0x07, ...Buffer.from("testing")]);
    expect([...readSource(integerField(1, -2))]).toEqual([0x08, 0xfe, ...Array<number>(8).fill(0xff), 0x01]);
  });

  it("come back in order with their values", () => {
    const field = fc.integer({ min: 1, max: 536_870_911 });
    const item = fc.oneof(
      fc.tuple(field, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      fc.tuple(field, fc.uint8Array({ maxLength: 300 })),
    );
    fc.assert(
      fc.property(fc.array(item), (items) => {
        const encoded = items.map(([number, value]) =>
          typeof value === "bigint" ? integerField(number, value) : lengthField(number, bytesOf(value)),
        );
        const read = [...readFields(readSource(concatSources(encoded)))];
        expect(read.map(({ field: number }) => number)).toEqual(items.map(([number]) => number));
        for (const [index, [, value]] of items.entries()) {
          const got = read[index]!.value;
          if (typeof value === "bigint") expect(BigInt.asIntN(64, got as bigint)).toBe(value);
          else expect(Buffer.from(got as Uint8Array).equals(Buffer.from(value))).toBe(true);
        }
      }),
    );
  });

  it("hold floats as their bits", () => {
    expect([...readFields(readSource(floatField(2, 1.5)))]).toEqual([{ field: 2, value: 0x3fc00000n }]);
  });

  it("are refused where the bytes end too early", () => {
    expect(() => [...readFields(Uint8Array.of(0x12, 0x07, 0x41))]).toThrow(RangeError);
    expect(() => [...readFields(Uint8Array.of(0x08, 0x80))]).toThrow(RangeError);
  });
});
