import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Utf8Assembler } from "../../../src/util/utf8-assembler.ts";

function assemble(bytes: Uint8Array, cuts: readonly number[]): string {
  const assembler = new Utf8Assembler();
  let text = "";
  let start = 0;
  for (const cut of [...cuts, bytes.length].toSorted((first, second) => first - second)) {
    const end = Math.min(cut, bytes.length);
    text += assembler.push(bytes.subarray(start, end));
    start = Math.max(start, end);
  }
  return text + assembler.flush();
}

describe("Utf8Assembler", () => {
  it("holds the bytes of a code point until it is whole", () => {
    const assembler = new Utf8Assembler();
    expect([0xf0, 0x9f, 0x98].map((byte) => assembler.push(Uint8Array.of(byte)))).toEqual(["", "", ""]);
    expect(assembler.isWhole).toBe(false);
    expect(assembler.push(Uint8Array.of(0x80))).toBe("😀");
    expect(assembler.isWhole).toBe(true);
  });

  it("shows an unfinished code point as one U+FFFD at the end", () => {
    const assembler = new Utf8Assembler();
    expect(assembler.push(Uint8Array.of(0x41, 0xe2, 0x82))).toBe("A");
    expect(assembler.flush()).toBe("\uFFFD");
    expect(assembler.flush()).toBe("");
  });

  it.each([
    ["a byte that begins nothing", [0xff]],
    ["an overlong form", [0xc0]],
    ["a second byte that cannot follow", [0xe0, 0x80]],
    ["half of a surrogate pair", [0xed, 0xa0]],
    ["a code point above U+10FFFF", [0xf4, 0x90]],
    ["a lone continuation byte", [0x80]],
  ])("does not wait after %s", (_, bytes) => {
    const assembler = new Utf8Assembler();
    expect(assembler.push(Uint8Array.from(bytes))).toMatch(/^\uFFFD+$/);
    expect(assembler.isWhole).toBe(true);
  });

  it("keeps a byte order mark: it is text that the model wrote", () => {
    expect(new Utf8Assembler().push(Uint8Array.of(0xef, 0xbb, 0xbf))).toBe("\uFEFF");
  });

  it("gives the same text however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.array(fc.nat(60)), (text, cuts) => {
        const bytes = new TextEncoder().encode(text);
        expect(assemble(bytes, cuts)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
      }),
    );
  });

  it("agrees with the standard decoder on bytes that are no UTF-8, however they are cut", () => {
    const likely = fc.constantFrom(0x41, 0x80, 0x90, 0xa0, 0xbf, 0xc2, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xff);
    fc.assert(
      fc.property(fc.array(likely, { maxLength: 12 }), fc.array(fc.nat(12)), (values, cuts) => {
        const bytes = Uint8Array.from(values);
        expect(assemble(bytes, cuts)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});
