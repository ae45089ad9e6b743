// Translates a path in the domain's chat request to the name of the field in the caller's request.
import { renameParam } from "../../contract/param-names.ts";
import { generationNames } from "../shared/param-names.ts";
import type { ChatCompletionRequest } from "./request.ts";
import { usesFunctions } from "./to-domain.ts";

const commonNames = {
  "messages[].toolCallId": "messages[].tool_call_id",
  "messages[].toolCalls": "messages[].tool_calls",
  "messages[].toolCalls[].name": "messages[].tool_calls[].function.name",
  "messages[].toolCalls[].arguments": "messages[].tool_calls[].function.arguments",
  parallelToolCalls: "parallel_tool_calls",
  topLogprobs: "top_logprobs",
  reasoningEffort: "reasoning_effort",
  reasoningBudget: "thinking_budget",
  templateKwargs: "chat_template_kwargs",
  addGenerationPrompt: "add_generation_prompt",
};

const toolNames = {
  toolChoice: "tool_choice",
  "tools[].name": "tools[].function.name",
  "tools[].description": "tools[].function.description",
  "tools[].parameters": "tools[].function.parameters",
  "tools[].strict": "tools[].function.strict",
};

const functionNames = { toolChoice: "function_call", "tools[]": "functions[]" };

/** The caller's name for `path`. `request` is the one that was mapped to the domain; a path that the domain does not have stays as it is. */
export function toChatParam(path: string, request: ChatCompletionRequest): string {
  const hasNewLimit = typeof request.max_completion_tokens === "number";
  return renameParam(path, {
    ...commonNames,
    ...generationNames(request, hasNewLimit ? "max_completion_tokens" : "max_tokens"),
    ...(usesFunctions(request) ? functionNames : toolNames),
  });
}
