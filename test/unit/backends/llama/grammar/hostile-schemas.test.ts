// Schemas made to do harm: each is compiled or refused within a moment, and none gets text of its own making into the grammar.
import { describe, expect, it } from "vitest";
import { validateGbnf } from "../../../../../src/backends/llama/grammar/gbnf-validate.ts";
import { jsonSchemaToGbnf } from "../../../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import type { JsonValue } from "../../../../../src/backends/llama/grammar/json-value.ts";
import { SchemaNotEnforceableError } from "../../../../../src/backends/llama/grammar/schema-error.ts";
import { GbnfMachine, seededSampler } from "./support/gbnf-machine.ts";
import { refusal } from "./support/refusal.ts";

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

  it("takes an object that is used in many places", () => {
    let schema: JsonValue = { type: "string" };
    for (let depth = 0; depth < 60; depth += 1) {
      schema = { type: "object", properties: { a: schema, b: schema }, required: ["a"] };
    }
    expect(survives(schema)).toBeDefined();
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
    expect(machine.accepts('"\\ud012\\udc00"')).toBe(false);
    const named = new GbnfMachine(jsonSchemaToGbnf({ enum: ["\ud83d"] }));
    expect(named.accepts('"\\ud83d"')).toBe(true);
  });
});
