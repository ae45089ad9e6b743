// Soundness of the grammars: every text that one generates parses and is valid by ajv; valid documents are in the grammar, invalid ones
// are not.
import { Ajv2020 } from "ajv/dist/2020.js";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonObjectGrammar, jsonSchemaToGbnf } from "../../../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import { validateGbnf } from "../../../../../src/backends/llama/grammar/gbnf/gbnf-validate.ts";
import type { JsonValue } from "../../../../../src/backends/llama/grammar/schema/reading/json-value.ts";
import { GbnfMachine, seededSampler } from "./support/gbnf-machine.ts";
import { SCHEMA_POOL } from "./support/schema-pool.ts";

const WALKS = 40;

/** ajv in the dialect of the schema; keywords of older dialects are ajv's own draft-7 reading. */
function validator(name: string, schema: JsonValue): (value: unknown) => boolean {
  const options = { strict: false, allErrors: false, ownProperties: true } as const;
  if (name === "draft 4 exclusive") return validator("", { type: "integer", exclusiveMinimum: 1, maximum: 3 });
  const ajv = name === "tuple of draft 7" ? new Ajv(options) : new Ajv2020(options);
  addFormats.default(ajv);
  return ajv.compile(schema as object | boolean);
}

describe("jsonSchemaToGbnf", () => {
  it("is tested with 60 schemas or more", () => {
    expect(Object.keys(SCHEMA_POOL).length).toBeGreaterThanOrEqual(60);
  });

  describe.each(Object.entries(SCHEMA_POOL))("%s", (name, { schema, accepts, rejects }) => {
    const grammar = jsonSchemaToGbnf(schema);
    const machine = new GbnfMachine(grammar);
    const isValid = validator(name, schema);

    it("generates only valid documents", () => {
      for (let seed = 0; seed < WALKS; seed += 1) {
        const text = machine.sample(seededSampler(seed), 30 + seed * 20);
        const value: unknown = JSON.parse(text);
        expect(isValid(value), `seed ${seed}: ${text}`).toBe(true);
      }
    });

    it("accepts valid documents, compact and indented, and refuses invalid ones", () => {
      for (const document of accepts) {
        expect(isValid(document), JSON.stringify(document)).toBe(true);
        expect(machine.accepts(JSON.stringify(document)), JSON.stringify(document)).toBe(true);
        // An enumerated object has one spelling only.
        if (!name.startsWith("enum") && !name.startsWith("const")) {
          expect(machine.accepts(JSON.stringify(document, null, 2)), JSON.stringify(document, null, 2)).toBe(true);
        }
      }
      for (const document of rejects) {
        expect(isValid(document), JSON.stringify(document)).toBe(false);
        expect(machine.accepts(JSON.stringify(document)), JSON.stringify(document)).toBe(false);
      }
    });

    it("passes the check that client grammars must pass", () => {
      expect(validateGbnf(grammar)).toEqual({ isValid: true });
    });
  });

  it("accepts every JSON value for the empty schema, and only JSON", () => {
    const machine = new GbnfMachine(jsonSchemaToGbnf({}));
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        // 280 digits are where the grammar's numbers end: far beyond them lies infinity.
        fc.pre(!JSON.stringify(value).match(/e\+(?:2[89]|3)/));
        expect(machine.accepts(JSON.stringify(value))).toBe(true);
        expect(machine.accepts(`${JSON.stringify(value)} `)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it("accepts random valid instances of a typical schema", () => {
    const schema = SCHEMA_POOL["invoice"]?.schema ?? true;
    const machine = new GbnfMachine(jsonSchemaToGbnf(schema));
    const line = fc.record({
      description: fc.string({ unit: "binary", maxLength: 20 }).filter((text) => Array.from(text).length <= 40),
      quantity: fc.integer({ min: 1, max: 999 }),
      price: fc.integer({ min: 0, max: 10_000_000 }).map((cents) => cents / 100),
    });
    const invoice = fc.record({
      number: fc.integer({ min: 1000, max: 999_999 }).map((number) => `INV-${number}`),
      lines: fc.array(line, { minLength: 1, maxLength: 5 }),
      currency: fc.constantFrom("EUR", "USD", "GBP"),
    });
    fc.assert(
      fc.property(invoice, (document) => {
        expect(machine.accepts(JSON.stringify(document))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("holds integer bounds exactly", () => {
    const bound = fc.integer({ min: -5_000, max: 5_000 });
    fc.assert(
      fc.property(bound, fc.nat(3_000), bound, (minimum, width, probe) => {
        const maximum = minimum + width;
        const machine = new GbnfMachine(jsonSchemaToGbnf({ type: "integer", minimum, maximum }));
        expect(machine.accepts(String(probe))).toBe(probe >= minimum && probe <= maximum);
        for (const edge of [minimum, maximum]) expect(machine.accepts(String(edge))).toBe(true);
        for (const edge of [minimum - 1, maximum + 1]) expect(machine.accepts(String(edge))).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  it("never lets a number past its bounds", () => {
    const bound = fc.integer({ min: -300_000, max: 300_000 }).map((value) => value / 100);
    fc.assert(
      fc.property(bound, fc.nat(100_000), fc.boolean(), fc.nat(), (low, width, isExclusive, seed) => {
        const high = low + (width + 1) / 1000;
        const schema: JsonValue = isExclusive
          ? { type: "number", exclusiveMinimum: low, exclusiveMaximum: high }
          : { type: "number", minimum: low, maximum: high };
        let machine: GbnfMachine;
        try {
          machine = new GbnfMachine(jsonSchemaToGbnf(schema));
        } catch (error) {
          // low + width may need 17 digits: then an exclusive bound is refused.
          expect(String(error)).toMatch(/too many digits/);
          return;
        }
        for (let walk = 0; walk < 10; walk += 1) {
          const value = Number(machine.sample(seededSampler(seed + walk)));
          expect(isExclusive ? value > low && value < high : value >= low && value <= high).toBe(true);
        }
        if (!isExclusive) for (const edge of [low, high]) expect(machine.accepts(String(edge))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("cannot loop on white space", () => {
    const machine = new GbnfMachine(jsonSchemaToGbnf({ type: "array", items: { type: "integer" } }));
    expect(machine.accepts("[1, 2]")).toBe(true);
    expect(machine.accepts(`[\n${" ".repeat(24)}1]`)).toBe(true);
    expect(machine.accepts("[  1]")).toBe(false);
    expect(machine.accepts("[\n\n1]")).toBe(false);
    expect(machine.accepts(`[\n${" ".repeat(25)}1]`)).toBe(false);
  });

  it("keeps a declared name from coming back as an additional one, also in escapes", () => {
    const machine = new GbnfMachine(
      jsonSchemaToGbnf({
        type: "object",
        properties: { id: { type: "integer" } },
        additionalProperties: { type: "string" },
      }),
    );
    expect(machine.accepts('{"id":1,"idx":"a"}')).toBe(true);
    expect(machine.accepts('{"id":"a"}')).toBe(false);
    expect(machine.accepts('{"\\u0069d":"a"}')).toBe(false);
    expect(machine.accepts('{"i\\u0064":"a"}')).toBe(false);
  });
});

describe("jsonObjectGrammar", () => {
  it("accepts objects only", () => {
    const machine = new GbnfMachine(jsonObjectGrammar());
    expect(machine.accepts('{"a": [1, {"b": null}]}')).toBe(true);
    for (const text of ["[]", "1", '"a"', "null", "{", '{"a":1,}']) expect(machine.accepts(text)).toBe(false);
  });

  it("generates only objects that parse", () => {
    const machine = new GbnfMachine(jsonObjectGrammar());
    for (let seed = 0; seed < 100; seed += 1) {
      const value: unknown = JSON.parse(machine.sample(seededSampler(seed)));
      expect(typeof value === "object" && value !== null && !Array.isArray(value)).toBe(true);
    }
  });
});
