// Sequences of text events as backends yield them, for the tests of several mappers.
import type { FinishReason, TextEvent, TextUsage, TokenLogprob } from "../../../../src/domain/text.ts";
import type { ChatAnswerContext } from "../../../../src/wire/openai/chat/to-response.ts";

export const usage: TextUsage = {
  promptTokens: 20,
  cachedTokens: 12,
  completionTokens: 9,
  reasoningTokens: 3,
  acceptedPredictionTokens: 2,
  rejectedPredictionTokens: 1,
};

export const finish: TextEvent = {
  type: "finish",
  usage,
  timings: { tokenizeMs: 0, queueMs: 1, promptMs: 2, decodeMs: 3 },
};

export function token(text: string, logprob: number | null, top: readonly [string, number][] = []): TokenLogprob {
  const bytes = (of: string): number[] => [...Buffer.from(of)];
  return {
    id: 1,
    text,
    bytes: bytes(text),
    logprob,
    top: top.map(([other, value], id) => ({ id, text: other, bytes: bytes(other), logprob: value })),
  };
}

export function choiceEnd(choice: number, reason: FinishReason): TextEvent {
  return { type: "choice-end", choice, reason };
}

export function partStart(choice: number, type: "text" | "reasoning"): TextEvent {
  return { type: "part-start", choice, part: { type } };
}

export function callStart(choice: number, call: { index: number; id: string; name: string }): TextEvent {
  return { type: "part-start", choice, part: { type: "tool-call", ...call } };
}

export function partEnd(choice: number): TextEvent {
  return { type: "part-end", choice };
}

export const answerHeader = {
  id: "chatcmpl-1",
  createdSeconds: 1_700_000_000,
  model: "org/model",
  fingerprint: "fp_1",
};

/** The fields on which the form of a chat's answer depends. */
export type ChatTraits = Partial<ChatAnswerContext["request"]> & { readonly usesFunctions?: boolean };

export function chatContext({ usesFunctions = false, ...request }: ChatTraits = {}): ChatAnswerContext {
  return {
    ...answerHeader,
    request: { n: 1, topLogprobs: null, toolChoice: { type: "auto" }, ...request },
    usesFunctions,
  };
}

/** Two choices whose pieces arrive interleaved: one has reasoning and text, one calls two tools. */
export const twoChoices: readonly TextEvent[] = [
  { type: "accepted", promptTokens: 20 },
  partStart(0, "reasoning"),
  { type: "reasoning-delta", choice: 0, text: "Let me" },
  callStart(1, { index: 0, id: "call_a", name: "weather" }),
  { type: "reasoning-delta", choice: 0, text: " think." },
  { type: "tool-call-delta", choice: 1, index: 0, arguments: '{"city":' },
  partEnd(0),
  partStart(0, "text"),
  { type: "text-delta", choice: 0, text: 'Hé "quoted"\n' },
  { type: "tool-call-delta", choice: 1, index: 0, arguments: '"Bern"}' },
  partEnd(1),
  callStart(1, { index: 1, id: "call_b", name: "time" }),
  { type: "text-delta", choice: 0, text: "\u{1F600}" },
  { type: "tool-call-delta", choice: 1, index: 1, arguments: "{}" },
  partEnd(0),
  partEnd(1),
  choiceEnd(0, "end-of-turn"),
  choiceEnd(1, "tool-calls"),
  finish,
];

export async function* replay<E>(events: readonly E[]): AsyncGenerator<E> {
  yield* events;
  await Promise.resolve();
}
