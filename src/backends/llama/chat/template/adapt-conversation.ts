// Puts a conversation that OpenAI accepts into a form that a template's author provided for. Every change is made in place and touches
// nothing before it, so that the beginning of the prompt, and with it the prompt cache, stays as it was.
import type { ChatMessage, ChatRequest, ToolCall, ToolDefinition } from "../../../../domain/chat.ts";
import type { JsonSchema } from "../../../../domain/sampling.ts";
import { isRecord } from "../../../../util/is-record.ts";

/** One way to change a conversation; `apply` gives the same request back where there is nothing to change. */
export interface Adaptation {
  /** What was done, for callers to read. */
  readonly description: string;
  readonly apply: (request: ChatRequest) => ChatRequest;
}

/** For templates that show, or allow, one call per turn. */
export const ONE_CALL_PER_TURN: Adaptation = {
  description: "turns with several tool calls became turns with one call each",
  apply: (request) => withMessages(request, splitCalls(request.messages)),
};

/** For templates that leave out what a turn says beside its calls, or the calls, or show it behind their results. */
export const TEXT_BEFORE_CALLS: Adaptation = {
  description: "text beside tool calls became a turn of its own before them",
  apply: (request) => withMessages(request, splitTextFromCalls(request.messages)),
};

/** In the order in which they are tried, each on top of those before it. */
export const ADAPTATIONS: readonly Adaptation[] = [
  {
    description: "system messages after the beginning became user turns",
    apply: (request) => withMessages(request, laterSystemAsUser(request.messages)),
  },
  {
    description: "consecutive turns of one role were joined",
    apply: (request) => withMessages(request, joinTurns(request.messages)),
  },
  TEXT_BEFORE_CALLS,
  {
    description: "an empty user turn was put between the assistant's text and its tool calls",
    apply: (request) => withMessages(request, separateCalls(request.messages)),
  },
  {
    description: "an empty assistant turn was put between the results of tools and the user's turn",
    apply: (request) => withMessages(request, separateResults(request.messages)),
  },
  {
    description: "an empty user turn was put before the assistant's first turn",
    apply: (request) => withMessages(request, leadWithUser(request.messages)),
  },
  {
    description: "a blank was put into the assistant's empty turns",
    apply: (request) => withMessages(request, fillTurns(request.messages)),
  },
  {
    description:
      "empty descriptions and missing types were added to the tools' parameters, and of several types the first is shown",
    apply: (request) =>
      request.tools.length === 0 ? request : { ...request, tools: request.tools.map(simplifyParameters) },
  },
];

function withMessages(request: ChatRequest, messages: readonly ChatMessage[]): ChatRequest {
  const isSame = messages.length === request.messages.length && messages.every((m, i) => m === request.messages[i]);
  return isSame ? request : { ...request, messages };
}

const EMPTY_USER_TURN: ChatMessage = { role: "user", content: [{ type: "text", text: "" }] };

const isCalling = (message: ChatMessage): message is Extract<ChatMessage, { role: "assistant" }> =>
  message.role === "assistant" && message.toolCalls.length > 0;

const isSystem = ({ role }: ChatMessage): boolean => role === "system" || role === "developer";

function laterSystemAsUser(messages: readonly ChatMessage[]): ChatMessage[] {
  const first = messages.findIndex((message) => !isSystem(message));
  return messages.map((message, index) =>
    index > first && first !== -1 && (message.role === "system" || message.role === "developer")
      ? { ...message, role: "user" }
      : message,
  );
}

function joinTurns(messages: readonly ChatMessage[]): ChatMessage[] {
  const joined: ChatMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    const both = last === undefined ? undefined : join(last, message);
    if (both === undefined) joined.push(message);
    else joined[joined.length - 1] = both;
  }
  return joined;
}

/** Two turns of the user, or two of the assistant of which the first calls no tool; else undefined. */
function join(first: ChatMessage, second: ChatMessage): ChatMessage | undefined {
  if (first.role === "user" && second.role === "user") {
    return { ...first, content: [...first.content, ...second.content] };
  }
  if (first.role !== "assistant" || second.role !== "assistant" || first.toolCalls.length > 0) return undefined;
  const reasoning = [first.reasoning, second.reasoning].filter((text) => text !== undefined).join("\n");
  return {
    ...second,
    content:
      first.content === null && second.content === null ? null : [...(first.content ?? []), ...(second.content ?? [])],
    ...(reasoning === "" ? {} : { reasoning }),
  };
}

/** Reasoning stays with the calls: it is what led to them. */
function splitTextFromCalls(messages: readonly ChatMessage[]): ChatMessage[] {
  return messages.flatMap((message): ChatMessage[] => {
    if (!isCalling(message) || message.content === null || message.content.length === 0) return [message];
    const { name, content } = message;
    return [
      { role: "assistant", content, toolCalls: [], ...(name === undefined ? {} : { name }) },
      { ...message, content: null },
    ];
  });
}

function separateCalls(messages: readonly ChatMessage[]): ChatMessage[] {
  return messages.flatMap((message, index): ChatMessage[] => {
    const before = messages[index - 1];
    return isCalling(message) && before?.role === "assistant" && before.toolCalls.length === 0
      ? [EMPTY_USER_TURN, message]
      : [message];
  });
}

function separateResults(messages: readonly ChatMessage[]): ChatMessage[] {
  return messages.flatMap((message, index): ChatMessage[] =>
    message.role === "user" && messages[index - 1]?.role === "tool"
      ? [{ role: "assistant", content: [{ type: "text", text: "" }], toolCalls: [] }, message]
      : [message],
  );
}

function leadWithUser(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const first = messages.findIndex((message) => !isSystem(message));
  if (messages[first]?.role !== "assistant") return messages;
  return messages.toSpliced(first, 0, EMPTY_USER_TURN);
}

function fillTurns(messages: readonly ChatMessage[]): ChatMessage[] {
  const isEmpty = (message: ChatMessage): boolean =>
    message.role === "assistant" &&
    message.toolCalls.length === 0 &&
    (message.content ?? []).every((part) => part.type === "text" && part.text === "");
  return messages.map((message) =>
    isEmpty(message) ? { ...message, content: [{ type: "text", text: " " }] } : message,
  );
}

/** Each call gets a turn of its own, followed by its results; results of no call stay behind the last. */
function splitCalls(messages: readonly ChatMessage[]): ChatMessage[] {
  const split: ChatMessage[] = [];
  for (let index = 0; index < messages.length; index += 1) {
    const message = messages[index] as ChatMessage;
    if (message.role !== "assistant" || message.toolCalls.length < 2) {
      split.push(message);
      continue;
    }
    const after = messages.slice(index + 1);
    const end = after.findIndex(({ role }) => role !== "tool");
    const results = after.slice(0, end === -1 ? after.length : end) as Extract<ChatMessage, { role: "tool" }>[];
    split.push(...message.toolCalls.flatMap((call, nth) => oneCall(message, { call, nth, results })));
    split.push(...results.filter(({ toolCallId }) => !message.toolCalls.some(({ id }) => id === toolCallId)));
    index += results.length;
  }
  return split;
}

function oneCall(
  turn: Extract<ChatMessage, { role: "assistant" }>,
  { call, nth, results }: { call: ToolCall; nth: number; results: readonly Extract<ChatMessage, { role: "tool" }>[] },
): ChatMessage[] {
  const { reasoning: _, ...rest } = turn;
  const own: ChatMessage = nth === 0 ? { ...turn, toolCalls: [call] } : { ...rest, content: null, toolCalls: [call] };
  return [own, ...results.filter(({ toolCallId }) => toolCallId === call.id)];
}

/** What the model is shown; the grammar keeps to the tool as it was sent. */
function simplifyParameters(tool: ToolDefinition): ToolDefinition {
  return { ...tool, description: tool.description ?? "", parameters: simplify(tool.parameters) };
}

function simplify(schema: JsonSchema): JsonSchema {
  if (typeof schema !== "object") return schema;
  const { properties, items } = schema;
  const type = firstType(schema);
  return {
    ...schema,
    ...(type === undefined ? {} : { type }),
    // Some templates describe an object by the schema of its undeclared values, which they take to be there.
    ...(type === "object" && schema["additionalProperties"] === undefined ? { additionalProperties: {} } : {}),
    ...(isRecord(properties) ? { properties: describeEach(properties) } : {}),
    ...(isRecord(items) ? { items: simplify(items) } : {}),
  };
}

/** The first type that a schema names, itself or in its alternatives, other than null. */
function firstType(schema: Readonly<Record<string, unknown>>): unknown {
  const { type, anyOf, oneOf } = schema;
  if (Array.isArray(type)) return (type as readonly unknown[]).find((name) => name !== "null") ?? "null";
  if (type !== undefined) return type;
  const alternatives = [anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? (list as readonly unknown[]) : []));
  const types = alternatives.filter(isRecord).map(firstType);
  return types.find((name) => name !== undefined && name !== "null");
}

function describeEach(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      isRecord(schema) ? { description: "", ...(simplify(schema) as object) } : schema,
    ]),
  );
}
