import { describe, expect, it } from "vitest";
import { toChatRequest } from "../../../../../src/wire/openai/chat/to-domain.ts";
import { parseRequest } from "../../../../../src/wire/contract/parse-request.ts";
import { chatCompletionContract } from "../../../../../src/wire/openai/chat/contract.ts";

const user = { role: "user", content: "hi" };

function map(fields: Record<string, unknown>) {
  return toChatRequest(parseRequest(chatCompletionContract, { model: "m", messages: [user], ...fields }));
}

const weather = { name: "weather", description: "d", parameters: { type: "object", required: ["city"] }, strict: true };

describe("toChatRequest", () => {
  it("leaves to the model what the request does not say", () => {
    expect(map({})).toEqual({
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
      tools: [],
      toolChoice: { type: "none" },
      parallelToolCalls: true,
      constraint: { type: "text" },
      sampling: {},
      limits: { stop: [] },
      n: 1,
      topLogprobs: null,
      templateKwargs: {},
      addGenerationPrompt: true,
    });
  });

  it("reads nulls as absent", () => {
    expect(map({ temperature: null, stop: null, tools: null, max_tokens: null, logprobs: null, seed: null })).toEqual(
      map({}),
    );
  });

  it("maps every sampling parameter", () => {
    const { sampling } = map({
      temperature: 0,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.05,
      presence_penalty: -1,
      frequency_penalty: 2,
      repeat_penalty: 1.1,
      logit_bias: { "7": -100, "12": 1.5 },
      seed: -3,
    });
    expect(sampling).toEqual({
      temperature: 0,
      topP: 0.9,
      topK: 40,
      minP: 0.05,
      presencePenalty: -1,
      frequencyPenalty: 2,
      repeatPenalty: 1.1,
      logitBias: [
        [7, -100],
        [12, 1.5],
      ],
      seed: -3,
    });
  });

  it("prefers max_completion_tokens to max_tokens", () => {
    expect(map({ max_tokens: 5, max_completion_tokens: 7 }).limits.maxTokens).toBe(7);
    expect(map({ max_tokens: 5 }).limits.maxTokens).toBe(5);
  });

  it("takes stop as a string or as strings", () => {
    expect(map({ stop: "a" }).limits.stop).toEqual(["a"]);
    expect(map({ stop: ["a", "b"] }).limits.stop).toEqual(["a", "b"]);
  });

  it("sets topLogprobs only where log-probabilities were asked for", () => {
    expect(map({ logprobs: true }).topLogprobs).toBe(0);
    expect(map({ logprobs: true, top_logprobs: 5 }).topLogprobs).toBe(5);
    expect(map({ logprobs: false }).topLogprobs).toBeNull();
  });

  it("keeps every role and merges no messages", () => {
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AA" } };
    const { messages } = map({
      messages: [
        { role: "system", content: "s", name: "boss" },
        {
          role: "developer",
          content: [
            { type: "text", text: "d1" },
            { type: "text", text: "d2" },
          ],
        },
        {
          role: "user",
          content: [
            { type: "text", text: "u" },
            image,
            { type: "input_audio", input_audio: { data: "QQ==", format: "wav" } },
            { type: "file", file: { filename: "a.pdf", file_data: "x" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
          reasoning_content: "hm",
        },
        { role: "tool", content: [{ type: "text", text: "t" }], tool_call_id: "c1" },
        { role: "assistant", content: [{ type: "refusal", refusal: "no" }] },
      ],
    });
    expect(messages).toEqual([
      { role: "system", content: [{ type: "text", text: "s" }], name: "boss" },
      {
        role: "developer",
        content: [
          { type: "text", text: "d1" },
          { type: "text", text: "d2" },
        ],
      },
      {
        role: "user",
        content: [
          { type: "text", text: "u" },
          { type: "image", url: "data:image/png;base64,AA", detail: "auto" },
          { type: "audio", base64: "QQ==", format: "wav" },
          { type: "file", name: "a.pdf" },
        ],
      },
      { role: "assistant", content: null, reasoning: "hm", toolCalls: [{ id: "c1", name: "f", arguments: "{}" }] },
      { role: "tool", content: [{ type: "text", text: "t" }], toolCallId: "c1" },
      { role: "assistant", content: [], refusal: "no", toolCalls: [] },
    ]);
  });

  it("maps tools, and offers them by default", () => {
    const { tools, toolChoice, parallelToolCalls } = map({
      tools: [
        { type: "function", function: weather },
        { type: "function", function: { name: "now" } },
      ],
      parallel_tool_calls: false,
    });
    expect(tools).toEqual([weather, { name: "now", parameters: { type: "object", properties: {} }, strict: false }]);
    expect(toolChoice).toEqual({ type: "auto" });
    expect(parallelToolCalls).toBe(false);
  });

  it.each([
    ["none", { type: "none" }],
    ["required", { type: "required" }],
    [
      { type: "function", function: { name: "weather" } },
      { type: "named", name: "weather" },
    ],
    [
      {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "weather" } }] },
      },
      { type: "allowed", mode: "required", names: ["weather"] },
    ],
  ])("maps the tool choice %j", (choice, expected) => {
    expect(map({ tools: [{ type: "function", function: weather }], tool_choice: choice }).toolChoice).toEqual(expected);
  });

  it("maps the deprecated functions to tools of which one may be called", () => {
    const request = map({
      functions: [weather],
      function_call: { name: "weather" },
      messages: [
        user,
        { role: "assistant", content: null, function_call: { name: "weather", arguments: "{}" } },
        { role: "function", name: "weather", content: "sunny" },
      ],
    });
    expect(request).toMatchObject({
      parallelToolCalls: false,
      toolChoice: { type: "named", name: "weather" },
      tools: [{ name: "weather" }],
    });
    const [, assistant, answer] = request.messages;
    expect(assistant).toMatchObject({ toolCalls: [{ id: "call_function_0", name: "weather" }] });
    expect(answer).toMatchObject({ role: "tool", toolCallId: "call_function_0", name: "weather" });
  });

  it("maps response formats and grammars to constraints", () => {
    const schema = { type: "object", default: null };
    expect(map({ response_format: { type: "json_object" } }).constraint).toEqual({ type: "json-object" });
    expect(map({ grammar: "root ::= [a-z]" }).constraint).toEqual({ type: "grammar", grammar: "root ::= [a-z]" });
    expect(
      map({ response_format: { type: "json_schema", json_schema: { name: "s", schema, strict: true } } }).constraint,
    ).toEqual({ type: "json-schema", name: "s", schema, strict: true });
    expect(map({ response_format: { type: "json_object", schema } }).constraint).toMatchObject({ schema });
  });

  it("passes the caller's template variables on, beside verbosity", () => {
    expect(
      map({ verbosity: "low", reasoning_effort: "high", chat_template_kwargs: { enable_thinking: false } }),
    ).toMatchObject({
      reasoningEffort: "high",
      templateKwargs: { verbosity: "low", enable_thinking: false },
    });
  });

  it("continues the final message when either field asks for it", () => {
    expect(map({ continue_final_message: true }).addGenerationPrompt).toBe(false);
    expect(map({ add_generation_prompt: false }).addGenerationPrompt).toBe(false);
    expect(map({ reasoning_budget: 7 }).reasoningBudget).toBe(7);
    expect(map({ thinking_budget: -1, reasoning_budget: 7 }).reasoningBudget).toBe("unlimited");
    expect(map({ thinking_budget: null }).reasoningBudget).toBeUndefined();
  });

  it("joins the parts of a prediction", () => {
    const content = [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ];
    expect(map({ prediction: { type: "content", content } }).prediction).toBe("ab");
  });
});
