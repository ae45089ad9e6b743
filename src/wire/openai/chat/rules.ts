// Rules of a chat request over several fields, in the order in which a caller would want to hear of them.
// They are as strict as OpenAI's, except for what clients of local servers send and what can be answered all the same:
// `tools: []`, `stop: []`, tool calls without `type`, `parallel_tool_calls` without tools, tool calls left unanswered,
// and tool messages that do not stand directly behind the call that they answer.
import { ServerError } from "../../../domain/errors.ts";
import type { ChatCompletionRequest } from "./request.ts";
import type { ChatMessageWire } from "./message.ts";
import { invalidValue, unsupportedParameter, unsupportedValue } from "../../contract/contract.ts";
import { checkStreamOptions } from "../shared/generation.ts";

type AssistantMessage = Extract<ChatMessageWire, { role: "assistant" }>;

/** Throws the first fault of a request whose single fields are valid. */
export function checkChatRequest(request: ChatCompletionRequest): void {
  checkStreamOptions(request);
  if (typeof request.top_logprobs === "number" && request.logprobs !== true) {
    throw invalidValue(
      "top_logprobs",
      "Invalid value for 'top_logprobs': 'top_logprobs' is only allowed when 'logprobs' is enabled.",
    );
  }
  checkMessages(request.messages);
  checkTools(request);
  checkToolChoice(request);
  checkFunctions(request);
  checkConstraint(request);
  if (request.continue_final_message === true && request.add_generation_prompt === true) {
    throw invalidValue(
      "continue_final_message",
      "Invalid value for 'continue_final_message': it cannot be true together with 'add_generation_prompt'.",
    );
  }
}

function checkMessages(messages: readonly ChatMessageWire[]): void {
  const callIds = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const param = `messages[${index}]`;
    if (message.role === "assistant") {
      checkAssistant(message, param);
      for (const call of message.tool_calls ?? []) callIds.add(call.id);
    } else if (message.role === "tool") {
      if (callIds.size === 0) {
        throw invalidValue(
          `${param}.role`,
          "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
        );
      }
      if (!callIds.has(message.tool_call_id)) {
        throw invalidValue(
          `${param}.tool_call_id`,
          `Invalid parameter: 'tool_call_id' of '${message.tool_call_id.slice(0, 80)}' not found in 'tool_calls' of previous messages.`,
        );
      }
    }
  }
}

function checkAssistant(message: AssistantMessage, param: string): void {
  if (message.audio !== undefined && message.audio !== null) {
    throw unsupportedParameter(`${param}.audio`, "This server made no audio that could be referred to.");
  }
  const calls = message.tool_calls ?? [];
  for (const [index, call] of calls.entries()) {
    if (call.type === "custom") {
      throw unsupportedValue(
        `${param}.tool_calls[${index}].type`,
        "Unsupported value: 'custom' tool calls are not supported by this server. Supported values are: 'function'.",
      );
    }
    if (!call.function) throw missing(`${param}.tool_calls[${index}].function`);
  }
  const hasContent =
    typeof message.content === "string" ||
    Array.isArray(message.content) ||
    typeof message.refusal === "string" ||
    typeof message.reasoning_content === "string" ||
    typeof message.reasoning === "string";
  if (!hasContent && calls.length === 0 && !message.function_call) {
    throw new ServerError("missing_parameter", {
      message: `Missing required parameter: '${param}.content'. An assistant message needs content unless it has tool_calls.`,
      param: `${param}.content`,
    });
  }
}

function checkTools(request: ChatCompletionRequest): void {
  const names = new Set<string>();
  for (const [index, tool] of (request.tools ?? []).entries()) {
    if (tool.type === "custom") {
      throw unsupportedValue(
        `tools[${index}].type`,
        "Unsupported value: 'custom' tools are not supported by this server. Supported values are: 'function'.",
      );
    }
    if (!tool.function) throw missing(`tools[${index}].function`);
    checkUniqueName(names, tool.function.name, `tools[${index}].function.name`);
  }
}

function checkToolChoice(request: ChatCompletionRequest): void {
  const { tool_choice: choice, tools } = request;
  if (choice === undefined || choice === null) return;
  const harmless = choice === "none" || choice === "auto";
  if (!tools || (tools.length === 0 && !harmless)) {
    throw invalidValue(
      "tool_choice",
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
    );
  }
  if (typeof choice === "string") return;
  if (choice.type === "custom") {
    throw unsupportedValue(
      "tool_choice.type",
      "Unsupported value: 'custom' tools are not supported by this server. Supported values are: 'function' and 'allowed_tools'.",
    );
  }
  const known = new Set(tools.map((tool) => tool.function?.name));
  if (choice.type === "function") {
    if (!known.has(choice.function.name)) throw unknownTool("tool_choice.function.name", choice.function.name);
    return;
  }
  for (const [index, tool] of choice.allowed_tools.tools.entries()) {
    const param = `tool_choice.allowed_tools.tools[${index}]`;
    if (!tool.function) throw missing(`${param}.function`);
    if (!known.has(tool.function.name)) throw unknownTool(`${param}.function.name`, tool.function.name);
  }
}

function checkFunctions(request: ChatCompletionRequest): void {
  const { functions, function_call: choice } = request;
  if (functions && request.tools) {
    throw invalidValue("functions", "Invalid value for 'functions': it cannot be used together with 'tools'.");
  }
  const names = new Set<string>();
  for (const [index, definition] of (functions ?? []).entries()) {
    checkUniqueName(names, definition.name, `functions[${index}].name`);
  }
  if (choice === undefined || choice === null) return;
  if (!functions) {
    throw invalidValue(
      "function_call",
      "Invalid value for 'function_call': 'function_call' is only allowed when 'functions' are specified.",
    );
  }
  if (typeof choice === "object" && !names.has(choice.name)) throw unknownTool("function_call.name", choice.name);
}

/** A grammar leaves no room for a second description of the output. */
function checkConstraint(request: ChatCompletionRequest): void {
  if (typeof request.grammar !== "string") return;
  const format = request.response_format?.type ?? "text";
  if (format !== "text") {
    throw invalidValue(
      "grammar",
      `Invalid value for 'grammar': it cannot be used with 'response_format' of type '${format}'.`,
    );
  }
  const mayCall = (request.tools ?? []).length > 0 && request.tool_choice !== "none";
  if (mayCall || (request.functions && request.function_call !== "none")) {
    throw invalidValue("grammar", "Invalid value for 'grammar': it cannot be used together with tools.");
  }
}

function checkUniqueName(names: Set<string>, name: string, param: string): void {
  if (names.has(name))
    throw invalidValue(param, `Invalid '${param}': the name '${name}' is used by more than one tool.`);
  names.add(name);
}

function unknownTool(param: string, name: string): ServerError {
  return invalidValue(param, `Invalid value for '${param}': no tool named '${name.slice(0, 80)}' in 'tools'.`);
}

function missing(param: string): ServerError {
  return new ServerError("missing_parameter", { message: `Missing required parameter: '${param}'.`, param });
}
