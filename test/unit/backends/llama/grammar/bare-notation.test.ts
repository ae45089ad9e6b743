// Gemma 4's arguments: under its grammar every call that is written is read back as valid arguments, whatever the schema.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GEMMA4 } from "../../../../../src/backends/llama/chat/families/named/gemma4.ts";
import { createOutputParser } from "../../../../../src/backends/llama/chat/output-parser.ts";
import { formatCalls } from "../../../../../src/backends/llama/chat/template/messages/tool-text.ts";
import { SchemaNotEnforceableError } from "../../../../../src/backends/llama/grammar/gbnf/grammar-error.ts";
import type { JsonValue } from "../../../../../src/backends/llama/grammar/schema/reading/json-value.ts";
import { toolCallGrammar } from "../../../../../src/backends/llama/grammar/tool-call-grammar.ts";
import { GbnfMachine, seededSampler } from "./support/gbnf-machine.ts";
import { randomSchema } from "./support/random-schemas.ts";
import { SCHEMA_POOL } from "./support/schema-pool.ts";

const runs = Number(process.env["SCHEMA_RUNS"] ?? 200);
const ajv = new Ajv2020({ strict: false, ownProperties: true, logger: false, multipleOfPrecision: 3 });
addFormats.default(ajv);
const marks = { text: (text: string) => text, deep: (value: unknown) => value };

function grammarOf(parameters: JsonValue): GbnfMachine {
  const body = { kind: "text", beforeName: "", afterName: "", quote: '<|"|>' } as const;
  const shape = { callPrefix: "<|tool_call>call:", body, callSuffix: "<tool_call|>" };
  return new GbnfMachine(toolCallGrammar({ tools: [{ name: "f", parameters }], parallel: false, shape }));
}

function read(text: string): unknown {
  const tool = { name: "f", parameters: {}, strict: true };
  const parser = createOutputParser({ family: GEMMA4, tools: [tool], parallel: false, startsInReasoning: false });
  const events = [...parser.push(text), ...parser.end()];
  return JSON.parse(events.map((event) => (event.type === "tool-call-delta" ? event.arguments : "")).join(""));
}

function write(args: unknown): string {
  const call = { id: "", name: "f", arguments: JSON.stringify(args) };
  return formatCalls([call], { shape: GEMMA4.formatShape, marks });
}

describe("calls with bare names", () => {
  it("are read back as valid arguments, for any schema of an object that can be enforced", () => {
    let held = 0;
    fc.assert(
      fc.property(randomSchema, fc.nat(), ({ schema }, seed) => {
        const parameters = { type: "object", properties: { value: schema }, additionalProperties: false } as const;
        let machine: GbnfMachine;
        try {
          machine = grammarOf(parameters);
        } catch (error) {
          expect(error).toBeInstanceOf(SchemaNotEnforceableError);
          return;
        }
        held += 1;
        const isValid = ajv.compile(parameters);
        for (let walk = 0; walk < 12; walk += 1) {
          const text = machine.sample(seededSampler(seed + walk), 20 + walk * 10);
          expect(isValid(read(text)), text).toBe(true);
        }
      }),
      { numRuns: runs },
    );
    expect(held).toBeGreaterThan(runs / 8);
  });

  const objects = Object.entries(SCHEMA_POOL).flatMap(([name, { schema, accepts }]) => {
    const documents = accepts.filter(
      (document) => typeof document === "object" && document !== null && !Array.isArray(document),
    );
    return documents.length === accepts.length ? [{ name, schema, documents }] : [];
  });

  it.each(objects)("allow what JSON would: $name", ({ schema, documents }) => {
    const machine = grammarOf(schema);
    for (const document of documents) {
      const text = write(document);
      expect(read(text)).toEqual(document);
      expect(machine.accepts(text), text).toBe(true);
    }
  });

  it("keep the words of a string apart from its end", () => {
    const machine = grammarOf({ type: "object", properties: { s: { type: "string" } }, required: ["s"] });
    const call = (text: string): string => `<|tool_call>call:f{s:<|"|>${text}<|"|>}<tool_call|>`;
    expect(machine.accepts(call('a < b, "c" {d}: <e>\n'))).toBe(true);
    expect(machine.accepts(call('a<|"|>b'))).toBe(false);
  });
});
