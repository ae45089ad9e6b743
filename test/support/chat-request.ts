// Builds the domain's chat requests from messages and tools in OpenAI's form, for tests of chat templates.
import type { ChatMessage, ChatRequest, ContentPart } from "../../src/domain/chat.ts";

export interface WireMessage {
  readonly role: string;
  readonly content?: string | readonly { readonly type: "text"; readonly text: string }[] | null;
  readonly name?: string;
  readonly reasoning_content?: string;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
}

export interface WireTool {
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: Readonly<Record<string, unknown>>;
    readonly strict?: boolean;
  };
}

/** A domain request from wire-like messages and tools; everything else has its default unless given. */
export function chatRequest(
  wire: { readonly messages: readonly WireMessage[]; readonly tools?: readonly WireTool[] },
  overrides: Partial<ChatRequest> = {},
): ChatRequest {
  return {
    messages: wire.messages.map(toMessage),
    tools: (wire.tools ?? []).map(({ function: { name, description, parameters, strict } }) => ({
      name,
      ...(description === undefined ? {} : { description }),
      parameters: parameters ?? { type: "object", properties: {} },
      strict: strict ?? false,
    })),
    toolChoice: { type: "auto" },
    parallelToolCalls: true,
    constraint: { type: "text" },
    sampling: {},
    limits: { stop: [] },
    n: 1,
    topLogprobs: null,
    templateKwargs: {},
    addGenerationPrompt: true,
    ...overrides,
  };
}

function toMessage(message: WireMessage): ChatMessage {
  const name = message.name === undefined ? {} : { name: message.name };
  const content = toParts(message.content);
  switch (message.role) {
    case "assistant":
      return {
        role: "assistant",
        content: message.content === null || message.content === undefined ? null : content,
        toolCalls: (message.tool_calls ?? []).map((call) => ({
          id: call.id,
          name: call.function.name,
          arguments: call.function.arguments,
        })),
        ...(message.reasoning_content === undefined ? {} : { reasoning: message.reasoning_content }),
        ...name,
      };
    case "tool":
      return { role: "tool", content, toolCallId: message.tool_call_id ?? "", ...name };
    default:
      return { role: message.role as "system" | "developer" | "user", content, ...name };
  }
}

function toParts(content: WireMessage["content"]): readonly ContentPart[] {
  if (content === null || content === undefined) return [];
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}
