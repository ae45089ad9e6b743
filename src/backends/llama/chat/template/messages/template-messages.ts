// Maps a domain request to the messages that a template expects. What the template does not support is put in a form that it does:
// developer becomes system, system goes into the first user turn, tools and their results become text.
import type { ChatMessage, ChatRequest, ContentPart, ToolCall } from "../../../../../domain/chat.ts";
import { ServerError } from "../../../../../domain/errors.ts";
import { inWrittenOrder, readInWrittenOrder } from "../../../../../util/ordered-json.ts";
import { createCallIds, type CallIds } from "./call-ids.ts";
import type { CallerMarks } from "../caller-text.ts";
import type { TemplateCapabilities } from "../capabilities/template-capabilities.ts";
import { parseJsonForTemplate } from "../../../../../jinja/values/from-json.ts";
import type { TemplateMessage } from "./template-message.ts";
import { describeTools, formatCalls, formatResult } from "./tool-text.ts";
import { putResponsesInTurns } from "./tool-responses.ts";
import type { ToolCallShape } from "../../tool-call-shape.ts";

export interface MessageOptions {
  readonly capabilities: TemplateCapabilities;
  /** The family's format of calls, for templates that do not show them. */
  readonly shape: ToolCallShape;
  /** Marks every string of callers, and none of the text that is put around them here. */
  readonly marks: Pick<CallerMarks, "text" | "deep">;
  /** Markers of reasoning inside an assistant's content, which then moves to a field of its own. Set where the template knows them. */
  readonly reasoning?: { readonly open: string; readonly close: string };
}

/** @throws ServerError `unsupported_content` naming a part that is no text */
export function toTemplateMessages(request: ChatRequest, options: MessageOptions): TemplateMessage[] {
  const { capabilities } = options;
  const ids = createCallIds(request, { form: capabilities.callIds, marks: options.marks });
  const messages = request.messages.map((message, index) => toTemplateMessage(message, { ...options, index, ids }));
  const known = capabilities.developerRole
    ? messages
    : messages.map((message) => (message.role === "developer" ? { ...message, role: "system" } : message));
  const merged = mergeSystem(addTools(known, { request, options }), capabilities);
  return capabilities.responsesInTurn ? putResponsesInTurns(merged) : merged;
}

/** The definitions in OpenAI's form, which templates read. */
export function toTemplateTools(request: ChatRequest, marks: Pick<CallerMarks, "text" | "deep">): readonly unknown[] {
  return shownTools(request).map(({ name, description = "", parameters, order }) => ({
    type: "function",
    function: {
      name: marks.text(name),
      description: marks.text(description),
      parameters:
        typeof parameters === "boolean"
          ? { type: "object", properties: {} }
          : marks.deep(inWrittenOrder(parameters, order)),
    },
  }));
}

/** The tools that the model is shown: none when it may call none, the allowed ones where callers named some. */
export function shownTools(request: ChatRequest): ChatRequest["tools"] {
  const { toolChoice, tools } = request;
  if (toolChoice.type === "none") return [];
  if (toolChoice.type === "allowed") return tools.filter((tool) => toolChoice.names.includes(tool.name));
  return tools;
}

interface MessageContext extends MessageOptions {
  readonly index: number;
  readonly ids: CallIds;
}

function toTemplateMessage(message: ChatMessage, context: MessageContext): TemplateMessage {
  const { capabilities, index, ids, marks } = context;
  const name = message.name === undefined ? {} : { name: marks.text(message.name) };
  const nameOfCall = (at: number): object => {
    const called = ids.calledBy(at);
    return called === undefined ? {} : { name: marks.text(called) };
  };
  switch (message.role) {
    case "assistant":
      return toAssistantMessage(message, context);
    case "tool":
      if (!capabilities.toolRole) {
        return { role: "user", content: formatResult(marks.text(joinParts(message.content, index))) };
      }
      return {
        role: "tool",
        // Templates print a list of parts of a result as it is.
        content: asContent(marks.text(joinParts(message.content, index)), capabilities),
        tool_call_id: ids.ofResult(index),
        ...(message.name === undefined ? nameOfCall(index) : name),
      };
    default:
      return { role: message.role, content: toContent(message.content, context), ...name };
  }
}

function toAssistantMessage(message: ChatMessage & { role: "assistant" }, context: MessageContext): TemplateMessage {
  const { capabilities, index, ids, shape, marks } = context;
  let text = message.content === null ? "" : joinParts(message.content, index);
  if (text === "" && message.refusal !== undefined) text = message.refusal;
  let reasoning = message.reasoning;
  if (reasoning === undefined && context.reasoning !== undefined) {
    ({ text, reasoning } = splitReasoning(text, context.reasoning));
  }
  if (capabilities.contentOrReasoning && message.toolCalls.length > 0 && text !== "" && reasoning !== undefined) {
    // The template shows one of the two: what was said before a call is added to the reasoning.
    [text, reasoning] = ["", `${reasoning}\n\n${text}`];
  }
  text = marks.text(text);
  const named = message.name === undefined ? {} : { name: marks.text(message.name) };
  const thought =
    reasoning === undefined || reasoning === "" ? {} : { [capabilities.reasoningField]: marks.text(reasoning) };
  if (message.toolCalls.length === 0) {
    return { role: "assistant", content: asContent(text, capabilities), ...named, ...thought };
  }
  if (!capabilities.toolCalls) {
    const calls = formatCalls(message.toolCalls, { shape, marks, firstNumber: ids.firstNumber(index) });
    return {
      role: "assistant",
      content: asContent(text === "" ? calls : `${text}\n${calls}`, capabilities),
      ...named,
      ...thought,
    };
  }
  return {
    role: "assistant",
    content: text === "" ? capabilities.emptyContent : asContent(text, capabilities),
    ...named,
    ...thought,
    tool_calls: message.toolCalls.map((call, position) => ({
      id: ids.ofCall(index, position),
      type: "function",
      function: { name: marks.text(call.name), arguments: toArguments(call, { capabilities, marks }) },
    })),
  };
}

/** Arguments that do not parse (a model broke off, or wrote nonsense) are passed as text. */
function toArguments(call: ToolCall, { capabilities, marks }: Pick<MessageOptions, "capabilities" | "marks">): unknown {
  if (capabilities.argumentsAs === "string") return marks.text(call.arguments);
  if (call.arguments.trim() === "") return {};
  try {
    return marks.deep(readInWrittenOrder(call.arguments, parseJsonForTemplate));
  } catch {
    return marks.text(call.arguments);
  }
}

function toContent(
  parts: readonly ContentPart[],
  { capabilities, index, marks }: MessageContext,
): TemplateMessage["content"] {
  if (capabilities.partsContent && parts.length > 1) {
    return parts.map((part, position) => ({
      type: "text",
      text: marks.text(partText(part, `messages[${index}].content[${position}]`)),
    }));
  }
  return asContent(marks.text(joinParts(parts, index)), capabilities);
}

function asContent(text: string, capabilities: TemplateCapabilities): TemplateMessage["content"] {
  return capabilities.stringContent ? text : [{ type: "text", text }];
}

/** Joins parts by line breaks, as llama-server does. */
function joinParts(parts: readonly ContentPart[], index: number): string {
  return parts.map((part, position) => partText(part, `messages[${index}].content[${position}]`)).join("\n");
}

function partText(part: ContentPart, param: string): string {
  if (part.type === "text") return part.text;
  throw new ServerError("unsupported_content", {
    message: `This model reads text only; it cannot take content of type "${part.type}".`,
    param,
  });
}

function splitReasoning(
  text: string,
  { open, close }: { readonly open: string; readonly close: string },
): { text: string; reasoning: string | undefined } {
  const end = text.indexOf(close);
  if (end === -1) return { text, reasoning: undefined };
  const before = text.slice(0, end).trimStart();
  if (!before.startsWith(open)) return { text, reasoning: undefined };
  return { text: text.slice(end + close.length).trimStart(), reasoning: before.slice(open.length).trim() };
}

/** Describes the tools in a system message where the template does not show them; joins results that became user turns. */
function addTools(
  messages: TemplateMessage[],
  { request, options }: { readonly request: ChatRequest; readonly options: MessageOptions },
): TemplateMessage[] {
  const { capabilities, shape, marks } = options;
  const tools = shownTools(request);
  const told = [...messages];
  if (tools.length > 0 && !capabilities.tools) {
    const text = describeTools(tools, { shape, marks });
    const first = told[0];
    if (first?.role === "system" || first?.role === "developer") {
      told[0] = { ...first, content: asContent(`${contentText(first.content)}\n\n${text}`, capabilities) };
    } else if (capabilities.defaultSystem && first?.role === "user") {
      // A system message of ours would take the place of the author's.
      told[0] = { ...first, content: asContent(`${text}\n\n${contentText(first.content)}`, capabilities) };
    } else told.unshift({ role: "system", content: asContent(text, capabilities) });
  }
  return capabilities.toolRole ? told : mergeResults(told, request, capabilities);
}

/** Moves system text into the first user turn, or into one message, where the template supports no other way. */
function mergeSystem(messages: TemplateMessage[], capabilities: TemplateCapabilities): TemplateMessage[] {
  const merged = [...messages];
  const isSystem = (message: TemplateMessage | undefined): boolean =>
    message?.role === "system" || message?.role === "developer";
  while (!capabilities.severalSystemMessages && isSystem(merged[0]) && isSystem(merged[1])) {
    const [first, second] = merged as [TemplateMessage, TemplateMessage];
    const text = `${contentText(first.content)}\n\n${contentText(second.content)}`;
    merged.splice(0, 2, { ...first, content: asContent(text, capabilities) });
  }
  const [system, next] = merged;
  if (capabilities.systemRole || system?.role !== "system") return merged;
  const text = contentText(system.content);
  if (next?.role === "user") {
    merged.splice(0, 2, { ...next, content: asContent(`${text}\n${contentText(next.content)}`, capabilities) });
  } else merged.splice(0, 1, { role: "user", content: asContent(text, capabilities) });
  return merged;
}

/** Joins results that became user turns with those beside them: templates without a tool role often insist on alternation. */
function mergeResults(
  messages: readonly TemplateMessage[],
  request: ChatRequest,
  capabilities: TemplateCapabilities,
): TemplateMessage[] {
  // At most one message, that of the system, was put before the request's own.
  const added = messages.length - request.messages.length;
  const isResult = (index: number): boolean => request.messages[index - added]?.role === "tool";
  const merged: TemplateMessage[] = [];
  for (const [index, message] of messages.entries()) {
    const last = merged.at(-1);
    if (last?.role === "user" && message.role === "user" && (isResult(index) || isResult(index - 1))) {
      const text = `${contentText(last.content)}\n${contentText(message.content)}`;
      merged[merged.length - 1] = { ...last, content: asContent(text, capabilities) };
    } else merged.push(message);
  }
  return merged;
}

function contentText(content: TemplateMessage["content"]): string {
  if (content === null || typeof content === "string") return content ?? "";
  return content.map((part) => part.text).join("\n");
}
