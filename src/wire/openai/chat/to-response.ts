// Collects the events of a chat into one `chat.completion` object.
import type { ChatRequest } from "../../../domain/chat.ts";
import type { FinishReason, TextEvent, TextUsage, TokenLogprob } from "../../../domain/text.ts";
import type { ChatCompletion, ChatTokenLogprob } from "./response.ts";
import { toTextFinishReason, toWireLogprob } from "../shared/text-response.ts";
import type { AnswerHeader } from "../shared/text-response.ts";
import { toCompletionUsage } from "../shared/usage.ts";

/** The fields of the request on which the form of the answer depends. */
export type ChatAnswerShape = Pick<ChatRequest, "n" | "topLogprobs" | "toolChoice">;

export interface ChatAnswerContext extends AnswerHeader {
  readonly request: ChatAnswerShape;
  /** The request had the deprecated `functions`: a call is a `function_call`, and there is one at most. */
  readonly usesFunctions: boolean;
  /** Set where the request named a `service_tier`; there is only one. */
  readonly serviceTier?: "default";
}

type ChatFinishReason = ChatCompletion["choices"][number]["finish_reason"];

interface ChoiceState {
  text: string;
  reasoning: string;
  readonly calls: { readonly id: string; readonly name: string; arguments: string }[];
  readonly logprobs: ChatTokenLogprob[];
  finishReason: FinishReason | null;
}

/** Collects the events of one chat. Throws what `events` throws. */
export async function collectChatCompletion(
  events: AsyncIterable<TextEvent>,
  context: ChatAnswerContext,
): Promise<ChatCompletion> {
  const builder = createChatCompletionBuilder(context);
  for await (const event of events) builder.add(event);
  return builder.build();
}

/** The same for events that the caller adds itself; `build` may be called once `finish` was added. */
export function createChatCompletionBuilder(context: ChatAnswerContext): {
  add(event: TextEvent): void;
  build(): ChatCompletion;
} {
  const choices = Array.from({ length: context.request.n }, (): ChoiceState => ({
    text: "",
    reasoning: "",
    calls: [],
    logprobs: [],
    finishReason: null,
  }));
  let usage: TextUsage | null = null;

  function choiceOf(index: number): ChoiceState {
    const choice = choices[index];
    if (choice === undefined) throw new RangeError(`Event for choice ${index} of ${choices.length}.`);
    return choice;
  }

  return {
    add(event) {
      switch (event.type) {
        case "accepted":
        case "part-end":
          return;
        case "part-start": {
          const { part } = event;
          if (part.type !== "tool-call") return;
          choiceOf(event.choice).calls[part.index] = { id: part.id, name: part.name, arguments: "" };
          return;
        }
        case "text-delta": {
          const choice = choiceOf(event.choice);
          choice.text += event.text;
          for (const token of event.logprobs ?? []) choice.logprobs.push(toChatLogprob(token));
          return;
        }
        case "reasoning-delta":
          choiceOf(event.choice).reasoning += event.text;
          return;
        case "tool-call-delta": {
          const call = choiceOf(event.choice).calls[event.index];
          if (call === undefined) throw new RangeError(`Arguments of tool call ${event.index} before its start.`);
          call.arguments += event.arguments;
          return;
        }
        case "choice-end":
          choiceOf(event.choice).finishReason = event.reason;
          return;
        case "finish":
          usage = event.usage;
          return;
      }
    },
    build() {
      if (usage === null) throw new Error("A chat ended without usage.");
      return {
        id: context.id,
        object: "chat.completion",
        created: context.createdSeconds,
        model: context.model,
        choices: choices.map((choice, index) => toChoice(choice, index, context)),
        usage: toCompletionUsage(usage),
        ...(context.serviceTier === undefined ? {} : { service_tier: context.serviceTier }),
        system_fingerprint: context.fingerprint,
      };
    },
  };
}

/**
 * OpenAI's `finish_reason` of a choice. After calls it is `tool_calls` where the model chose to call, `stop` where the caller named the
 * function, `function_call` under the deprecated `functions`.
 */
export function toChatFinishReason(
  reason: FinishReason,
  { request, usesFunctions }: Pick<ChatAnswerContext, "request" | "usesFunctions">,
): ChatFinishReason {
  if (reason !== "tool-calls") return toTextFinishReason(reason);
  if (request.toolChoice.type === "named") return "stop";
  return usesFunctions ? "function_call" : "tool_calls";
}

export function toChatLogprob(token: TokenLogprob): ChatTokenLogprob {
  return {
    token: token.text,
    logprob: toWireLogprob(token.logprob),
    bytes: [...token.bytes],
    top_logprobs: token.top.map((top) => ({
      token: top.text,
      logprob: toWireLogprob(top.logprob),
      bytes: [...top.bytes],
    })),
  };
}

function toChoice(choice: ChoiceState, index: number, context: ChatAnswerContext): ChatCompletion["choices"][number] {
  const { calls, text, reasoning, finishReason } = choice;
  if (finishReason === null) throw new Error(`Choice ${index} of a chat ended without a reason.`);
  const [legacyCall] = context.usesFunctions ? calls : [];
  return {
    index,
    message: {
      role: "assistant",
      content: text === "" && calls.length > 0 ? null : text,
      refusal: null,
      ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
      ...(calls.length === 0 || legacyCall !== undefined
        ? {}
        : {
            tool_calls: calls.map((call) => ({
              id: call.id,
              type: "function" as const,
              function: { name: call.name, arguments: call.arguments },
            })),
          }),
      ...(legacyCall === undefined
        ? {}
        : { function_call: { name: legacyCall.name, arguments: legacyCall.arguments } }),
    },
    logprobs: context.request.topLogprobs === null ? null : { content: choice.logprobs, refusal: null },
    finish_reason: toChatFinishReason(finishReason, context),
  };
}
