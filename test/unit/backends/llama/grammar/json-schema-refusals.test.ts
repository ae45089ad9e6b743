// What cannot be enforced is refused, with the keyword and its place; what is merely hostile is refused quickly.
import { describe, expect, it } from "vitest";
import { jsonSchemaToGbnf } from "../../../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import { validateGbnf } from "../../../../../src/backends/llama/grammar/gbnf-validate.ts";
import type { JsonValue } from "../../../../../src/backends/llama/grammar/json-value.ts";
import { SchemaNotEnforceableError } from "../../../../../src/backends/llama/grammar/schema-error.ts";
import { GbnfMachine, seededSampler } from "./support/gbnf-machine.ts";

function refusal(schema: JsonValue): { keyword: string; path: string; reason: string } {
  try {
    jsonSchemaToGbnf(schema);
  } catch (error) {
    if (error instanceof SchemaNotEnforceableError) {
      return { keyword: error.keyword, path: error.path, reason: error.reason };
    }
    throw error;
  }
  throw new Error("the schema was not refused");
}

describe("refusals", () => {
  it.each<[string, JsonValue, string]>([
    ["not", { not: { type: "string" } }, ""],
    ["if", JSON.parse('{"if":{},"then":{}}') as JsonValue, ""],
    ["oneOf", { oneOf: [{ type: "integer" }, { type: "number" }] }, ""],
    [
      "oneOf",
      { type: "object", properties: { a: { oneOf: [{ required: ["x"] }, { required: ["y"] }] } } },
      "/properties/a",
    ],
    ["patternProperties", { type: "object", patternProperties: { "^x": {} } }, ""],
    ["dependentRequired", { type: "object", dependentRequired: { a: ["b"] } }, ""],
    ["dependentSchemas", { type: "object", dependentSchemas: { a: {} } }, ""],
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
      { type: "object", properties: { price: { type: "number", multipleOf: 0.01 } } },
      "/properties/price",
    ],
    ["format", { type: "array", items: { type: "string", format: "credit-card" } }, "/items"],
    ["format", { type: "string", format: "regex" }, ""],
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
    const schema = { type: "object", properties: { "a/b~c": { not: {} } } };
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
    expect(jsonSchemaToGbnf({ type: "null", $defs: { bad: { not: {} } } })).toContain('"null"');
  });
});

describe("hostile schemas", () => {
  /** Compiles or refuses; anything else, and anything slow, fails. */
  function survives(schema: JsonValue): string | undefined {
    const started = performance.now();
    let grammar: string | undefined;
    try {
      grammar = jsonSchemaToGbnf(schema);
    } catch (error) {
      expect(error).toBeInstanceOf(SchemaNotEnforceableError);
    }
    // Generous: the point is the difference between a moment and for ever.
    expect(performance.now() - started).toBeLessThan(10_000);
    return grammar;
  }

  it("refuses deep nesting without overflowing the stack", () => {
    let schema: JsonValue = { type: "string" };
    for (let depth = 0; depth < 5_000; depth += 1)
      schema = { type: "object", properties: { a: schema }, required: ["a"] };
    expect(survives(schema)).toBeUndefined();
    let wrapped: JsonValue = { type: "string" };
    for (let depth = 0; depth < 5_000; depth += 1) wrapped = { allOf: [wrapped] };
    expect(survives(wrapped)).toBeUndefined();
    let chosen: JsonValue = { type: "string" };
    for (let depth = 0; depth < 5_000; depth += 1) chosen = { anyOf: [chosen, { type: "null" }] };
    expect(survives(chosen)).toBeUndefined();
    let nested: JsonValue = { type: "string" };
    for (let depth = 0; depth < 5_000; depth += 1) nested = { oneOf: [nested, { type: "null" }] };
    expect(survives(nested)).toBeUndefined();
  });

  it("refuses deep values and deep unions, and takes bounds of many digits", () => {
    let value: JsonValue = 1;
    for (let depth = 0; depth < 100_000; depth += 1) value = [value];
    expect(survives({ enum: [value] })).toBeUndefined();
    expect(survives({ const: value })).toBeUndefined();
    const names = Array.from({ length: 400 }, (_, index) => `p${index}`);
    const prefixes = names.map((_, count) => ({
      type: "object",
      properties: Object.fromEntries(names.slice(0, count).map((name) => [name, { type: "null" }])),
      required: names.slice(0, count),
      additionalProperties: false,
    }));
    expect(survives({ anyOf: prefixes })).toBeUndefined();
    expect(survives({ anyOf: prefixes.slice(0, 100) })).toBeDefined();
    expect(survives({ type: "integer", minimum: 1.2345678912345e38, maximum: 9.8765432198765e38 })).toBeDefined();
    expect(survives({ type: "number", minimum: 1.2345678912345e-30, maximum: 9.8765432198765e20 })).toBeUndefined();
    expect(survives({ type: "number", minimum: -1.2345678912345e-12, maximum: 9.8765432198765e20 })).toBeDefined();
  });

  it("takes thousands of enum values, and refuses more than a grammar can hold", () => {
    const grammar = survives({ enum: Array.from({ length: 5_000 }, (_, index) => `value number ${index}`) });
    expect(grammar).toBeDefined();
    expect(new GbnfMachine(grammar ?? "").accepts('"value number 4999"')).toBe(true);
    expect(
      survives({ enum: Array.from({ length: 200_000 }, (_, index) => `a value of some length ${index * 7919}`) }),
    ).toBeUndefined();
    expect(survives({ enum: Array.from({ length: 3_000 }, (_, index) => "a".repeat(index)) })).toBeDefined();
  });

  it("lowers an upper bound that is beyond counting and refuses such a lower one", () => {
    const grammar = survives({ type: "array", items: { type: "null" }, maxItems: 1e9 });
    expect(validateGbnf(grammar ?? "")).toEqual({ isValid: true });
    expect(survives({ type: "array", items: { type: "null" }, minItems: 1e9 })).toBeUndefined();
    expect(survives({ type: "string", maxLength: Number.MAX_SAFE_INTEGER })).toBeDefined();
    expect(survives({ type: "string", minLength: 1e15 })).toBeUndefined();
    expect(survives({ type: "string", pattern: "^[a-z]+$", maxLength: 1e9 })).toBeDefined();
  });

  it("counts exactly beyond llama.cpp's own limit of repetitions", () => {
    const machine = new GbnfMachine(jsonSchemaToGbnf({ type: "string", minLength: 2_100, maxLength: 4_500 }));
    for (const [length, isIn] of [
      [2_099, false],
      [2_100, true],
      [3_333, true],
      [4_500, true],
      [4_501, false],
    ] as const) {
      expect(machine.accepts(JSON.stringify("x".repeat(length))), String(length)).toBe(isIn);
    }
  });

  it("adds up nested bounds and refuses too many of them", () => {
    let schema: JsonValue = { type: "null" };
    for (let depth = 0; depth < 20; depth += 1) {
      schema = { type: "array", items: schema, minItems: 1_000, maxItems: 2_000 };
    }
    // Rules refer to each other, so the size is the sum of the bounds, not their product.
    expect(validateGbnf(survives(schema) ?? "")).toEqual({ isValid: true });
    const lengths = Array.from({ length: 500 }, (_, index) => ({
      type: "string",
      minLength: index,
      maxLength: 20_000,
    }));
    expect(survives({ anyOf: lengths })).toBeUndefined();
  });

  it.each([
    "(a+)+$",
    "^(a|a)*$",
    "^(a|aa)+$",
    "^(.*)*$",
    "^((a*)*)*$",
    "(x+x+)+y",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "^(.{0,99}){0,99}$",
    "^.{0,1000}x.{0,1000}$",
    "(){1000000000}",
    "^(){0,1000000000}$",
    "^a{1000000000}$",
    "^(a{1000}){1000}$",
    "^(((a{100}){100}){100}){100}$",
    `^${"(".repeat(500)}a${")".repeat(500)}$`,
    `^${"(a|b)".repeat(700)}$`,
    "^(a?){2000}a{2000}$",
    "^[^]*$",
    "[]",
    "^\\p{L}+\\p{N}*\\P{L}$",
  ])("survives the pattern %s", (pattern) => {
    const grammar = survives({ type: "string", pattern });
    if (grammar === undefined) return;
    expect(validateGbnf(grammar)).toEqual({ isValid: true });
    const text: unknown = JSON.parse(new GbnfMachine(grammar).sample(seededSampler(1)));
    // Short texts only: V8's matcher is the one that backtracks.
    if (String(text).length < 20) expect(String(text)).toMatch(new RegExp(pattern, "u"));
  });

  it("survives combinations that multiply", () => {
    const choice = { anyOf: Array.from({ length: 10 }, (_, index) => ({ const: index })) };
    expect(survives({ allOf: Array.from({ length: 10 }, () => structuredClone(choice)) })).toBeUndefined();
    survives({ allOf: Array.from({ length: 50_000 }, () => ({})) });
    survives({ anyOf: Array.from({ length: 50_000 }, () => ({ type: "string" })) });
    survives({ anyOf: Array.from({ length: 5_000 }, () => ({})), oneOf: Array.from({ length: 5_000 }, () => ({})) });
    survives({
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`p${index}`, {}])),
    });
    survives({
      $ref: "#/$defs/d0",
      $defs: Object.fromEntries(
        Array.from({ length: 3_000 }, (_, index) => [`d${index}`, { $ref: `#/$defs/d${index + 1}` }]),
      ),
    });
    survives({
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`p${index}`, {}])),
      minProperties: 100,
      additionalProperties: false,
    });
  });

  it("reads names of object prototypes as names", () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"integer"},"constructor":{"type":"string"}},"required":["__proto__","toString"],"additionalProperties":{"type":"boolean"}}',
    ) as JsonValue;
    const machine = new GbnfMachine(jsonSchemaToGbnf(schema));
    expect(machine.accepts('{"__proto__":1,"constructor":"c","toString":true,"valueOf":false}')).toBe(true);
    expect(machine.accepts('{"__proto__":1,"toString":true}')).toBe(true);
    expect(machine.accepts('{"__proto__":"x","toString":true}')).toBe(false);
    expect(machine.accepts('{"toString":true}')).toBe(false);
    expect(refusal({ $ref: "#/constructor" })).toMatchObject({ keyword: "$ref" });
    expect(refusal(JSON.parse('{"type":"string","format":"__proto__"}') as JsonValue)).toMatchObject({
      keyword: "format",
    });
  });

  it("cannot be talked into rules of the schema's making", () => {
    const injection = '" | "free text" #\nroot ::= [a-z]*';
    const machine = new GbnfMachine(
      jsonSchemaToGbnf({
        type: "object",
        properties: { [injection]: { const: injection } },
        required: [injection],
        additionalProperties: false,
      }),
    );
    expect(machine.accepts(JSON.stringify({ [injection]: injection }))).toBe(true);
    expect(machine.accepts("free text")).toBe(false);
  });

  it("keeps halves of surrogate pairs out, and lets escaped ones through where a name has them", () => {
    const machine = new GbnfMachine(jsonSchemaToGbnf({ type: "string" }));
    expect(machine.accepts('"\\ud83d\\ude00"')).toBe(true);
    expect(machine.accepts('"\\ud83d"')).toBe(false);
    expect(machine.accepts('"\\ude00"')).toBe(false);
    expect(machine.accepts('"\\ud83dx"')).toBe(false);
    const named = new GbnfMachine(jsonSchemaToGbnf({ enum: ["\ud83d"] }));
    expect(named.accepts('"\\ud83d"')).toBe(true);
  });
});
