// Tools, the deprecated functions and structured output; an independent validator checks the JSON against its schema.
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import type { Stream } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";

const api = useContractServer();
const path = "/v1/chat/completions";
const messages = [{ role: "user", content: "What is the weather in Bonn? Answer in JSON." }];
const max_tokens = 900;
const base = { model: "tiny-chat", messages, max_tokens };

const cityParameters = {
  type: "object",
  properties: { city: { type: "string", maxLength: 12 }, unit: { enum: ["c", "f"] } },
  required: ["city", "unit"],
  additionalProperties: false,
};
const sumParameters = {
  type: "object",
  properties: {
    numbers: { type: "array", items: { type: "integer", minimum: 0, maximum: 99 }, minItems: 1, maxItems: 3 },
  },
  required: ["numbers"],
  additionalProperties: false,
};
const weather = {
  type: "function",
  function: { name: "get_weather", description: "Weather.", parameters: cityParameters },
};
const sum = { type: "function", function: { name: "sum", parameters: sumParameters } };
const clock = { type: "function", function: { name: "clock" } };

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

function expectValid(schema: object, json: string): void {
  const validate = ajv.compile(schema);
  expect(validate(JSON.parse(json)), `${json}: ${ajv.errorsText(validate.errors)}`).toBe(true);
}

type Call = OpenAI.ChatCompletionMessageFunctionToolCall;

function callsOf(answer: OpenAI.ChatCompletion, choice = 0): Call[] {
  return (answer.choices[choice]?.message.tool_calls ?? []) as Call[];
}

/** Joins the calls of a stream as a client does. */
function joinCalls(stream: Stream<OpenAI.ChatCompletionChunk>): { id: string; name: string; arguments: string }[] {
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const piece of stream.chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])) {
    expect(Number.isInteger(piece.index)).toBe(true);
    const call = calls[piece.index];
    if (call === undefined) {
      expect(piece.index).toBe(calls.length);
      expect(piece.type).toBe("function");
      calls.push({ id: piece.id ?? "", name: piece.function?.name ?? "", arguments: piece.function?.arguments ?? "" });
    } else {
      expect(piece.id).toBeUndefined();
      expect(piece.function?.name).toBeUndefined();
      call.arguments += piece.function?.arguments ?? "";
    }
  }
  return calls;
}

describe("tool_choice", () => {
  it("required makes a call whose arguments match the tool's schema", async () => {
    for (let seed = 0; seed < 3; seed += 1) {
      const answer = await api.chat({ ...base, tools: [weather, sum], tool_choice: "required", seed });
      const calls = callsOf(answer);
      expect(calls.length).toBeGreaterThan(0);
      expect(answer.choices[0]?.message.content).toBeNull();
      expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
      for (const call of calls) {
        expect(call.id).toMatch(/^call_\w{8,}$/);
        expect(call.type).toBe("function");
        expectValid(call.function.name === "sum" ? sumParameters : cityParameters, call.function.arguments);
      }
      expect(new Set(calls.map((call) => call.id)).size).toBe(calls.length);
    }
  });

  it("a named function is called, and finish_reason is stop", async () => {
    const answer = await api.chat({
      ...base,
      tools: [weather, sum],
      tool_choice: { type: "function", function: { name: "sum" } },
    });
    expect(callsOf(answer).map((call) => call.function.name)).toEqual(["sum"]);
    expectValid(sumParameters, callsOf(answer)[0]?.function.arguments ?? "");
    expect(answer.choices[0]?.finish_reason).toBe("stop");
  });

  it("none calls nothing", async () => {
    const answer = await api.chat({ ...base, max_tokens: 40, tools: [weather], tool_choice: "none" });
    expect(answer.choices[0]?.message).not.toHaveProperty("tool_calls");
    expect(typeof answer.choices[0]?.message.content).toBe("string");
  });

  it("auto is the default and may answer with text", async () => {
    const answer = await api.chat({ ...base, max_tokens: 40, tools: [weather] });
    expect(["stop", "length", "tool_calls"]).toContain(answer.choices[0]?.finish_reason);
    const auto = await api.chat({ ...base, max_tokens: 40, tools: [weather], tool_choice: "auto", seed: 2 });
    expect(auto.choices).toHaveLength(1);
  });

  it("allowed_tools narrows the choice", async () => {
    for (let seed = 0; seed < 3; seed += 1) {
      const answer = await api.chat({
        ...base,
        seed,
        tools: [weather, sum, clock],
        tool_choice: {
          type: "allowed_tools",
          allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "sum" } }] },
        },
      });
      expect(new Set(callsOf(answer).map((call) => call.function.name))).toEqual(new Set(["sum"]));
    }
  });

  it("parallel_tool_calls false allows one call at most", async () => {
    for (let seed = 0; seed < 4; seed += 1) {
      const answer = await api.chat({
        ...base,
        seed,
        tools: [weather, sum],
        tool_choice: "required",
        parallel_tool_calls: false,
      });
      expect(callsOf(answer)).toHaveLength(1);
    }
  });

  it("takes a function without parameters", async () => {
    const answer = await api.chat({ ...base, tools: [clock], tool_choice: "required", parallel_tool_calls: false });
    expect(JSON.parse(callsOf(answer)[0]?.function.arguments ?? "")).toEqual({});
  });

  it("makes calls in every one of n choices", async () => {
    const answer = await api.chat({ ...base, n: 2, tools: [sum], tool_choice: "required", parallel_tool_calls: false });
    for (const choice of [0, 1]) expectValid(sumParameters, callsOf(answer, choice)[0]?.function.arguments ?? "");
  });

  it.each([
    ["tool_choice", { tool_choice: "required" }],
    ["tool_choice", { tools: [weather], tool_choice: "sometimes" }],
    [
      "tool_choice.function.name",
      { tools: [weather], tool_choice: { type: "function", function: { name: "nothing" } } },
    ],
    ["tools[0].type", { tools: [{ type: "custom", custom: { name: "x" } }] }],
    ["tools[0].type", { tools: [{ type: "banana" }] }],
    ["tools[0].type", { tools: [{ function: { name: "x" } }] }],
    ["tools[0].function", { tools: [{ type: "function" }] }],
    ["tools[0].function.name", { tools: [{ type: "function", function: {} }] }],
    ["tools[0].function.name", { tools: [{ type: "function", function: { name: "has space" } }] }],
    ["tools[0].function.parameters", { tools: [{ type: "function", function: { name: "x", parameters: "{}" } }] }],
    ["functions[0].name", { functions: [{ description: "x" }] }],
    ["functions", { functions: [] }],
    ["function_call", { function_call: "auto" }],
  ])("names %s when it is at fault", async (param, body) => {
    await api.refused(path, { ...base, ...body }, { param });
  });
});

describe("a call that max_tokens cuts off", () => {
  const long = {
    type: "object",
    properties: { c: { type: "string", minLength: 60 } },
    required: ["c"],
    additionalProperties: false,
  };
  const request = {
    ...base,
    temperature: 0,
    tools: [{ type: "function", function: { name: "write", parameters: long } }],
  };

  it.each(["required", { type: "function", function: { name: "write" } }])(
    "shows no markup as content, and no argument that was not written, with tool_choice %j",
    async (tool_choice) => {
      for (let limit = 2; limit < 60; limit += 4) {
        const whole = await api.chat({ ...request, tool_choice, max_tokens: limit });
        const [choice] = whole.choices;
        expect(choice?.finish_reason).toBe("length");
        expect(choice?.message.content ?? "", `max_tokens ${limit}`).toBe("");
        const written = callsOf(whole)[0]?.function.arguments ?? "";
        expect(
          written.replaceAll(/\s/g, "").startsWith('{"c":"') || '{"c":"'.startsWith(written.replaceAll(/\s/g, "")),
          written,
        ).toBe(true);
        const stream = await api.chatStream({ ...request, tool_choice, max_tokens: limit });
        expect(stream.chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("");
        expect(joinCalls(stream)[0]?.arguments ?? "").toBe(written);
      }
    },
  );
});

describe("tool calls in a stream", () => {
  it("come with id, type and name once, and argument pieces that join to JSON", async () => {
    const stream = await api.chatStream({ ...base, tools: [weather, sum], tool_choice: "required", seed: 3 });
    const calls = joinCalls(stream);
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      expect(call.id).toMatch(/^call_/);
      expectValid(call.name === "sum" ? sumParameters : cityParameters, call.arguments);
    }
    const reasons = stream.chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter((reason) => reason);
    expect(reasons).toEqual(["tool_calls"]);
    expect(stream.raw).not.toContain("<tool_call>");
    expect(stream.done).toBe(true);
  });

  it("agree with the unstreamed answer", async () => {
    const request = { ...base, tools: [weather, sum], tool_choice: "required", seed: 8 };
    const whole = callsOf(await api.chat(request)).map((call) => call.function);
    const streamed = joinCalls(await api.chatStream(request)).map(({ name, arguments: text }) => ({
      name,
      arguments: text,
    }));
    expect(streamed).toEqual(whole);
  });

  it("end with stop for a named function", async () => {
    const stream = await api.chatStream({
      ...base,
      tools: [sum],
      tool_choice: { type: "function", function: { name: "sum" } },
    });
    expect(stream.chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
    expectValid(sumParameters, joinCalls(stream)[0]?.arguments ?? "");
  });
});

describe("the deprecated functions", () => {
  const functions = [{ name: "sum", description: "Adds.", parameters: sumParameters }];

  it("answer with function_call", async () => {
    const answer = await api.chat({ ...base, functions, function_call: { name: "sum" } });
    const [choice] = answer.choices;
    expect(choice?.message.function_call?.name).toBe("sum");
    expectValid(sumParameters, choice?.message.function_call?.arguments ?? "");
    expect(choice?.message).not.toHaveProperty("tool_calls");
    expect(choice?.message.content).toBeNull();
    expect(["stop", "function_call"]).toContain(choice?.finish_reason);
  });

  it("stream their arguments", async () => {
    const stream = await api.chatStream({ ...base, functions, function_call: { name: "sum" } });
    const pieces = stream.chunks.map((chunk) => chunk.choices[0]?.delta.function_call);
    expect(pieces.filter((piece) => piece?.name !== undefined)).toHaveLength(1);
    expectValid(sumParameters, pieces.map((piece) => piece?.arguments ?? "").join(""));
  });

  it("none and auto may answer with text", async () => {
    for (const function_call of ["none", "auto"]) {
      await api.chat({ ...base, max_tokens: 30, functions, function_call });
    }
  });
});

describe("response_format", () => {
  const format = (schema: object, strict = true): object => ({
    type: "json_schema",
    json_schema: { name: "answer", strict, schema },
  });

  it("text is the default", async () => {
    await api.chat({ response_format: { type: "text" } });
  });

  it("json_object makes an object", async () => {
    for (let seed = 0; seed < 3; seed += 1) {
      const answer = await api.chat({ ...base, max_tokens: 2500, seed, response_format: { type: "json_object" } });
      const [choice] = answer.choices;
      if (choice?.finish_reason === "length") continue;
      const value: unknown = JSON.parse(choice?.message.content ?? "");
      expect(value).toBeTypeOf("object");
      expect(Array.isArray(value)).toBe(false);
    }
  });

  it.each<[string, object]>([
    ["closed objects", cityParameters],
    [
      "nested arrays",
      {
        type: "object",
        properties: { rows: { type: "array", minItems: 2, maxItems: 3, items: sumParameters } },
        required: ["rows"],
        additionalProperties: false,
      },
    ],
    [
      "enum and const",
      {
        type: "object",
        properties: { a: { enum: [1, "two", null] }, b: { const: true } },
        required: ["a", "b"],
        additionalProperties: false,
      },
    ],
    [
      "anyOf",
      {
        type: "object",
        properties: { v: { anyOf: [{ type: "integer", minimum: 3, maximum: 12 }, { type: "boolean" }] } },
        required: ["v"],
        additionalProperties: false,
      },
    ],
    [
      "nullable types",
      {
        type: "object",
        properties: { v: { type: ["string", "null"], maxLength: 4 } },
        required: ["v"],
        additionalProperties: false,
      },
    ],
    [
      "$defs and $ref",
      {
        type: "object",
        properties: { p: { $ref: "#/$defs/point" } },
        required: ["p"],
        additionalProperties: false,
        $defs: {
          point: {
            type: "object",
            properties: { x: { type: "integer", minimum: 0, maximum: 9 } },
            required: ["x"],
            additionalProperties: false,
          },
        },
      },
    ],
    [
      "formats and patterns",
      {
        type: "object",
        properties: { d: { type: "string", format: "date" }, z: { type: "string", pattern: "^[0-9]{5}$" } },
        required: ["d", "z"],
        additionalProperties: false,
      },
    ],
  ])("json_schema holds for %s, streamed and whole", async (_name, schema) => {
    const whole = await api.chat({ ...base, response_format: format(schema), seed: 1 });
    expect(whole.choices[0]?.finish_reason).toBe("stop");
    expectValid(schema, whole.choices[0]?.message.content ?? "");
    const stream = await api.chatStream({ ...base, response_format: format(schema), seed: 2 });
    expectValid(schema, stream.chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""));
  });

  it.each<[string, object]>([
    ["not", { type: "object", properties: { a: { not: { pattern: "^a" } } }, required: ["a"] }],
    ["if", { if: { type: "object" }, else: { required: ["a"] } }],
    ["uniqueItems", { type: "array", uniqueItems: true, items: { type: "string" } }],
    ["$ref", { type: "object", properties: { a: { $ref: "https://example.com/other.json" } } }],
  ])("refuses a schema that cannot be enforced and names %s", async (keyword, schema) => {
    const error = await api.refused(
      path,
      { ...base, response_format: format(schema) },
      { code: "invalid_json_schema" },
    );
    expect(error.message).toContain(keyword);
    expect(error.param).toMatch(/^response_format/);
  });

  it.each([
    ["response_format.type", {}],
    ["response_format.type", { type: "yaml" }],
    ["response_format.json_schema", { type: "json_schema" }],
    ["response_format.json_schema.name", { type: "json_schema", json_schema: { schema: {} } }],
    ["response_format.json_schema.name", { type: "json_schema", json_schema: { name: "a b", schema: {} } }],
    ["response_format.json_schema.schema", { type: "json_schema", json_schema: { name: "a", schema: 5 } }],
  ])("names %s when it is at fault", async (param, response_format) => {
    await api.refused(path, { ...base, response_format }, { param });
  });

  it("counts the tokens of a structured answer", async () => {
    const answer = await api.chat({ ...base, response_format: format(sumParameters), logprobs: true, top_logprobs: 2 });
    const content = answer.choices[0]?.logprobs?.content ?? [];
    expect(content.map((token) => token.token).join("")).toBe(answer.choices[0]?.message.content);
    for (const token of content) expect(Number.isFinite(token.logprob)).toBe(true);
  });
});
