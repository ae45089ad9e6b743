// Schemas and tools with real weights, greedily and sampled: what a model writes that knows the language, not random text.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../src/domain/backend.ts";
import type { ChatMessage, ToolDefinition } from "../../src/domain/chat.ts";
import { chat } from "../support/llama.ts";
import { openRealModel, realModel, realWeights } from "../support/real-weights.ts";
import { realSchemas } from "./schemas.ts";

const model = realModel("smollm2");
const need = realWeights(model);
const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

const user = (text: string): readonly ChatMessage[] => [{ role: "user", content: [{ type: "text", text }] }];
const limits = { maxTokens: 300, stop: [] };
const samplings = [
  { temperature: 0 },
  { temperature: 1, seed: 1 },
  { temperature: 1, seed: 2 },
  { temperature: 1, seed: 3 },
];

const tools: readonly ToolDefinition[] = [
  {
    name: "get_weather",
    description: "Weather of a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string", maxLength: 20 }, unit: { enum: ["C", "F"] } },
      required: ["city", "unit"],
      additionalProperties: false,
    },
    strict: true,
  },
  {
    name: "add",
    description: "Adds two numbers",
    parameters: {
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "integer" } },
      required: ["a", "b"],
      additionalProperties: false,
    },
    strict: true,
  },
];

describe.skipIf(!need.isMet)(`${model.name} under constraints${need.note}`, { timeout: 300_000 }, () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openRealModel(model, { contextSize: 2048, parallel: 4 });
  });
  afterAll(() => backend.dispose());

  it.each(realSchemas)("meets the schema of $name, at every temperature", async ({ name, question, schema }) => {
    const constraint = { type: "json-schema", name, schema, strict: true } as const;
    const answers = await Promise.all(
      samplings.map((sampling) => chat(backend, { messages: user(question), constraint, sampling, limits })),
    );
    let whole = 0;
    for (const { choices } of answers) {
      const { text, finish } = choices[0]!;
      if (finish === "length") continue;
      whole += 1;
      expect(finish).toBe("end-of-turn");
      expect(ajv.validate(schema, JSON.parse(text)), `${text}: ${ajv.errorsText()}`).toBe(true);
    }
    // A tree may grow for ever under the dice; nothing else may.
    expect(whole).toBeGreaterThanOrEqual(name === "tree" ? 1 : samplings.length);
  });

  it.each([
    ["required", { type: "required" }],
    ["named", { type: "named", name: "add" }],
  ] as const)("calls a tool with arguments of its schema where that is %s", async (_, toolChoice) => {
    for (const sampling of samplings) {
      const messages = user("What is 17 plus 25?");
      const { choices } = await chat(backend, {
        messages,
        tools,
        toolChoice,
        parallelToolCalls: false,
        sampling,
        limits,
      });
      const { calls, finish } = choices[0]!;
      expect(finish).toBe("tool-calls");
      expect(calls).toHaveLength(1);
      if (toolChoice.type === "named") expect(calls[0]!.name).toBe("add");
      const { parameters } = tools.find(({ name }) => name === calls[0]!.name)!;
      expect(ajv.validate(parameters, JSON.parse(calls[0]!.arguments)), ajv.errorsText()).toBe(true);
    }
  });

  it("writes text or calls that are whole, where it may choose", async () => {
    for (const sampling of samplings) {
      const { choices } = await chat(backend, { messages: user("Say hello."), tools, sampling, limits });
      const { text, calls, finish } = choices[0]!;
      if (calls.length === 0) expect(text).not.toBe("");
      else if (finish === "tool-calls") for (const call of calls) JSON.parse(call.arguments);
      expect(["end-of-turn", "tool-calls", "length"]).toContain(finish);
    }
  });
});
