import { describe, expect, it } from "vitest";
import type { TextEvent } from "../../../../../src/domain/text.ts";
import {
  collectChatCompletion,
  createChatCompletionBuilder,
  toChatFinishReason,
} from "../../../../../src/wire/openai/chat/to-response.ts";
import { chatCompletion } from "../../../../../src/wire/openai/chat/response.ts";
import { faultsOf, openAiDocument } from "../../support/openai-document.ts";
import { chatContext, finish, replay, token, twoChoices, usageEvent } from "../../support/text-events.ts";

async function answer(events: readonly TextEvent[], request: Parameters<typeof chatContext>[0] = {}) {
  return collectChatCompletion(replay(events), chatContext(request));
}

describe("collectChatCompletion", () => {
  it("gathers interleaved choices", async () => {
    const completion = await answer(twoChoices, { n: 2 });
    expect(completion).toEqual({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1_700_000_000,
      model: "org/model",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: 'Hé "quoted"\n\u{1F600}',
            refusal: null,
            reasoning_content: "Let me think.",
          },
          logprobs: null,
          finish_reason: "stop",
        },
        {
          index: 1,
          message: {
            role: "assistant",
            content: null,
            refusal: null,
            tool_calls: [
              { id: "call_a", type: "function", function: { name: "weather", arguments: '{"city":"Bern"}' } },
              { id: "call_b", type: "function", function: { name: "time", arguments: "{}" } },
            ],
          },
          logprobs: null,
          finish_reason: "tool_calls",
        },
      ],
      usage: {
        prompt_tokens: 20,
        completion_tokens: 9,
        total_tokens: 29,
        prompt_tokens_details: { cached_tokens: 12, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: 3,
          audio_tokens: 0,
          accepted_prediction_tokens: 2,
          rejected_prediction_tokens: 1,
        },
      },
      system_fingerprint: "fp_1",
    });
    expect(chatCompletion().parse(completion)).toEqual(completion);
  });

  it.skipIf(!openAiDocument.isMet)(`answers what OpenAI's document describes${openAiDocument.note}`, async () => {
    const logprobs = [
      token("Hi", -0.1, [
        ["Hi", -0.1],
        ["Ho", -3],
      ]),
    ];
    const spoken: TextEvent[] = [
      { type: "text-delta", choice: 0, text: "Hi", logprobs },
      finish(0, "length"),
      usageEvent,
    ];
    expect(faultsOf("CreateChatCompletionResponse", await answer(twoChoices, { n: 2 }))).toEqual([]);
    expect(faultsOf("CreateChatCompletionResponse", await answer(spoken, { topLogprobs: 2 }))).toEqual([]);
    expect(faultsOf("CreateChatCompletionResponse", { id: "x" })).not.toEqual([]);
  });

  it("gives logprobs with bytes, and -9999 for a token that had no chance", async () => {
    const logprobs = [
      token("é", -0.5, [
        ["é", -0.5],
        ["x", Number.NEGATIVE_INFINITY],
      ]),
    ];
    const events: TextEvent[] = [{ type: "text-delta", choice: 0, text: "é", logprobs }, finish(0, "stop"), usageEvent];
    const completion = await answer(events, { topLogprobs: 2 });
    expect(completion.choices[0]?.logprobs).toEqual({
      content: [
        {
          token: "é",
          logprob: -0.5,
          bytes: [0xc3, 0xa9],
          top_logprobs: [
            { token: "é", logprob: -0.5, bytes: [0xc3, 0xa9] },
            { token: "x", logprob: -9999, bytes: [0x78] },
          ],
        },
      ],
      refusal: null,
    });
  });

  it("answers the deprecated functions with function_call", async () => {
    const events: TextEvent[] = [
      { type: "tool-call-start", choice: 0, index: 0, id: "c", name: "f" },
      { type: "tool-call-delta", choice: 0, index: 0, arguments: "{}" },
      finish(0, "tool_calls"),
      usageEvent,
    ];
    const [choice] = (await answer(events, { legacyFunctions: true })).choices;
    expect(choice).toMatchObject({
      message: { content: null, function_call: { name: "f", arguments: "{}" } },
      finish_reason: "function_call",
    });
    expect(choice?.message).not.toHaveProperty("tool_calls");
  });

  it("has an empty text, not null, where the model said nothing and called nothing", async () => {
    const completion = await answer([finish(0, "stop"), usageEvent]);
    expect(completion.choices[0]?.message.content).toBe("");
  });

  it("fails loudly on a stream of events that is not whole", async () => {
    await expect(answer([finish(0, "stop")])).rejects.toThrow("without usage");
    await expect(answer([usageEvent])).rejects.toThrow("without a reason");
    const builder = createChatCompletionBuilder(chatContext());
    expect(() => builder.add({ type: "text-delta", choice: 3, text: "x" })).toThrow(RangeError);
  });
});

describe("toChatFinishReason", () => {
  const request = chatContext().request;
  it("is tool_calls when the model chose to call, stop when the caller named the tool, length as it is", () => {
    expect(toChatFinishReason("tool_calls", request)).toBe("tool_calls");
    expect(toChatFinishReason("tool_calls", { ...request, toolChoice: { type: "required" } })).toBe("tool_calls");
    expect(toChatFinishReason("tool_calls", { ...request, toolChoice: { type: "named", name: "f" } })).toBe("stop");
    expect(toChatFinishReason("length", { ...request, toolChoice: { type: "named", name: "f" } })).toBe("length");
    expect(toChatFinishReason("tool_calls", { ...request, legacyFunctions: true })).toBe("function_call");
  });
});
