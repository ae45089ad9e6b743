// Maps a validated chat request to the domain's.
import type {
  ChatMessage,
  ChatRequest,
  ContentPart,
  ToolCall,
  ToolChoice,
  ToolDefinition,
} from "../../../domain/chat.ts";
import type { ChatCompletionRequest } from "./request.ts";
import type { ChatMessageWire } from "./message.ts";
import { toOutputConstraint, toSamplingOptions, toStopStrings } from "../shared/sampling.ts";
import { given } from "../../contract/common.ts";
import { writtenOrder } from "../../../util/written-order.ts";

type WireContent = Extract<ChatMessageWire, { role: "user" }>["content"];
type WireAssistant = Extract<ChatMessageWire, { role: "assistant" }>;
type WireFunction = NonNullable<ChatCompletionRequest["functions"]>[number];

/** `request` has passed the chat contract. Explicit nulls are read as absent. */
export function toChatRequest(request: ChatCompletionRequest): ChatRequest {
  const functions = usesFunctions(request) ? request.functions : undefined;
  const wireTools = functions ?? (request.tools ?? []).flatMap((tool) => (tool.function ? [tool.function] : []));
  return {
    messages: toMessages(request.messages),
    tools: wireTools.map(toToolDefinition),
    toolChoice: functions
      ? toFunctionChoice(request.function_call)
      : toToolChoice(request.tool_choice, wireTools.length),
    // The deprecated API knows one call at most.
    parallelToolCalls: functions ? false : (request.parallel_tool_calls ?? true),
    constraint: toOutputConstraint(request),
    sampling: toSamplingOptions(request),
    limits: {
      ...given("maxTokens", request.max_completion_tokens ?? request.max_tokens),
      stop: toStopStrings(request.stop),
    },
    n: request.n ?? 1,
    topLogprobs: request.logprobs === true ? (request.top_logprobs ?? 0) : null,
    ...given("reasoningEffort", request.reasoning_effort),
    ...given("reasoningBudget", toReasoningBudget(request.thinking_budget ?? request.reasoning_budget)),
    ...(request.documents?.length ? { documents: request.documents } : {}),
    templateKwargs: { ...given("verbosity", request.verbosity), ...request.chat_template_kwargs },
    ...given("prediction", toPrediction(request.prediction)),
    addGenerationPrompt: request.continue_final_message === true ? false : (request.add_generation_prompt ?? true),
  };
}

/** True for the deprecated `functions`, the predecessor of `tools`: such a request is answered in its own words. */
export function usesFunctions(request: Pick<ChatCompletionRequest, "functions">): boolean {
  return request.functions !== null && request.functions !== undefined;
}

function toMessages(messages: readonly ChatMessageWire[]): ChatMessage[] {
  // The deprecated functions match answers to calls by order, not by id: ids are made up so that both sides agree.
  let legacyCalls = 0;
  let openCallId = "";
  return messages.map((message): ChatMessage => {
    switch (message.role) {
      case "system":
      case "developer":
      case "user":
        return { role: message.role, content: toParts(message.content), ...given("name", message.name) };
      case "assistant": {
        const calls = (message.tool_calls ?? []).flatMap(toToolCall);
        if (message.function_call) {
          openCallId = `call_function_${legacyCalls}`;
          legacyCalls += 1;
          calls.push({ id: openCallId, name: message.function_call.name, arguments: message.function_call.arguments });
        }
        return toAssistant(message, calls);
      }
      case "tool":
        return {
          role: "tool",
          content: toParts(message.content),
          toolCallId: message.tool_call_id,
          ...given("name", message.name),
        };
      case "function":
        return { role: "tool", content: toParts(message.content ?? ""), toolCallId: openCallId, name: message.name };
    }
  });
}

function toAssistant(message: WireAssistant, toolCalls: readonly ToolCall[]): ChatMessage {
  const { content } = message;
  const texts = Array.isArray(content)
    ? content.flatMap((part): ContentPart[] => (part.type === "text" ? [{ type: "text", text: part.text }] : []))
    : typeof content === "string"
      ? toParts(content)
      : null;
  const refusalPart = Array.isArray(content) ? content.find((part) => part.type === "refusal") : undefined;
  return {
    role: "assistant",
    content: texts,
    ...given("reasoning", message.reasoning_content ?? message.reasoning),
    ...given("refusal", message.refusal ?? refusalPart?.refusal),
    toolCalls,
    ...given("name", message.name),
  };
}

function toToolCall(call: NonNullable<WireAssistant["tool_calls"]>[number]): ToolCall[] {
  return call.function ? [{ id: call.id, name: call.function.name, arguments: call.function.arguments }] : [];
}

function toParts(content: WireContent): ContentPart[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return content.map((part): ContentPart => {
    switch (part.type) {
      case "text":
        return { type: "text", text: part.text };
      case "image_url":
        return { type: "image", url: part.image_url.url, detail: part.image_url.detail ?? "auto" };
      case "input_audio":
        return { type: "audio", base64: part.input_audio.data, format: part.input_audio.format };
      case "file":
        return { type: "file", name: part.file.filename ?? part.file.file_id ?? "file" };
    }
  });
}

function toToolDefinition(definition: WireFunction): ToolDefinition {
  return {
    name: definition.name,
    ...given("description", definition.description),
    parameters: definition.parameters ?? { type: "object", properties: {} },
    ...given("order", writtenOrder(definition.parameters)),
    strict: definition.strict ?? false,
  };
}

function toToolChoice(choice: ChatCompletionRequest["tool_choice"], tools: number): ToolChoice {
  if (choice === null || choice === undefined) return { type: tools > 0 ? "auto" : "none" };
  if (typeof choice === "string") return { type: choice };
  switch (choice.type) {
    case "function":
      return { type: "named", name: choice.function.name };
    case "allowed_tools": {
      const { mode, tools: allowed } = choice.allowed_tools;
      return { type: "allowed", mode, names: allowed.flatMap((tool) => (tool.function ? [tool.function.name] : [])) };
    }
    case "custom":
      // Refused by the contract; a caller that skipped it gets no tools rather than a wrong one.
      return { type: "none" };
  }
}

function toFunctionChoice(choice: ChatCompletionRequest["function_call"]): ToolChoice {
  if (choice === null || choice === undefined) return { type: "auto" };
  return typeof choice === "string" ? { type: choice } : { type: "named", name: choice.name };
}

function toReasoningBudget(budget: number | null | undefined): ChatRequest["reasoningBudget"] | null {
  return budget === -1 ? "unlimited" : budget;
}

function toPrediction(prediction: ChatCompletionRequest["prediction"]): string | undefined {
  if (!prediction) return undefined;
  const { content } = prediction;
  return typeof content === "string" ? content : content.map((part) => part.text).join("");
}
