import { describe, expect, it } from "vitest";
import type { TextEvent } from "../../../../../src/domain/text.ts";
import {
  collectChatCompletion,
  createChatCompletionBuilder,
  toChatFinishReason,
} from "../../../../../src/wire/openai/chat/to-response.ts";
import { chatCompletion } from "../../../../../src/wire/openai/chat/response.ts";
import { faultsOf, openAiDocument } from "../../support/openai-document.ts";
import {
  callStart,
  chatContext,
  choiceEnd,
  finish,
  partEnd,
  replay,
  token,
  twoChoices,
  type ChatTraits,
} from "../../support/text-events.ts";

async function answer(events: readonly TextEvent[], request: ChatTraits = {}) {
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
      choiceEnd(0, "length"),
      finish,
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
    const events: TextEvent[] = [
      { type: "text-delta", choice: 0, text: "é", logprobs },
      choiceEnd(0, "end-of-turn"),
      finish,
    ];
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
      callStart(0, { index: 0, id: "c", name: "f" }),
      { type: "tool-call-delta", choice: 0, index: 0, arguments: "{}" },
      partEnd(0),
      choiceEnd(0, "tool-calls"),
      finish,
    ];
    const [choice] = (await answer(events, { usesFunctions: true })).choices;
    expect(choice).toMatchObject({
      message: { content: null, function_call: { name: "f", arguments: "{}" } },
      finish_reason: "function_call",
    });
    expect(choice?.message).not.toHaveProperty("tool_calls");
  });

  it("has an empty text, not null, where there is neither text nor a call", async () => {
    const completion = await answer([choiceEnd(0, "end-of-turn"), finish]);
    expect(completion.choices[0]?.message.content).toBe("");
  });

  it("throws where events are missing or of an unknown choice", async () => {
    await expect(answer([choiceEnd(0, "end-of-turn")])).rejects.toThrow("without usage");
    await expect(answer([finish])).rejects.toThrow("without a reason");
    const builder = createChatCompletionBuilder(chatContext());
    expect(() => builder.add({ type: "text-delta", choice: 3, text: "x" })).toThrow(RangeError);
  });
});

describe("toChatFinishReason", () => {
  it("is tool_calls when the model chose to call, stop when the caller named the tool, length when it was reached", () => {
    const named = chatContext({ toolChoice: { type: "named", name: "f" } });
    expect(toChatFinishReason("tool-calls", chatContext())).toBe("tool_calls");
    expect(toChatFinishReason("tool-calls", chatContext({ toolChoice: { type: "required" } }))).toBe("tool_calls");
    expect(toChatFinishReason("tool-calls", named)).toBe("stop");
    expect(toChatFinishReason("length", named)).toBe("length");
    expect(toChatFinishReason("tool-calls", chatContext({ usesFunctions: true }))).toBe("function_call");
  });

  it("is stop whether the turn ended or a stop string came, and content_filter for content-filter", () => {
    expect(toChatFinishReason("end-of-turn", chatContext())).toBe("stop");
    expect(toChatFinishReason("stop-string", chatContext())).toBe("stop");
    expect(toChatFinishReason("content-filter", chatContext())).toBe("content_filter");
  });
});
