// Schemas as generators write them that a strict grammar holds: zod's numbers, multiples, sets of listed values, negations.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { jsonSchemaToGbnf } from "../../../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import { toolCallGrammar } from "../../../../../src/backends/llama/grammar/tool-call-grammar.ts";
import { parseGbnf } from "../../../../../src/backends/llama/grammar/gbnf/gbnf-syntax.ts";
import { validateGbnf } from "../../../../../src/backends/llama/grammar/gbnf/gbnf-validate.ts";
import type { JsonValue } from "../../../../../src/backends/llama/grammar/schema/reading/json-value.ts";
import { parseJson, writtenOrder } from "../../../../../src/util/written-order.ts";
import { GbnfMachine, seededSampler } from "./support/gbnf-machine.ts";
import { refusal } from "./support/refusal.ts";

function validator(schema: JsonValue): (value: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false, ownProperties: true, multipleOfPrecision: 3 });
  addFormats.default(ajv);
  return ajv.compile(schema as object | boolean);
}

/** The grammar, of which samples have been validated. */
function checked(schema: JsonValue): GbnfMachine {
  const grammar = jsonSchemaToGbnf(schema);
  expect(validateGbnf(grammar)).toEqual({ isValid: true });
  const machine = new GbnfMachine(grammar);
  const isValid = validator(schema);
  for (let seed = 0; seed < 60; seed += 1) {
    const text = machine.sample(seededSampler(seed), 60);
    expect(isValid(JSON.parse(text)), text).toBe(true);
  }
  return machine;
}

function expectExactly(machine: GbnfMachine, accepts: readonly JsonValue[], rejects: readonly JsonValue[]): void {
  for (const value of accepts) expect(machine.accepts(JSON.stringify(value)), JSON.stringify(value)).toBe(true);
  for (const value of rejects) expect(machine.accepts(JSON.stringify(value)), JSON.stringify(value)).toBe(false);
}

describe("a strict schema", () => {
  it.each<[string, JsonValue, JsonValue[], JsonValue[]]>([
    ["anyOf with a branch that nothing satisfies", { anyOf: [{ not: {} }, { type: "integer" }] }, [1], ["a", null]],
    [
      "a property that must not be there",
      { type: "object", properties: { a: {}, b: { not: {} } } },
      [{ a: 1 }],
      [{ b: 1 }],
    ],
    ["types that are excluded", { not: { type: ["number", "string", "null"] } }, [true, {}, []], [1, 1.5, "a", null]],
    ["strings that are excluded", { type: "string", not: { enum: ["a", "bc"] } }, ["b", "abc", ""], ["a", "bc"]],
    ["a listed value that is excluded", { enum: ["a", "b", 1], not: { const: "a" } }, ["b", 1], ["a"]],
    ["null that is excluded", { type: ["string", "null"], not: { const: null } }, ["x"], [null]],
    [
      "float64 bounds",
      { type: "number", minimum: -Number.MAX_VALUE, maximum: Number.MAX_VALUE },
      [1e200, -5.5, 0],
      ["a"],
    ],
    [
      "float32 bounds",
      { type: "number", minimum: -3.4028234663852886e38, maximum: 3.4028234663852886e38 },
      [5, -2.5],
      ["1"],
    ],
    ["a float64 bound on one side", { type: "number", minimum: 0, maximum: Number.MAX_VALUE }, [0, 12.5], [-1]],
    ["a far bound beside a near one", { type: "number", exclusiveMinimum: -3, maximum: 1e60 }, [-2.5, 7e9], [-3, -4]],
    [
      "safe integers",
      { type: "integer", minimum: -9007199254740991, maximum: 9007199254740991 },
      [9007199254740991, -9007199254740991, 0],
      [9007199254740992, 1.5],
    ],
    ["multiples of 5", { type: "integer", multipleOf: 5 }, [0, 5, -10, 1234565], [1, 12, -3]],
    [
      "multiples of 7 within bounds",
      { type: "integer", multipleOf: 7, minimum: 8, maximum: 30 },
      [14, 21, 28],
      [7, 35, 0, 15],
    ],
    ["multiples of 100", { type: "number", multipleOf: 100, minimum: 0 }, [0, 100, 98700], [50, -100, 1050]],
    ["multiples of 3600", { type: "integer", multipleOf: 3600 }, [0, 3600, 86400], [60, 3601]],
    [
      "multiples of 4 and of 6",
      { allOf: [{ multipleOf: 4 }, { multipleOf: 6, type: "integer" }] },
      [12, 0, -24],
      [4, 6],
    ],
    ["uint32", { type: "integer", format: "uint32" }, [0, 4294967295], [-1, 4294967296]],
    [
      "different items of a list",
      { type: "array", items: { enum: ["a", "b", "c"] }, uniqueItems: true, minItems: 1 },
      [["a"], ["c", "a"], ["b", "a", "c"]],
      [[], ["a", "a"], ["a", "b", "a"], ["d"]],
    ],
    [
      "two different items of many",
      { type: "array", items: { enum: Array.from({ length: 40 }, (_, n) => n) }, uniqueItems: true, maxItems: 2 },
      [[], [3], [39, 0]],
      [
        [1, 1],
        [1, 2, 3],
      ],
    ],
    [
      "different booleans",
      { type: "array", items: { type: "boolean" }, uniqueItems: true },
      [[], [true, false]],
      [[true, true]],
    ],
    [
      "unevaluatedProperties beside a required name that is not declared",
      {
        type: "object",
        properties: {
          p: { type: "object", properties: { a: {} }, required: ["extra"], unevaluatedProperties: false },
          q: { type: "integer" },
        },
      },
      [{ q: 1 }, {}],
      [{ p: { extra: 1 } }, { p: { a: 1, extra: 1 }, q: 1 }],
    ],
    ["a format that is not known", { type: "string", format: "credit-card" }, ["x"], [1]],
    ["cents", { type: "number", multipleOf: 0.01, minimum: 0 }, [0, 0.07, 19.9, 1234.56], [-1, 0.001, 19.999, 1e-7]],
    [
      "multiples of a quarter within bounds",
      { type: "number", multipleOf: 0.25, exclusiveMinimum: -0.5, maximum: 1.3 },
      [-0.25, 0, 0.5, 1.25],
      [-0.5, 1.5, 0.3, 1.26],
    ],
    ["multiples of 2.5", { type: "number", multipleOf: 2.5 }, [0, 2.5, -5, 1002.5], [2, 2.55, 1001]],
    [
      "multiples of 0.4 and of 0.6",
      { allOf: [{ multipleOf: 0.4 }, { multipleOf: 0.6, type: "number" }] },
      [1.2, -2.4, 0, 6],
      [0.4, 0.6, 1.3],
    ],
    ["integers that are multiples of a fraction", { type: "integer", multipleOf: 1.5 }, [3, -6, 0], [1.5, 4.5, 2]],
    [
      "names by their patterns",
      { type: "object", patternProperties: { "^x-": { type: "integer" } }, additionalProperties: false },
      [{}, { "x-a": 1 }, { "x-a": 1, "x-b": 2 }],
      [{ "x-a": "1" }, { a: 1 }, { "y-x-": 1 }],
    ],
    [
      "patterns that overlap each other, declared names and the rest",
      {
        type: "object",
        properties: { xy: { type: "number" } },
        patternProperties: { "^x": { type: "integer" }, y$: { type: "number", minimum: 5 } },
        additionalProperties: { type: "null" },
      },
      [{ xy: 7 }, { xz: 1 }, { zy: 5.5 }, { xay: 6 }, { q: null }, { xy: 5, q: null, xz: 2 }],
      [{ xy: 4 }, { xy: 5.5 }, { xz: 1.5 }, { zy: 4 }, { xay: 4 }, { xay: 5.5 }, { q: 1 }],
    ],
    [
      "a pattern of names that must not be there",
      { type: "object", patternProperties: { "^_": false }, additionalProperties: { type: "boolean" } },
      [{ a: true }, {}],
      [{ _a: true }, { a: 1 }],
    ],
    [
      "patterns beside propertyNames",
      { type: "object", patternProperties: { "^a": { type: "null" } }, propertyNames: { maxLength: 2 } },
      [{ ab: null }],
      [{ abc: null }, { ab: 1 }],
    ],
    [
      "a required name that a pattern matches",
      { type: "object", patternProperties: { "^x": { type: "boolean" } }, required: ["xa"] },
      [{ xa: true }, { xa: true, xb: false }],
      [{}, { xb: true }, { xa: 1 }],
    ],
    [
      "names that patterns evaluate",
      {
        type: "object",
        properties: { a: { type: "null" } },
        allOf: [{ patternProperties: { "^x": { type: "null" } } }],
        unevaluatedProperties: false,
      },
      [{ a: null }, { a: null, x: null }, {}],
      [{ b: null }, { x: 1 }],
    ],
    [
      "dependentRequired",
      {
        type: "object",
        properties: { a: { type: "null" }, b: { type: "null" }, c: { type: "null" } },
        dependentRequired: { a: ["b"], b: ["c"] },
        additionalProperties: false,
      },
      [{}, { a: null, b: null, c: null }, { b: null, c: null }, { c: null }],
      [{ a: null }, { b: null }, { a: null, c: null }, { a: null, b: null }],
    ],
    [
      "dependentRequired of a name that is not declared",
      { type: "object", dependentRequired: { a: ["b"] }, additionalProperties: { type: "integer" } },
      [{}, { c: 1 }, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }, { b: 1 }],
      [{ a: 1 }, { a: 1, c: 2 }, { a: "1", b: 2 }],
    ],
    [
      "dependentSchemas",
      {
        type: ["object", "string"],
        properties: { kind: { type: "string" }, size: { type: "integer" } },
        dependentSchemas: { size: { properties: { kind: { const: "box" } }, required: ["kind"] } },
        additionalProperties: false,
      },
      [{}, { kind: "ball" }, { kind: "box", size: 3 }, "x"],
      [{ size: 3 }, { kind: "ball", size: 3 }, 5],
    ],
    [
      "dependencies of both kinds",
      {
        type: "object",
        properties: { a: { type: "integer" }, b: { type: "integer" } },
        dependencies: { a: ["b"], b: { properties: { b: { minimum: 5 } } } },
        additionalProperties: false,
      },
      [{}, { b: 5 }, { a: 1, b: 6 }],
      [{ a: 1 }, { b: 4 }, { a: 1, b: 4 }],
    ],
    [
      "a dependent schema that nothing satisfies",
      { type: "object", properties: { a: { type: "null" } }, dependentSchemas: { a: false } },
      [{}],
      [{ a: null }],
    ],
    [
      "a property that is excluded",
      {
        type: "object",
        properties: { a: { type: "null" }, b: { type: "null" } },
        not: { required: ["a"] },
        additionalProperties: { type: "integer" },
      },
      [{}, { b: null }, { c: 1 }],
      [{ a: null }, { a: 1 }, { a: null, b: null }],
    ],
    [
      "one of two properties and not both",
      {
        type: "object",
        properties: { a: { type: "null" }, b: { type: "null" } },
        oneOf: [
          { required: ["a"], not: { required: ["b"] } },
          { required: ["b"], not: { required: ["a"] } },
        ],
        additionalProperties: false,
      },
      [{ a: null }, { b: null }],
      [{}, { a: null, b: null }],
    ],
  ])("holds %s", (_, schema, accepts, rejects) => {
    expectExactly(checked(schema), accepts, rejects);
  });

  it("refuses a required name that unevaluatedProperties forbids", () => {
    const schema = { type: "object", properties: { a: {} }, required: ["extra"], unevaluatedProperties: false };
    expect(refusal(schema)).toMatchObject({ keyword: "required", path: "" });
  });

  it("refuses sets of too many values, and multiples that take too many rules", () => {
    const items = { enum: Array.from({ length: 12 }, (_, index) => index) };
    expect(refusal({ type: "array", items, uniqueItems: true })).toMatchObject({ keyword: "uniqueItems" });
    expect(refusal({ type: "integer", multipleOf: 99_991 })).toMatchObject({ keyword: "multipleOf" });
    expect(refusal({ type: "array", items: { enum: [1] }, uniqueItems: true, minItems: 2 })).toMatchObject({
      keyword: "minItems",
    });
  });

  it("holds multiples within random bounds", () => {
    const bound = fc.integer({ min: -2_000, max: 2_000 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 130 }), bound, fc.nat(4_000), (multipleOf, minimum, width) => {
        const maximum = minimum + width;
        fc.pre(Math.floor(maximum / multipleOf) * multipleOf >= minimum);
        const machine = new GbnfMachine(jsonSchemaToGbnf({ type: "integer", multipleOf, minimum, maximum }));
        for (let value = minimum - 3; value <= maximum + 3; value += 1 + Math.floor(width / 50)) {
          const isIn = value >= minimum && value <= maximum && value % multipleOf === 0;
          expect(machine.accepts(String(value)), `${value} of ${multipleOf} in ${minimum}..${maximum}`).toBe(isIn);
        }
        const first = Math.ceil(minimum / multipleOf) * multipleOf;
        expect(machine.accepts(String(first + 0))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});

describe("the size of a grammar", () => {
  const lengths = (count: number): number[] => Array.from({ length: count }, (_, index) => 10_000 - 37 * index);

  it("is little for many tools with long strings, of one length or of all", () => {
    for (const length of [(): number => 65_536, (index: number): number => lengths(160)[index] ?? 0]) {
      const tools = Array.from({ length: 40 }, (_, tool) => ({
        name: `tool_${tool}`,
        parameters: {
          type: "object",
          properties: Object.fromEntries(
            ["a", "b", "c", "d"].map((name, at) => [name, { type: "string", maxLength: length(tool * 4 + at) }]),
          ),
          required: ["a", "b", "c", "d"],
          additionalProperties: false,
        },
      }));
      const shape = { body: { kind: "text", beforeName: "", afterName: " " } } as const;
      const grammar = toolCallGrammar({ tools, parallel: false, shape });
      const { expandedElements } = parseGbnf(grammar);
      expect(expandedElements).toBeLessThan(100_000);
      const machine = new GbnfMachine(grammar);
      const call = (tool: number, size: number): string =>
        `tool_${tool} ${JSON.stringify({ a: "", b: "x".repeat(size), c: "", d: "" })}`;
      const most = length(3 * 4 + 1);
      expect(machine.accepts(call(3, most))).toBe(true);
      expect(machine.accepts(call(3, most + 1))).toBe(false);
    }
  });

  it.each([
    [0, 257],
    [1, 300],
    [129, 129],
    [255, 1_000],
    [257, 257],
    [300, 640],
    [300, 4_096],
    [1_024, undefined],
  ] as const)("counts from %d to %s exactly", (minLength, maxLength) => {
    const schema = { type: "string", minLength, ...(maxLength === undefined ? {} : { maxLength }) };
    const machine = new GbnfMachine(jsonSchemaToGbnf(schema));
    const top = maxLength ?? 3_000;
    const probes = [
      minLength - 1,
      minLength,
      minLength + 1,
      127,
      128,
      129,
      255,
      256,
      257,
      383,
      384,
      385,
      top - 1,
      top,
      top + 1,
    ];
    for (const length of probes.filter((one) => one >= 0)) {
      const isIn = length >= minLength && length <= (maxLength ?? Infinity);
      expect(machine.accepts(JSON.stringify("x".repeat(length))), String(length)).toBe(isIn);
    }
  });
});

describe("what zod makes of its types", () => {
  const person = z.object({ name: z.string().min(1), age: z.int().nonnegative(), email: z.email().optional() });
  it.each<[string, z.ZodType, unknown, unknown]>([
    ["number", z.number(), 1.5, "a"],
    ["int", z.int(), 7, 1.5],
    ["int32", z.int32(), -5, 2 ** 31],
    ["uint32", z.uint32(), 2 ** 32 - 1, -1],
    ["float32", z.float32(), 2.5, "x"],
    ["float64", z.float64(), 2.5, "x"],
    ["positive", z.number().positive(), 0.5, 0],
    ["multiples", z.int().multipleOf(15), 45, 46],
    ["literals", z.literal(["a", 1, null]), null, "b"],
    ["enum", z.enum(["red", "blue"]), "red", "green"],
    ["tuple", z.tuple([z.string(), z.boolean()]), ["a", true], [true]],
    ["record", z.record(z.string(), z.int()), { a: 1 }, { a: "x" }],
    ["nullable", z.string().nullable(), null, 1],
    [
      "union",
      z.discriminatedUnion("k", [z.object({ k: z.literal(1), a: z.string() }), z.object({ k: z.literal(2) })]),
      { k: 1, a: "" },
      { k: 3 },
    ],
    ["union with never", z.union([z.never(), z.string()]), "a", 1],
    [
      "intersection",
      z.intersection(z.object({ a: z.string() }), z.looseObject({ b: z.int() })),
      { a: "x", b: 1 },
      { a: "x" },
    ],
    ["strict object", z.strictObject({ a: z.boolean().default(true) }), { a: false }, { a: false, b: 1 }],
    [
      "dates and times",
      z.object({ d: z.iso.date(), t: z.iso.datetime() }),
      { d: "2024-02-29", t: "2024-02-29T12:00:00Z" },
      { d: "x", t: "" },
    ],
    ["uuid", z.uuid(), "123e4567-e89b-42d3-a456-426614174000", "x"],
    ["pattern", z.string().regex(/^[a-z]{2,4}-\d+$/), "ab-1", "A-1"],
    ["trimmed lengths", z.string().trim().max(10), "abc", "x".repeat(11)],
    [
      "recursion",
      z.object({
        get next() {
          return person.nullable();
        },
      }),
      { next: null },
      { next: 1 },
    ],
    ["optional", person, { name: "A", age: 3 }, { name: "", age: 3 }],
  ])("holds %s", (_, type, good, bad) => {
    for (const io of ["input", "output"] as const) {
      const schema = JSON.parse(JSON.stringify(z.toJSONSchema(type, { io }))) as JsonValue;
      const machine = checked(schema);
      expect(machine.accepts(JSON.stringify(good)), JSON.stringify(schema)).toBe(true);
      expect(machine.accepts(JSON.stringify(bad)), JSON.stringify(schema)).toBe(false);
    }
  });
});

describe("names such as 2 and 1", () => {
  const text =
    '{"type":"object","properties":{"b":{"type":"null"},"2":{"type":"null"},"1":{"type":"null"}},"required":["b","2","1"],"additionalProperties":false}';

  it("come in the order that the schema was written in", () => {
    const schema = parseJson(text) as JsonValue;
    const optional = parseJson(text.replace('"required":["b","2","1"]', '"required":["1"]')) as JsonValue;
    for (const one of [schema, optional]) {
      const machine = new GbnfMachine(jsonSchemaToGbnf(one, { order: writtenOrder(one) }));
      expect(machine.accepts('{"b":null,"2":null,"1":null}')).toBe(true);
      expect(machine.accepts('{"1":null,"2":null,"b":null}')).toBe(false);
    }
  });

  it("come in the order of `required` where only that is known", () => {
    const machine = new GbnfMachine(jsonSchemaToGbnf(JSON.parse(text) as JsonValue));
    expect(machine.accepts('{"b":null,"2":null,"1":null}')).toBe(true);
    expect(machine.accepts('{"1":null,"2":null,"b":null}')).toBe(false);
  });
});
