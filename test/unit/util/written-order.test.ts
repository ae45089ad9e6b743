// The order of keys as they were written, where JavaScript does not keep it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson, writtenOrder } from "../../../src/util/written-order.ts";

describe("writtenOrder", () => {
  it("has the keys of objects that JavaScript orders otherwise, by their pointers", () => {
    const text =
      '{"a": {"b": 1, "2": "x\\"{,", "1": [{"10": 0, "9": {}}]}, "c/d~": {"z": 1, "0": 2}, "e": {"1": 1, "f": 2}}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(writtenOrder(parseJson(text))).toEqual({
      "/a": ["b", "2", "1"],
      "/a/1/0": ["10", "9"],
      "/c~1d~0": ["z", "0"],
    });
  });

  it("is nothing where no order is lost", () => {
    for (const text of ['{"a":1,"b":{"1":2,"2":3}}', "5", "[]", '{"a":"\\\\"}', '{"1":1}']) {
      expect(writtenOrder(parseJson(text)), text).toBeUndefined();
    }
  });

  it("takes keys that are there twice where they stand first", () => {
    expect(writtenOrder(parseJson('{"b":{"2":1,"1":2},"2":1,"1":[],"2":{"x":1,"3":4},"b":5}'))).toEqual({
      "": ["b", "2", "1"],
      "/2": ["x", "3"],
    });
  });

  it("reads any JSON as JSON.parse does, and knows the order of every object", () => {
    const key = fc.oneof(fc.nat(30).map(String), fc.string({ maxLength: 3 }), fc.constantFrom("__proto__", '"', "\\"));
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom("1", "null", '"a\\"]}"', '"\\\\"', "[]", "{}"),
        fc.array(tie("value"), { maxLength: 3 }).map((items) => `[ ${items.join(" , ")} ]`),
        fc
          .uniqueArray(fc.tuple(key, tie("value")), { maxLength: 5, selector: ([name]) => name })
          .map((members) => `{ ${members.map(([name, inner]) => `${JSON.stringify(name)} : ${inner}`).join(" , ")} }`),
      ),
    }));
    fc.assert(
      fc.property(value, (text) => {
        const parsed = parseJson(text);
        expect(parsed).toEqual(JSON.parse(text));
        const order = writtenOrder(parsed) ?? {};
        const write = (one: unknown, pointer: string): string => {
          if (typeof one !== "object" || one === null) return JSON.stringify(one);
          if (Array.isArray(one)) return `[${one.map((item, at) => write(item, `${pointer}/${at}`)).join()}]`;
          const names = order[pointer] ?? Object.keys(one);
          const escape = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");
          const member = (name: string): string =>
            `${JSON.stringify(name)}:${write((one as Record<string, unknown>)[name], `${pointer}/${escape(name)}`)}`;
          return `{${names.map(member).join()}}`;
        };
        expect(write(parsed, "")).toBe(text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, "$1"));
      }),
      { numRuns: 500 },
    );
  });
});
