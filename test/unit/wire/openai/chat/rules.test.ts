import { describe, expect, it } from "vitest";
import { ServerError } from "../../../../../src/domain/errors.ts";
import { parseRequest } from "../../../../../src/wire/contract/parse-request.ts";
import { chatCompletionContract } from "../../../../../src/wire/openai/chat/contract.ts";

const user = { role: "user", content: "hi" };
const call = (id: string) => ({ id, type: "function", function: { name: "f", arguments: "{}" } });
const tool = (name: string) => ({ type: "function", function: { name } });
const named = (name: string) => ({ type: "function", function: { name } });

/** `kind param` of the refusal, or "accepted". */
function verdict(fields: Record<string, unknown>): string {
  try {
    parseRequest(chatCompletionContract, { model: "m", messages: [user], ...fields });
    return "accepted";
  } catch (error) {
    if (error instanceof ServerError) return `${error.kind} ${error.param ?? "-"}`;
    throw error;
  }
}

describe("tools", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["a choice without tools", { tool_choice: "auto" }, "invalid_value tool_choice"],
    ["required among no tools", { tool_choice: "required", tools: [] }, "invalid_value tool_choice"],
    ["an empty list of tools", { tools: [], tool_choice: "auto" }, "accepted"],
    ["a known name", { tools: [tool("a")], tool_choice: named("a") }, "accepted"],
    ["an unknown name", { tools: [tool("a")], tool_choice: named("b") }, "invalid_value tool_choice.function.name"],
    ["a name used twice", { tools: [tool("a"), tool("a")] }, "invalid_value tools[1].function.name"],
    ["custom tools", { tools: [{ type: "custom", custom: { name: "x" } }] }, "unsupported_value tools[0].type"],
    ["a tool without its function", { tools: [{ type: "function" }] }, "missing_parameter tools[0].function"],
    [
      "a custom choice",
      { tools: [tool("a")], tool_choice: { type: "custom", custom: { name: "a" } } },
      "unsupported_value tool_choice.type",
    ],
    [
      "allowed tools",
      {
        tools: [tool("a")],
        tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [tool("a")] } },
      },
      "accepted",
    ],
    [
      "an unknown allowed tool",
      {
        tools: [tool("a")],
        tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [tool("b")] } },
      },
      "invalid_value tool_choice.allowed_tools.tools[0].function.name",
    ],
    ["parallel_tool_calls without tools", { parallel_tool_calls: true }, "accepted"],
    ["functions beside tools", { functions: [{ name: "a" }], tools: [tool("a")] }, "invalid_value functions"],
    ["a function_call without functions", { function_call: "auto" }, "invalid_value function_call"],
    [
      "an unknown function_call",
      { functions: [{ name: "a" }], function_call: { name: "b" } },
      "invalid_value function_call.name",
    ],
  ])("%s", (_, fields, expected) => {
    expect(verdict(fields)).toBe(expected);
  });
});

describe("messages", () => {
  it.each<[string, unknown[], string]>([
    [
      "a tool answer to a call",
      [user, { role: "assistant", tool_calls: [call("a")] }, { role: "tool", content: "x", tool_call_id: "a" }],
      "accepted",
    ],
    [
      "a tool answer without a call",
      [user, { role: "tool", content: "x", tool_call_id: "a" }],
      "invalid_value messages[1].role",
    ],
    [
      "a tool answer to another call",
      [user, { role: "assistant", tool_calls: [call("a")] }, { role: "tool", content: "x", tool_call_id: "b" }],
      "invalid_value messages[2].tool_call_id",
    ],
    [
      "a tool answer without an id",
      [user, { role: "tool", content: "x" }],
      "missing_parameter messages[1].tool_call_id",
    ],
    ["a call left unanswered", [user, { role: "assistant", tool_calls: [call("a")] }, user], "accepted"],
    ["a call without type", [user, { role: "assistant", tool_calls: [{ ...call("a"), type: undefined }] }], "accepted"],
    [
      "an assistant message without content",
      [user, { role: "assistant", content: null }],
      "missing_parameter messages[1].content",
    ],
    [
      "an assistant message with reasoning only",
      [user, { role: "assistant", content: null, reasoning_content: "hm" }],
      "accepted",
    ],
    [
      "an assistant message with audio",
      [user, { role: "assistant", audio: { id: "a" } }],
      "unsupported_parameter messages[1].audio",
    ],
    [
      "an image in a system message",
      [{ role: "system", content: [{ type: "image_url", image_url: { url: "x" } }] }],
      "invalid_value messages[0].content[0].type",
    ],
  ])("%s", (_, messages, expected) => {
    expect(verdict({ messages })).toBe(expected);
  });
});

describe("fields that depend on each other", () => {
  it.each<[Record<string, unknown>, string]>([
    [{ top_logprobs: 2 }, "invalid_value top_logprobs"],
    [{ top_logprobs: 2, logprobs: false }, "invalid_value top_logprobs"],
    [{ top_logprobs: 20, logprobs: true }, "accepted"],
    [{ stream_options: { include_usage: true } }, "invalid_value stream_options"],
    [{ stream_options: { include_usage: true }, stream: true }, "accepted"],
    [{ grammar: "root ::= x", response_format: { type: "json_object" } }, "invalid_value grammar"],
    [{ grammar: "root ::= x", response_format: { type: "text" } }, "accepted"],
    [{ grammar: "root ::= x", tools: [tool("a")] }, "invalid_value grammar"],
    [{ grammar: "root ::= x", tools: [tool("a")], tool_choice: "none" }, "accepted"],
    [{ continue_final_message: true, add_generation_prompt: true }, "invalid_value continue_final_message"],
    [{ modalities: ["text"] }, "accepted"],
    [{ modalities: ["text", "audio"] }, "unsupported_value modalities"],
    [{ web_search_options: {} }, "unsupported_parameter web_search_options"],
    [{ n: 129 }, "invalid_value n"],
    [{ seed: -5 }, "accepted"],
    [{ seed: 2 ** 63 }, "accepted"],
    [{ logit_bias: { "50256": -100 } }, "accepted"],
    [{ logit_bias: { "50256": -101 } }, "invalid_value logit_bias"],
    [{ logit_bias: { word: 1 } }, "invalid_value logit_bias"],
    [{ stop: "" }, "invalid_value stop"],
    [{ stop: ["a", ""] }, "invalid_value stop[1]"],
    [{ stop: [] }, "accepted"],
    [{ ttl: 0 }, "invalid_value ttl"],
    [{ ttl: "10m" }, "accepted"],
    [{ ttl: "soon" }, "invalid_value ttl"],
  ])("%j: %s", (fields, expected) => {
    expect(verdict(fields)).toBe(expected);
  });
});
