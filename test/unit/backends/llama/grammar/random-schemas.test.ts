// Any schema: a strict one lets no invalid document through or is refused, and of one that is not strict every valid document stays
// possible, as does nothing but JSON.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SchemaNotEnforceableError } from "../../../../../src/backends/llama/grammar/gbnf/grammar-error.ts";
import { jsonSchemaToGbnf } from "../../../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import { Enforcement } from "../../../../../src/backends/llama/grammar/schema/reading/enforcement.ts";
import { GbnfMachine, seededSampler } from "./support/gbnf-machine.ts";
import { randomSchema } from "./support/random-schemas.ts";

const runs = Number(process.env["SCHEMA_RUNS"] ?? 200);
const ajv = new Ajv2020({ strict: false, ownProperties: true, logger: false, multipleOfPrecision: 3 });
addFormats.default(ajv);

describe("random schemas", () => {
  it("that are strict let no invalid document through, or are refused by a keyword", () => {
    let held = 0;
    fc.assert(
      fc.property(randomSchema, fc.nat(), ({ schema }, seed) => {
        let machine: GbnfMachine;
        try {
          machine = new GbnfMachine(jsonSchemaToGbnf(schema));
        } catch (error) {
          expect(error).toBeInstanceOf(SchemaNotEnforceableError);
          return;
        }
        held += 1;
        const isValid = ajv.compile(schema);
        for (let walk = 0; walk < 12; walk += 1) {
          const text = machine.sample(seededSampler(seed + walk), 20 + walk * 10);
          expect(isValid(JSON.parse(text)), text).toBe(true);
        }
      }),
      { numRuns: runs },
    );
    expect(held).toBeGreaterThan(runs / 4);
  });

  it("that are not strict keep every valid document, and write nothing but JSON", () => {
    let loosened = 0;
    let valid = 0;
    fc.assert(
      fc.property(randomSchema, fc.nat(), ({ schema, instances }, seed) => {
        const enforcement = new Enforcement({ strict: false });
        const isValid = ajv.compile(schema);
        let machine: GbnfMachine;
        try {
          machine = new GbnfMachine(jsonSchemaToGbnf(schema, { enforcement }));
        } catch (error) {
          // Only what no value meets is refused.
          expect(error).toMatchObject({ fault: "contradiction" });
          expect(instances.filter((instance) => isValid(instance))).toEqual([]);
          return;
        }
        if (enforcement.notes.length > 0) loosened += 1;
        for (const instance of instances) {
          if (!isValid(instance)) continue;
          valid += 1;
          expect(machine.accepts(JSON.stringify(instance)), JSON.stringify(instance)).toBe(true);
        }
        JSON.parse(machine.sample(seededSampler(seed), 60));
      }),
      { numRuns: runs },
    );
    expect(loosened).toBeGreaterThan(runs / 5);
    expect(valid).toBeGreaterThan(runs / 2);
    if (process.env["SCHEMA_RUNS"] !== undefined) console.log({ runs, loosened, valid });
  });
});
