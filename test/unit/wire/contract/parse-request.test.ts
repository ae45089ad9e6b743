import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServerError } from "../../../../src/domain/errors.ts";
import { parseRequest } from "../../../../src/wire/contract/parse-request.ts";
import { chatCompletionContract } from "../../../../src/wire/openai/chat/contract.ts";
import type { RequestContract } from "../../../../src/wire/contract/contract.ts";
import { embeddingContract } from "../../../../src/wire/openai/embeddings/contract.ts";
import { rerankContract } from "../../../../src/wire/rerank/contract.ts";
import { anyContracts } from "../support/any-contract.ts";

const base = { model: "m", messages: [{ role: "user", content: "hi" }] };
const tool = (name: string) => ({ type: "function", function: { name, parameters: { type: "object" } } });
const messages = (...list: unknown[]) => ({ messages: list });

function faultOf<T>(contract: RequestContract<T>, body: unknown): ServerError {
  try {
    parseRequest(contract, body);
  } catch (error) {
    if (error instanceof ServerError) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(body)}`);
}

function chatFault(
  fields: Record<string, unknown>,
): readonly [kind: string, param: string | undefined, message: string] {
  const { kind, param, message } = faultOf(chatCompletionContract, { ...base, ...fields });
  return [kind, param, message];
}

describe.each(anyContracts)("the words of a refusal of $name", ({ parse, known, smallest }) => {
  const odd = [true, 5, 5.5, -1, "", "x", [], [5], [[]], [{}], [null], {}, { type: "x" }, [{ type: "x" }], { a: [] }];

  it("name no type that only the server's language has", () => {
    for (const field of known()) {
      for (const value of odd) {
        try {
          parse({ ...smallest, [field]: value });
        } catch (error) {
          if (!(error instanceof ServerError)) throw error;
          expect(error.message, `${field}: ${JSON.stringify(value)}`).not.toMatch(
            /undefined|\bNaN\b|\brecord\b|expected.*\bcustom\b|\binstance|\[object/,
          );
        }
      }
    }
  });
});

describe("a mask that is neither a file nor a reference", () => {
  it("is told both", () => {
    const edits = anyContracts.find(({ name }) => name === "image edits");
    expect(() => edits?.parse({ ...edits.smallest, mask: 5 })).toThrow(
      "Invalid type for 'mask': expected a file or an object, but got an integer instead.",
    );
  });
});

describe("the words of a refusal", () => {
  it.each<[Record<string, unknown>, string, string, string]>([
    [{ messages: undefined }, "missing_parameter", "messages", "Missing required parameter: 'messages'."],
    [{ model: undefined }, "missing_parameter", "model", "Missing required parameter: 'model'."],
    [
      { temperature: "hot" },
      "invalid_type",
      "temperature",
      "Invalid type for 'temperature': expected a number, but got a string instead.",
    ],
    [{ n: "1" }, "invalid_type", "n", "Invalid type for 'n': expected an integer, but got a string instead."],
    [{ n: 1.5 }, "invalid_type", "n", "Invalid type for 'n': expected an integer, but got a decimal number instead."],
    [
      { temperature: 2.5 },
      "invalid_value",
      "temperature",
      "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead.",
    ],
    [
      { max_tokens: 0 },
      "invalid_value",
      "max_tokens",
      "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ],
    [
      { messages: [] },
      "invalid_value",
      "messages",
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ],
    [
      messages({ role: "robot", content: "x" }),
      "invalid_value",
      "messages[0].role",
      "Invalid value: 'robot'. Supported values are: 'system', 'developer', 'user', 'assistant', 'tool', and 'function'.",
    ],
    [
      messages({ role: "user", content: 7 }),
      "invalid_type",
      "messages[0].content",
      "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an integer instead.",
    ],
    [
      messages({ role: "user", content: [{ type: "text" }] }),
      "missing_parameter",
      "messages[0].content[0].text",
      "Missing required parameter: 'messages[0].content[0].text'.",
    ],
    [
      messages({ role: "user", content: [{ type: "video" }] }),
      "invalid_value",
      "messages[0].content[0].type",
      "Invalid value: 'video'. Supported values are: 'text', 'image_url', 'input_audio', and 'file'.",
    ],
    [
      { tools: [tool("ok"), tool("not ok")] },
      "invalid_value",
      "tools[1].function.name",
      "Invalid 'tools[1].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$', but got 'not ok'.",
    ],
    [
      { tool_choice: "sometimes", tools: [tool("a")] },
      "invalid_value",
      "tool_choice",
      "Invalid value: 'sometimes'. Supported values are: 'none', 'auto', and 'required'.",
    ],
    [
      { response_format: { type: "json_schema", json_schema: { name: "x" } } },
      "missing_parameter",
      "response_format.json_schema.schema",
      "Missing required parameter: 'response_format.json_schema.schema'.",
    ],
    [
      { reasoning_effort: "huge" },
      "invalid_value",
      "reasoning_effort",
      "Invalid value: 'huge'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'.",
    ],
    [
      { stop: ["a", "b", "c", "d", "e"] },
      "invalid_value",
      "stop",
      "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.",
    ],
    [
      { audio: { voice: "alloy", format: "wav" } },
      "unsupported_parameter",
      "audio",
      "Unsupported parameter: 'audio'. This server makes no audio output.",
    ],
  ])("%j is %s of %s", (fields, kind, param, message) => {
    expect(chatFault(fields)).toEqual([kind, param, message]);
  });

  it("refuses a body that is no object without naming a field", () => {
    for (const body of [null, [], "x", 3, undefined]) {
      const fault = faultOf(chatCompletionContract, body);
      expect([fault.kind, fault.param]).toEqual(["invalid_type", undefined]);
    }
  });

  it("calls a number beyond the range of a double out of range", () => {
    expect(chatFault({ temperature: JSON.parse("1e999") })[2]).toContain("a number out of range");
  });

  it("never repeats a long value of the caller in full", () => {
    expect(chatFault({ tool_choice: "x".repeat(1e6), tools: [tool("a")] })[2].length).toBeLessThan(300);
    expect(chatFault({ logit_bias: { ["y".repeat(1e6)]: 1 } })[2].length).toBeLessThan(300);
  });
});

describe("explicit null", () => {
  it("means absent in every optional field of every endpoint", () => {
    for (const { fields, parse, smallest } of anyContracts) {
      const nulls = Object.fromEntries(Object.keys(fields).map((name) => [name, null]));
      expect(() => parse({ ...nulls, ...smallest })).not.toThrow();
    }
  });

  it("means missing in a required field", () => {
    expect(chatFault({ messages: null }).slice(0, 2)).toEqual(["missing_parameter", "messages"]);
    expect(chatFault(messages({ role: "user", content: null })).slice(0, 2)).toEqual([
      "missing_parameter",
      "messages[0].content",
    ]);
  });

  it("means absent inside messages, tools and stream options", () => {
    const body = {
      ...base,
      stream: true,
      stream_options: { include_usage: null },
      tools: [{ type: "function", function: { name: "f", description: null, parameters: null, strict: null } }],
      messages: [
        { role: "user", content: "x", name: null },
        {
          role: "assistant",
          content: null,
          refusal: null,
          tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        { role: "tool", content: "y", tool_call_id: "c" },
        { role: "assistant", content: "z", tool_calls: null, function_call: null, audio: null },
      ],
    };
    expect(() => parseRequest(chatCompletionContract, body)).not.toThrow();
  });

  it("survives inside free-form values", () => {
    const parameters = { type: "object", properties: { a: { enum: [1, null], default: null } }, extra: null };
    const request = parseRequest(chatCompletionContract, {
      ...base,
      tools: [{ type: "function", function: { name: "f", parameters } }],
      response_format: { type: "json_schema", json_schema: { name: "s", schema: parameters } },
      chat_template_kwargs: { flag: null },
      metadata: { key: null },
    });
    expect(request.tools?.[0]?.function?.parameters).toEqual(parameters);
    expect(request.response_format).toMatchObject({ json_schema: { schema: parameters } });
    expect(request.chat_template_kwargs).toEqual({ flag: null });
    expect(request.metadata).toEqual({ key: null });
  });
});

describe("hostile bodies", () => {
  it("ignores unknown fields, __proto__ among them, without touching any prototype", () => {
    const body: unknown = JSON.parse(
      '{"model":"m","messages":[{"role":"user","content":"x","__proto__":{"polluted":1}}],"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"zzz":1}',
    );
    const request = parseRequest(chatCompletionContract, body);
    expect(request).not.toHaveProperty("zzz");
    expect(request).not.toHaveProperty("polluted");
    expect(Object.prototype).not.toHaveProperty("polluted");
  });

  it("does not take an inherited field for one of the body", () => {
    expect(faultOf(chatCompletionContract, JSON.parse('{"__proto__":{"model":"m","messages":[]}}')).kind).toBe(
      "missing_parameter",
    );
  });

  it("refuses free-form values nested deeper than 100 levels instead of overflowing the stack", () => {
    const deep: unknown = JSON.parse(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`);
    expect(chatFault({ chat_template_kwargs: deep }).slice(0, 2)).toEqual(["invalid_value", "chat_template_kwargs"]);
    expect(chatFault({ tools: [{ type: "function", function: { name: "f", parameters: deep } }] })[1]).toBe(
      "tools[0].function.parameters",
    );
    expect(() => parseRequest(chatCompletionContract, { ...base, unknown: deep })).not.toThrow();
  });

  it("reports a million wrong elements as one fault, quickly and in little memory", () => {
    const started = performance.now();
    const many = Array.from({ length: 1_000_000 }, () => 1);
    expect(chatFault({ messages: many })[1]).toBe("messages[0]");
    expect(chatFault({ tools: many })[1]).toBe("tools[0]");
    expect(chatFault(messages({ role: "user", content: many }))[1]).toBe("messages[0].content[0]");
    expect(faultOf(embeddingContract, { input: many.map(() => "x") }).param).toBe("input");
    expect(faultOf(rerankContract, { model: "m", query: "q", documents: many }).param).toBe("documents");
    // Generous: one issue per element takes tens of seconds and gigabytes.
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("any body at all", () => {
  it("is either accepted or refused with a ServerError whose message is a sentence", () => {
    for (const { fields, parse } of anyContracts) {
      const names = Object.keys(fields);
      const anyBody = fc.oneof(
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 4 })),
        fc.record({
          model: fc.string(),
          prompt: fc.jsonValue(),
          input: fc.jsonValue(),
          messages: fc.array(anyMessage),
        }),
        fc.record({
          ...Object.fromEntries(names.map((name) => [name, fc.jsonValue()])),
          messages: fc.array(anyMessage),
        }),
      );
      fc.assert(
        fc.property(anyBody, (body) => {
          try {
            parse(body);
          } catch (error) {
            expect(error).toBeInstanceOf(ServerError);
            expect((error as ServerError).message).toMatch(/^[A-Z].{5,}/s);
            expect((error as ServerError).kind).not.toBe("internal");
          }
        }),
        { numRuns: 300 },
      );
    }
  });
});

const anyMessage = fc.record(
  {
    role: fc.constantFrom("system", "user", "assistant", "tool", "function", "developer", "x"),
    content: fc.oneof(
      fc.string(),
      fc.constant(null),
      fc.array(fc.record({ type: fc.constantFrom("text", "image_url", "refusal", "file"), text: fc.jsonValue() })),
      fc.jsonValue(),
    ),
    tool_calls: fc.oneof(fc.constant(null), fc.array(fc.jsonValue())),
    tool_call_id: fc.jsonValue(),
    name: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
