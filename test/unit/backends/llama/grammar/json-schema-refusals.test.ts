// What cannot be enforced is refused, with the keyword and its place.
import { describe, expect, it } from "vitest";
import { jsonSchemaToGbnf } from "../../../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import type { JsonValue } from "../../../../../src/backends/llama/grammar/schema/reading/json-value.ts";
import { GbnfMachine } from "./support/gbnf-machine.ts";
import { refusal } from "./support/refusal.ts";

describe("refusals", () => {
  it.each<[string, JsonValue, string]>([
    ["not", { not: { required: ["a", "b"] } }, ""],
    ["not", { type: "number", not: { type: "integer" } }, ""],
    ["not", { type: "number", not: { const: 5 } }, ""],
    ["not", { not: {} }, ""],
    ["if", JSON.parse('{"if":{},"then":{}}') as JsonValue, ""],
    ["oneOf", { oneOf: [{ type: "integer" }, { type: "number" }] }, ""],
    [
      "oneOf",
      { type: "object", properties: { a: { oneOf: [{ required: ["x"] }, { required: ["y"] }] } } },
      "/properties/a",
    ],
    ["patternProperties", { type: "object", patternProperties: { "\\bx": {} } }, ""],
    [
      "patternProperties",
      { patternProperties: Object.fromEntries([..."abcdefg"].map((letter) => [`${letter}$`, {}])) },
      "",
    ],
    ["dependentRequired", { dependentRequired: Object.fromEntries([..."abcdefghij"].map((a) => [a, ["z"]])) }, ""],
    ["dependentSchemas", { dependentSchemas: Object.fromEntries([..."abcdefghij"].map((a) => [a, {}])) }, ""],
    [
      "unevaluatedProperties",
      { allOf: [{ type: "object", unevaluatedProperties: false }, { properties: { a: {} } }] },
      "/allOf/0",
    ],
    ["unevaluatedItems", { type: "array", unevaluatedItems: false }, ""],
    ["uniqueItems", { type: "array", items: { type: "integer" }, uniqueItems: true }, ""],
    ["contains", { type: "array", contains: { const: 1 } }, ""],
    [
      "multipleOf",
      { type: "object", properties: { price: { type: "number", multipleOf: 0.30000000000000004 } } },
      "/properties/price",
    ],
    ["pattern", { type: "string", pattern: "(a)\\1" }, ""],
    ["pattern", { type: "string", pattern: "a\\b" }, ""],
    ["pattern", { type: "string", pattern: "(?<=a)b" }, ""],
    ["pattern", { type: "string", pattern: "x(?=y)" }, ""],
    ["pattern", { type: "string", pattern: "a^b" }, ""],
    ["pattern", { type: "string", pattern: "(" }, ""],
    ["$ref", { $ref: "https://example.com/schema.json" }, ""],
    ["$ref", { $ref: "#/$defs/missing" }, ""],
    ["$ref", { $ref: "#anchor" }, ""],
    ["$ref", { properties: { a: { $ref: "#/properties/b" }, b: { $ref: "#/properties/a" } } }, "/properties/a"],
    ["$ref", { $ref: "#" }, ""],
    ["$ref", { anyOf: [{ type: "string" }, { $ref: "#" }] }, ""],
    ["$dynamicRef", { $dynamicRef: "#x" }, ""],
    ["$id", { properties: { a: { $id: "other", type: "string" } } }, "/properties/a"],
    ["type", { type: "text" }, ""],
    ["type", { allOf: [{ type: "string" }, { type: "integer" }] }, "/allOf/1"],
    ["false", false, ""],
    ["minItems", { type: "array", items: { anyOf: [false] }, minItems: 1 }, ""],
    ["enum", { enum: [] }, ""],
    ["enum", { type: "string", enum: [1, 2] }, ""],
    ["const", { type: "string", const: 5 }, ""],
    ["enum", { enum: ["a", "b"], minLength: 2 }, ""],
    ["minLength", { type: "string", minLength: 5, maxLength: 4 }, ""],
    ["minItems", { type: "array", minItems: 5, maxItems: 4 }, ""],
    ["minimum", { type: "integer", minimum: 5, maximum: 4 }, ""],
    ["minimum", { type: "number", minimum: "5" }, ""],
    ["minLength", { type: "string", minLength: -1 }, ""],
    ["required", { type: "object", properties: { a: false }, required: ["a"] }, ""],
    ["required", { type: "object", properties: { a: {} }, required: ["b"], additionalProperties: false }, ""],
    ["minProperties", { type: "object", additionalProperties: true, minProperties: 2 }, ""],
    ["maxProperties", { type: "object", required: ["a", "b"], properties: { a: {}, b: {} }, maxProperties: 1 }, ""],
    ["pattern", { type: "string", pattern: "^a$", minLength: 2 }, ""],
    ["properties", { type: "object", properties: { a: 5 } }, "/properties/a"],
    ["exclusiveMinimum", { type: "integer", exclusiveMinimum: 2 ** 60 }, ""],
    ["minimum", { type: "number", minimum: 1e-300 }, ""],
  ])("names %s", (keyword, schema, path) => {
    const refused = refusal(schema);
    expect({ keyword: refused.keyword, path: refused.path }).toEqual({ keyword, path });
    expect(refused.reason).not.toBe("");
  });

  it("escapes names in the path and puts the prefix before it", () => {
    const schema = { type: "object", properties: { "a/b~c": { not: { required: ["x", "y"] } } } };
    try {
      jsonSchemaToGbnf(schema, { pathPrefix: "/response_format/json_schema/schema" });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ keyword: "not", path: "/response_format/json_schema/schema/properties/a~1b~0c" });
    }
  });

  it("says which construct of a pattern it cannot hold", () => {
    expect(refusal({ type: "string", pattern: "(a)\\1" }).reason).toContain("back-reference");
    expect(refusal({ type: "string", pattern: "(?<!a)b" }).reason).toContain("lookbehind");
  });

  it("refuses a schema that requires itself for ever, and names it", () => {
    const node = { type: "object", properties: { next: { $ref: "#/$defs/node" } }, required: ["next"] };
    expect(refusal({ $ref: "#/$defs/node", $defs: { node } })).toMatchObject({
      path: "/$defs/node",
    });
  });

  it("refuses a union that recurs before its branches differ, and takes one whose branches begin with the same members", () => {
    const branch = (inner: JsonValue, end: string): JsonValue => ({
      type: "object",
      properties: { left: inner, [end]: { const: end } },
      required: ["left", end],
      additionalProperties: false,
    });
    const self: JsonValue = { $ref: "#" };
    const alike = { anyOf: [branch(self, "plus"), branch(self, "minus"), { type: "number" }] };
    const machine = new GbnfMachine(jsonSchemaToGbnf(alike));
    const nested = (depth: number): JsonValue => (depth === 0 ? 1 : { left: nested(depth - 1), minus: "minus" });
    expect(machine.accepts(JSON.stringify(nested(200)))).toBe(true);
    const other: JsonValue = { anyOf: [{ $ref: "#" }, { type: "null" }] };
    expect(refusal({ anyOf: [branch(self, "plus"), branch(other, "minus"), { type: "number" }] })).toMatchObject({
      keyword: "anyOf",
    });
  });

  it("does not look at definitions that are never used", () => {
    expect(jsonSchemaToGbnf({ type: "null", $defs: { bad: { not: { required: ["x"] } } } })).toContain('"null"');
  });
});
