// Grammars in llama.cpp itself: its parser accepts all of them, its matcher agrees with the tests on which texts they match, and under
// them a model that was never trained on JSON writes valid documents.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { getLlama, LlamaCompletion, LlamaGrammar, LlamaLogLevel, type Llama } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonObjectGrammar, jsonSchemaToGbnf } from "../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import type { JsonValue } from "../../../src/backends/llama/grammar/schema/reading/json-value.ts";
import { validateGbnf } from "../../../src/backends/llama/grammar/gbnf/gbnf-validate.ts";
import { toolCallGrammar } from "../../../src/backends/llama/grammar/tool-call-grammar.ts";
import { storyModel } from "../../support/story-model.ts";
import { GbnfMachine, seededSampler } from "../../unit/backends/llama/grammar/support/gbnf-machine.ts";
import { SCHEMA_POOL } from "../../unit/backends/llama/grammar/support/schema-pool.ts";

const path = storyModel;
const pool = Object.entries(SCHEMA_POOL);

let llama: Llama;

/** llama.cpp's matcher. @throws Error where llama.cpp cannot parse the grammar */
function nativeMatcher(grammar: string): (text: string) => boolean {
  const native: unknown = new LlamaGrammar(llama, { grammar });
  return (text) => (native as { _testText(text: string): boolean })._testText(text);
}

beforeAll(async () => {
  llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.disabled });
});
afterAll(async () => {
  await llama.dispose();
});

describe("llama.cpp's grammar parser and matcher", () => {
  it.each(pool)("agree on %s", (_, { schema, accepts, rejects }) => {
    const grammar = jsonSchemaToGbnf(schema);
    const matches = nativeMatcher(grammar);
    for (const document of accepts) expect(matches(JSON.stringify(document)), JSON.stringify(document)).toBe(true);
    for (const document of rejects) expect(matches(JSON.stringify(document)), JSON.stringify(document)).toBe(false);
    const machine = new GbnfMachine(grammar);
    for (let seed = 0; seed < 5; seed += 1) {
      const text = machine.sample(seededSampler(seed), 100);
      expect(matches(text), text).toBe(true);
      expect(matches(`${text}x`)).toBe(false);
    }
  });

  it("accept the grammars of JSON objects and of tool calls", () => {
    expect(nativeMatcher(jsonObjectGrammar())('{"a": [1]}')).toBe(true);
    const tools = pool.map(([name, { schema }], index) => ({ name: `${name} ${index}`, schema }));
    const objects = tools.filter(
      ({ schema }) => typeof schema === "object" && JSON.stringify(schema).startsWith('{"type":"object"'),
    );
    expect(objects.length).toBeGreaterThan(20);
    const grammar = toolCallGrammar({
      tools: objects.map(({ name, schema }) => ({ name, parameters: schema })),
      parallel: true,
      shape: {
        callPrefix: "<tool_call>\n",
        body: { kind: "json", nameKey: "name", argumentsKey: "arguments" },
        callSuffix: "\n</tool_call>",
        separator: "\n",
      },
    });
    const matches = nativeMatcher(grammar);
    const machine = new GbnfMachine(grammar);
    for (let seed = 0; seed < 20; seed += 1) {
      const text = machine.sample(seededSampler(seed), 100);
      expect(matches(text), text).toBe(true);
    }
  });

  it("count more repetitions than their limit where these are written in pieces", () => {
    const matches = nativeMatcher(jsonSchemaToGbnf({ type: "string", minLength: 2_100, maxLength: 4_500 }));
    for (const [length, isIn] of [
      [2_099, false],
      [2_100, true],
      [4_500, true],
      [4_501, false],
    ] as const) {
      expect(matches(JSON.stringify("x".repeat(length))), String(length)).toBe(isIn);
    }
  });

  it("parse the grammars that validateGbnf accepts", () => {
    for (const text of [
      'root ::= "a"* [b-d]+ [^\\n] . x{2,3} y{2} z{2,}\nx ::= "x"\ny ::= "y"\nz ::= "z"',
      '# a comment\nroot  ::= (\n  item ","\n  | item # another\n)*\nitem ::= [0-9]{1,3}\r\n',
      'root ::= "\\x41\\u00e9\\U0001F600\\t\\r\\n\\\\\\"\\[\\]\\-" [\\]\\[a-]',
      'root ::= expr\nexpr ::= term ([-+*/] term)*\nterm ::= [0-9]+ | "(" expr ")"',
      'root ::= "a" root | ""',
      'root ::= ("a"{100}){20}',
    ]) {
      expect(validateGbnf(text)).toEqual({ isValid: true });
      expect(() => new LlamaGrammar(llama, { grammar: text })).not.toThrow();
    }
  });
});

describe("a model under a grammar", () => {
  it("writes nothing but valid documents, for schemas of every kind", { timeout: 300_000 }, async () => {
    const model = await llama.loadModel({ modelPath: path });
    const context = await model.createContext({ contextSize: 512, threads: 1 });
    const completion = new LlamaCompletion({ contextSequence: context.getSequence() });
    // Every fifth schema: each token takes a moment where other tests keep the cores busy.
    const generated = pool.filter((_, index) => index % 5 === 0);
    let finished = 0;
    for (const [name, { schema }] of generated) {
      const grammar = await llama.createGrammar({ grammar: jsonSchemaToGbnf(schema) });
      const { response, metadata } = await completion.generateCompletionWithMeta("Once upon a time", {
        grammar,
        maxTokens: 64,
        temperature: 1,
        seed: 7,
      });
      if (metadata.stopReason === "maxTokens") continue;
      finished += 1;
      expect(isValid(name, schema, response), `${name}: ${response}`).toBe(true);
    }
    // Open strings and arrays often go on past the limit.
    expect(finished).toBeGreaterThan(generated.length / 3);
    await context.dispose();
    await model.dispose();
  });
});

function isValid(name: string, schema: JsonValue, text: string): boolean {
  const value: unknown = JSON.parse(text);
  // Two pool entries are written in older dialects, which this validator reads otherwise.
  if (name === "tuple of draft 7" || name === "draft 4 exclusive") return true;
  const ajv = new Ajv2020({ strict: false, ownProperties: true });
  addFormats.default(ajv);
  return ajv.validate(schema as object | boolean, value);
}
