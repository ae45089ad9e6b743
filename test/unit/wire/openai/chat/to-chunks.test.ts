import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TextEvent } from "../../../../../src/domain/text.ts";
import { createChatChunkMapper } from "../../../../../src/wire/openai/chat/to-chunks.ts";
import { createChatCompletionBuilder } from "../../../../../src/wire/openai/chat/to-response.ts";
import { chatCompletionChunk } from "../../../../../src/wire/openai/chat/response.ts";
import type { Wire } from "../../../../../src/wire/contract/common.ts";
import { faultsOf, openAiDocument } from "../../support/openai-document.ts";
import {
  callStart,
  chatContext,
  choiceEnd,
  finish,
  partEnd,
  partStart,
  token,
  twoChoices,
  type ChatTraits,
} from "../../support/text-events.ts";
import { dataOf } from "../../support/sse-data.ts";

type ChatCompletionChunk = Wire<typeof chatCompletionChunk>;

const silent = { includeUsage: false, includeObfuscation: false };

function stream(
  events: readonly TextEvent[],
  request: ChatTraits = {},
  options: Partial<typeof silent> = {},
): ChatCompletionChunk[] {
  const toChunkData = createChatChunkMapper(chatContext(request), { ...silent, ...options });
  return dataOf(events.flatMap(toChunkData)).map((data) => chatCompletionChunk().strict().parse(JSON.parse(data)));
}

describe("createChatChunkMapper", () => {
  it("sends the role once per choice, then deltas, then one finish per choice", () => {
    const chunks = stream(twoChoices, { n: 2 });
    const choices = chunks.flatMap((chunk) => chunk.choices);
    for (const index of [0, 1]) {
      const own = choices.filter((choice) => choice.index === index);
      expect(own[0]?.delta).toEqual({ role: "assistant", content: "", refusal: null });
      expect(own.filter((choice) => choice.delta.role !== undefined)).toHaveLength(1);
      expect(own.filter((choice) => choice.finish_reason !== null)).toHaveLength(1);
      expect(own.at(-1)).toMatchObject({ delta: {}, finish_reason: index === 0 ? "stop" : "tool_calls" });
    }
    expect(
      new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.model} ${chunk.system_fingerprint}`)).size,
    ).toBe(1);
  });

  it("has no usage key unless usage is asked for; then it is null on all chunks but the last, which has no choices", () => {
    expect(stream(twoChoices, { n: 2 }).some((chunk) => "usage" in chunk)).toBe(false);
    const chunks = stream(twoChoices, { n: 2 }, { includeUsage: true });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null && chunk.choices.length === 1)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 },
    });
  });

  it("opens each tool call once with index, id, type and name, and sends arguments with the index", () => {
    const calls = stream(twoChoices, { n: 2 }).flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(calls).toEqual([
      { index: 0, id: "call_a", type: "function", function: { name: "weather", arguments: "" } },
      { index: 0, function: { arguments: '{"city":' } },
      { index: 0, function: { arguments: '"Bern"}' } },
      { index: 1, id: "call_b", type: "function", function: { name: "time", arguments: "" } },
      { index: 1, function: { arguments: "{}" } },
    ]);
  });

  it("carries logprobs beside the text they belong to, and null elsewhere", () => {
    const logprobs = [token("Hi", -0.25, [["Hi", -0.25]])];
    const events: TextEvent[] = [
      { type: "accepted", promptTokens: 1 },
      { type: "text-delta", choice: 0, text: "Hi", logprobs },
      choiceEnd(0, "end-of-turn"),
      finish,
    ];
    const seen = stream(events, { topLogprobs: 1 }).map((chunk) => chunk.choices[0]?.logprobs);
    expect(seen).toEqual([
      null,
      { content: [expect.objectContaining({ token: "Hi", logprob: -0.25 })], refusal: null },
      null,
    ]);
  });

  it("sends nothing for an empty piece of text", () => {
    expect(stream([{ type: "text-delta", choice: 0, text: "" }])).toEqual([]);
  });

  it("sends nothing where text and reasoning begin and end", () => {
    const events: TextEvent[] = [
      partStart(0, "reasoning"),
      { type: "reasoning-delta", choice: 0, text: "a" },
      partEnd(0),
      partStart(0, "text"),
      { type: "text-delta", choice: 0, text: "b" },
      partEnd(0),
    ];
    expect(stream(events).map((chunk) => chunk.choices[0]?.delta)).toEqual([
      { reasoning_content: "a" },
      { content: "b" },
    ]);
  });

  it("names the service tier only where the request did", () => {
    const mapper = createChatChunkMapper({ ...chatContext(), serviceTier: "default" }, silent);
    expect(JSON.parse(dataOf(mapper(choiceEnd(0, "end-of-turn")))[0] ?? "")).toMatchObject({ service_tier: "default" });
    expect(stream([choiceEnd(0, "end-of-turn")])[0]).not.toHaveProperty("service_tier");
  });

  it("pads chunks when obfuscation is asked for", () => {
    const events: TextEvent[] = [
      { type: "text-delta", choice: 0, text: "a" },
      { type: "text-delta", choice: 0, text: "longer" },
    ];
    const mapper = createChatChunkMapper(chatContext(), { includeUsage: true, includeObfuscation: true });
    const data = dataOf(events.flatMap(mapper));
    expect(new Set(data.map((text) => text.length)).size).toBe(1);
    expect(JSON.parse(data[0] ?? "")).toMatchObject({ obfuscation: expect.stringMatching(/^[\w-]+$/) });
  });

  it.skipIf(!openAiDocument.isMet)(`sends what OpenAI's document describes${openAiDocument.note}`, () => {
    const legacy: TextEvent[] = [
      callStart(0, { index: 0, id: "c", name: "f" }),
      { type: "tool-call-delta", choice: 0, index: 0, arguments: "{}" },
      partEnd(0),
      choiceEnd(0, "tool-calls"),
    ];
    const chunks = [
      ...stream(twoChoices, { n: 2 }, { includeUsage: true }),
      ...stream(legacy, { usesFunctions: true }),
    ];
    expect(chunks.flatMap((chunk) => faultsOf("CreateChatCompletionStreamResponse", chunk))).toEqual([]);
  });
});

/** Joins the deltas of a stream as OpenAI's SDKs do. */
function assemble(chunks: readonly ChatCompletionChunk[], n: number) {
  const messages = Array.from({ length: n }, () => ({
    content: "",
    reasoning: "",
    calls: [] as { id?: string | undefined; name: string; arguments: string }[],
    finish: "",
    logprobs: [] as unknown[],
  }));
  for (const choice of chunks.flatMap((chunk) => chunk.choices)) {
    const message = messages[choice.index];
    if (message === undefined) throw new Error("unknown index");
    message.content += choice.delta.content ?? "";
    message.reasoning += choice.delta.reasoning_content ?? "";
    for (const call of choice.delta.tool_calls ?? []) {
      const open = (message.calls[call.index] ??= { id: call.id, name: "", arguments: "" });
      open.name += call.function.name ?? "";
      open.arguments += call.function.arguments ?? "";
    }
    message.logprobs.push(...(choice.logprobs?.content ?? []));
    message.finish += choice.finish_reason ?? "";
  }
  return messages;
}

describe("any sequence of events", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 8 });
  const choiceEvents = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("text" as const), text }),
      fc.record({ kind: fc.constant("reasoning" as const), text }),
      fc.record({ kind: fc.constant("call" as const), text, pieces: fc.array(text, { maxLength: 3 }) }),
    ),
    { maxLength: 6 },
  );

  function toEvents(choice: number, parts: readonly { kind: string; text: string; pieces?: string[] }[]): TextEvent[] {
    let calls = 0;
    return [
      ...parts.flatMap((part): TextEvent[] => {
        if (part.kind === "text") {
          const delta = { type: "text-delta", choice, text: part.text, logprobs: [token(part.text, -1)] } as const;
          return [partStart(choice, "text"), delta, partEnd(choice)];
        }
        if (part.kind === "reasoning") {
          const delta = { type: "reasoning-delta", choice, text: part.text } as const;
          return [partStart(choice, "reasoning"), delta, partEnd(choice)];
        }
        const index = calls;
        calls += 1;
        return [
          callStart(choice, { index, id: `call_${choice}_${index}`, name: part.text }),
          ...(part.pieces ?? []).map((piece) => ({
            type: "tool-call-delta" as const,
            choice,
            index,
            arguments: piece,
          })),
          partEnd(choice),
        ];
      }),
      choiceEnd(choice, calls > 0 ? "tool-calls" : "end-of-turn"),
    ];
  }

  it("streams the same message that it answers unstreamed", () => {
    fc.assert(
      fc.property(fc.array(choiceEvents, { minLength: 1, maxLength: 3 }), fc.boolean(), (choices, withLogprobs) => {
        const n = choices.length;
        const request = { n, topLogprobs: withLogprobs ? 0 : null };
        const events = [
          { type: "accepted", promptTokens: 1 } as const,
          ...choices.flatMap((parts, choice) => toEvents(choice, parts)),
          finish,
        ];
        const builder = createChatCompletionBuilder(chatContext(request));
        for (const event of events) builder.add(event);
        const whole = builder.build().choices.map(({ message, finish_reason, logprobs }) => ({
          content: message.content ?? "",
          reasoning: message.reasoning_content ?? "",
          calls: (message.tool_calls ?? []).map((call) => ({ id: call.id, ...call.function })),
          finish: finish_reason,
          logprobs: logprobs?.content ?? [],
        }));
        expect(assemble(stream(events, request), n)).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });
});
