import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entriesOf, inWrittenOrder, orderedJson, readInWrittenOrder } from "../../../src/util/ordered-json.ts";

describe("JSON in the order in which it was written", () => {
  it.each([
    '{"b":1,"2":{"10":[{"x":1,"1":2}],"9":null},"1":true}',
    '{"a/b":{"c~d":{"z":0,"3":1}}}',
    '{"plain":{"b":1,"a":[1,"2",{}]}}',
    "[]",
    '"text"',
  ])("is written as it was read: %s", (text) => {
    expect(orderedJson(readInWrittenOrder(text))).toBe(text);
  });

  it("is that of JSON.stringify where nothing was changed", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2, 4), (value, indent) => {
        expect(orderedJson(value, { indent })).toBe(JSON.stringify(value, null, indent));
      }),
    );
  });

  it("keeps keys that were added behind those that were written", () => {
    const ordered = inWrittenOrder({ 1: "a", b: "c", added: 1 }, { "": ["b", "1", "gone"] });
    expect(entriesOf(ordered as object)).toEqual([
      ["b", "c"],
      ["1", "a"],
      ["added", 1],
    ]);
  });

  it("has whole numbers of any length, and numbers of other classes as they are told", () => {
    const text = orderedJson({ id: 12345678901234567890n, at: new Date(0) }, { other: () => undefined });
    expect(text).toBe('{"id":12345678901234567890,"at":{}}');
    expect(orderedJson([new Date(0)], { other: (value) => (value instanceof Date ? "0" : undefined) })).toBe("[0]");
  });
});
