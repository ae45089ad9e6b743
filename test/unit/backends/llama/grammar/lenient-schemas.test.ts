// Schemas that are not strict: what a grammar can hold is held, everything valid stays possible, and the rest is named.
import { describe, expect, it } from "vitest";
import { jsonSchemaToGbnf } from "../../../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import { toolCallGrammar } from "../../../../../src/backends/llama/grammar/tool-call-grammar.ts";
import { Enforcement } from "../../../../../src/backends/llama/grammar/schema/reading/enforcement.ts";
import type { JsonValue } from "../../../../../src/backends/llama/grammar/schema/reading/json-value.ts";
import { GbnfMachine } from "./support/gbnf-machine.ts";

interface Compiled {
  readonly machine: GbnfMachine;
  /** Keyword and path of each note. */
  readonly notes: readonly string[];
}

function lenient(schema: JsonValue): Compiled {
  const enforcement = new Enforcement({ strict: false });
  const machine = new GbnfMachine(jsonSchemaToGbnf(schema, { enforcement }));
  return { machine, notes: enforcement.notes.map(({ keyword, path }) => `${keyword} ${path}`) };
}

const object = (properties: Record<string, JsonValue>, more: Record<string, JsonValue> = {}): JsonValue => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});

describe("a mistake in a schema, strict or not", () => {
  it.each<[string, JsonValue, RegExp]>([
    [
      "a type that is none",
      { type: "object", properties: { b: { type: "any" } }, required: ["b"] },
      /"type" at .*is not a type/,
    ],
    ["a bound of another type", { type: "string", minLength: "2" }, /"minLength".*must be a number/],
    ["a property that is no schema", object({ a: 5 }), /must be an object or a boolean/],
    ["a reference that points at nothing", { $ref: "#/$defs/missing" }, /"\$ref".*points at nothing/],
    ["a reference to itself", { $ref: "#" }, /"\$ref".*itself/],
    ["a broken pattern", { type: "string", pattern: "[" }, /"pattern"/],
    ["no value at all", false, /"false"/],
    ["the negation of everything", { not: {} }, /"not"/],
    ["bounds that no value meets", { type: "integer", minimum: 5, maximum: 3 }, /"minimum"/],
  ])("is refused: %s", (_, schema, message) => {
    for (const strict of [true, false]) {
      expect(() => jsonSchemaToGbnf(schema, { enforcement: new Enforcement({ strict }) })).toThrow(message);
    }
  });
});

describe("a schema that is not strict", () => {
  it.each<[string, JsonValue, { notes: string[]; accepts: JsonValue[]; rejects: JsonValue[] }]>([
    [
      "uniqueItems",
      { type: "array", items: { type: "integer" }, uniqueItems: true, maxItems: 2 },
      { notes: ["uniqueItems "], accepts: [[], [1, 2]], rejects: [["a"], [1, 2, 3]] },
    ],
    [
      "patternProperties",
      { type: "object", patternProperties: { "\\bx-": { type: "string" } }, additionalProperties: false },
      { notes: ["patternProperties "], accepts: [{}, { "x-a": "b" }], rejects: [[], "x"] },
    ],
    [
      "patternProperties beside properties",
      {
        type: "object",
        properties: { id: { type: "integer" } },
        required: ["id"],
        patternProperties: { "\\bx-": {} },
        additionalProperties: false,
      },
      { notes: ["patternProperties "], accepts: [{ id: 1 }, { id: 1, "x-a": [] }], rejects: [{ id: "1" }, {}] },
    ],
    [
      "not",
      object({ a: { type: "string", not: { pattern: "^b" } }, c: { type: "boolean" } }),
      { notes: ["not /properties/a"], accepts: [{ a: "a", c: true }], rejects: [{ a: 1, c: true }, { a: "a" }] },
    ],
    [
      "a pattern with a word boundary",
      object({ a: { type: "string", pattern: "\\bx\\b", maxLength: 3 } }),
      { notes: ["pattern /properties/a"], accepts: [{ a: "a x" }], rejects: [{ a: "abcd" }, { a: 1 }] },
    ],
    [
      "a format that is not known",
      object({ a: { type: "string", format: "regex" } }),
      { notes: ["format /properties/a"], accepts: [{ a: "x" }], rejects: [{ a: 1 }] },
    ],
    [
      "if, then and else: one of the two must hold",
      // As text: an object with the key "then" looks like a promise.
      JSON.parse(
        '{"type":"object","properties":{"kind":{"type":"string"}},"required":["kind"],"if":{"properties":{"kind":{"const":"a"}}},"then":{"properties":{"x":{"type":"integer"}},"required":["x"]},"else":{"properties":{"y":{"type":"string"}},"required":["y"]}}',
      ) as JsonValue,
      {
        notes: ["if "],
        accepts: [
          { kind: "a", x: 1 },
          { kind: "b", y: "z" },
        ],
        rejects: [{ kind: "b", x: 1 }, { kind: "b" }, { kind: "a", x: "1" }],
      },
    ],
    [
      "oneOf whose branches overlap",
      { oneOf: [{ type: "integer" }, { type: "number", maximum: 3 }] },
      { notes: ["oneOf "], accepts: [7, 2.5], rejects: [7.5, "a"] },
    ],
    [
      "contains",
      { type: "array", items: { type: "integer" }, contains: { const: 3 } },
      { notes: ["contains "], accepts: [[3], [1]], rejects: [["a"]] },
    ],
    [
      "dependentRequired of too many names",
      {
        type: "object",
        properties: { a: { type: "integer" }, z: {} },
        dependentRequired: Object.fromEntries([..."abcdefghij"].map((name) => [name, ["z"]])),
        required: ["z"],
        additionalProperties: false,
      },
      { notes: ["dependentRequired "], accepts: [{ a: 1, z: 2 }, { z: 1 }], rejects: [[], {}, { a: "1", z: 1 }] },
    ],
    [
      "multipleOf a fraction of many digits",
      { type: "number", multipleOf: 0.30000000000000004, minimum: 0 },
      { notes: ["multipleOf "], accepts: [1.25], rejects: [-1, "1"] },
    ],
    [
      "a reference to elsewhere",
      object({ a: { $ref: "https://example.com/x.json" }, b: { type: "null" } }),
      { notes: ["$ref /properties/a"], accepts: [{ a: [1], b: null }], rejects: [{ a: 1, b: 1 }] },
    ],
    [
      "a contradiction",
      object({ a: { type: "string", minLength: 3, maxLength: 2 }, b: { type: "null" } }),
      { notes: ["minLength /properties/a"], accepts: [{ a: "ab", b: null }], rejects: [{ a: "abc", b: null }] },
    ],
    [
      "unevaluatedProperties beside what might evaluate more",
      { type: "object", properties: { a: {} }, allOf: [{ dependentSchemas: {} }], unevaluatedProperties: false },
      { notes: [], accepts: [{ a: 1 }, {}], rejects: [{ b: 1 }] },
    ],
    [
      "an embedded schema of another name",
      object({ a: { $id: "other", $ref: "#/$defs/x", $defs: { x: { type: "integer" } } } }),
      { notes: ["$id /properties/a"], accepts: [{ a: "x" }], rejects: [{}] },
    ],
    [
      "a listed object beside other keywords",
      { enum: [{ a: 1 }, 5], required: ["a"] },
      { notes: ["enum "], accepts: [{ a: 1 }, 5], rejects: [{ a: 2 }, 6] },
    ],
  ])("holds what it can beside %s", (_, schema, { notes, accepts, rejects }) => {
    const compiled = lenient(schema);
    expect(new Set(compiled.notes)).toEqual(new Set(notes));
    for (const value of accepts)
      expect(compiled.machine.accepts(JSON.stringify(value)), JSON.stringify(value)).toBe(true);
    for (const value of rejects)
      expect(compiled.machine.accepts(JSON.stringify(value)), JSON.stringify(value)).toBe(false);
  });

  it("names each of many keywords once", () => {
    const names = Array.from({ length: 60 }, (_, index) => `p${index}`);
    const properties = Object.fromEntries(
      names.map((name) => [name, { type: "string", pattern: "\\b", minLength: 1 }]),
    );
    const { notes, machine } = lenient(object(properties));
    expect(notes).toEqual(names.map((name) => `pattern /properties/${name}`));
    const value = (text: string): string => JSON.stringify(Object.fromEntries(names.map((name) => [name, text])));
    expect(machine.accepts(value("a"))).toBe(true);
    expect(machine.accepts(value(""))).toBe(false);
  });

  it("is never refused for its size", () => {
    const properties = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`p${index}`, {}]));
    const { notes, machine } = lenient({ type: "object", properties });
    expect(notes.length).toBeGreaterThan(0);
    expect(machine.accepts('{"p19999":1}')).toBe(true);
  });
});

describe("tools of which some are strict", () => {
  const shape = { body: { kind: "text", beforeName: "<", afterName: ">" } } as const;
  const odd: JsonValue = object({ a: { type: "array", items: { type: "integer" }, uniqueItems: true } });
  const fine: JsonValue = object({ b: { type: "integer" } });

  it("are not refused for one that is not", () => {
    const enforcement = new Enforcement({ strict: false });
    const tools = [
      { name: "fine", parameters: fine },
      { name: "odd", parameters: odd, enforcement },
    ];
    const machine = new GbnfMachine(toolCallGrammar({ tools, parallel: false, shape }));
    expect(machine.accepts('<fine>{"b":1}')).toBe(true);
    expect(machine.accepts('<fine>{"b":"1"}')).toBe(false);
    expect(machine.accepts('<odd>{"a":[1,1]}')).toBe(true);
    expect(machine.accepts('<odd>{"a":["1"]}')).toBe(false);
    expect(enforcement.notes.map(({ keyword, path }) => [keyword, path])).toEqual([
      ["uniqueItems", "/tools/1/parameters/properties/a"],
    ]);
  });

  it("may forbid what they do not evaluate", () => {
    const parameters = { type: "object", properties: { a: {} }, unevaluatedProperties: false };
    const machine = new GbnfMachine(toolCallGrammar({ tools: [{ name: "f", parameters }], parallel: false, shape }));
    expect(machine.accepts('<f>{"a":1}')).toBe(true);
    expect(machine.accepts('<f>{"b":1}')).toBe(false);
  });

  it("are refused for one that is", () => {
    const tools = [
      { name: "fine", parameters: fine, enforcement: new Enforcement({ strict: false }) },
      { name: "odd", parameters: odd },
    ];
    expect(() => toolCallGrammar({ tools, parallel: false, shape })).toThrow(
      expect.objectContaining({ keyword: "uniqueItems", path: "/tools/1/parameters/properties/a" }),
    );
  });

  it("keep the strict ones whole where all together are too much", () => {
    const many = Array.from({ length: 2_000 }, (_, index) => `a rather long value to choose from ${index}`);
    const enforcement = new Enforcement({ strict: false });
    const tools = [
      { name: "first", parameters: object({ v: { enum: many.slice(0, 500) } }) },
      { name: "last", parameters: object({ v: { enum: many } }), enforcement },
      { name: "end", parameters: object({ v: { enum: many.slice(0, 400) } }) },
    ];
    const strict = tools.filter((tool) => tool.enforcement === undefined);
    const limits = { maxGrammarBytes: toolCallGrammar({ tools: strict, parallel: false, shape }).length + 2_500 };
    const machine = new GbnfMachine(toolCallGrammar({ tools, parallel: false, shape, limits }));
    expect(machine.accepts('<end>{"v":"x"}')).toBe(false);
    expect(machine.accepts(`<first>{"v":"${many[499]}"}`)).toBe(true);
    expect(machine.accepts('<last>{"v":"x"}')).toBe(true);
    expect(enforcement.notes.length).toBeGreaterThan(0);
  });
});
