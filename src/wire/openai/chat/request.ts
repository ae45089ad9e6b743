// POST /v1/chat/completions: the request, and how each of its fields is handled.
import { z } from "zod";
import { chatMessage, textParts } from "./message.ts";
import { functionCallChoice, functionDefinition, toolChoice, toolDefinition } from "./tool.ts";
import { responseFormat } from "../shared/response-format.ts";
import { freeFormObject, inspected, once, typeProblem } from "../../contract/common.ts";
import type { Problem, Wire } from "../../contract/common.ts";
import { accepted, honoured, honouredWith, refused } from "../../contract/field-table.ts";
import type { FieldTable } from "../../contract/field-table.ts";
import { generationFields, generationShape } from "../shared/generation.ts";

export const chatCompletionRequest = once(() =>
  z
    .object({
      model: z.string().min(1),
      messages: z.array(chatMessage()).min(1),
      ...generationShape(),
      max_tokens: z.int().min(1).nullish(),
      max_completion_tokens: z.int().min(1).nullish(),
      logprobs: z.boolean().nullish(),
      top_logprobs: z.int().min(0).max(20).nullish(),
      tools: z.array(toolDefinition()).nullish(),
      tool_choice: toolChoice().nullish(),
      parallel_tool_calls: z.boolean().nullish(),
      functions: z.array(functionDefinition()).min(1).max(128).nullish(),
      function_call: functionCallChoice().nullish(),
      response_format: responseFormat().nullish(),
      reasoning_effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]).nullish(),
      thinking_budget: thinkingBudget().nullish(),
      reasoning_budget: thinkingBudget().nullish(),
      verbosity: z.enum(["low", "medium", "high"]).nullish(),
      modalities: textModality().nullish(),
      prediction: z.object({ type: z.literal("content"), content: z.union([z.string(), textParts()]) }).nullish(),
      chat_template_kwargs: freeFormObject("Extension: variables for the chat template.").nullish(),
      documents: z.array(freeFormObject("A document, such as title and text.")).nullish(),
      add_generation_prompt: z.boolean().nullish().describe("Extension: false continues the last message."),
      continue_final_message: z.boolean().nullish().describe("Extension: the opposite of add_generation_prompt."),
      service_tier: z.enum(["auto", "default", "flex", "scale", "priority", "fast"]).nullish(),
      store: z.boolean().nullish(),
      safety_identifier: z.string().nullish(),
      prompt_cache_key: z.string().nullish(),
    })
    .meta({ id: "ChatCompletionRequest" }),
);
export type ChatCompletionRequest = Wire<typeof chatCompletionRequest>;

export const chatCompletionFields: FieldTable = {
  model: honoured,
  messages: honouredWith("Images, audio and files are refused by models that cannot take them."),
  ...generationFields,
  max_tokens: honouredWith("max_completion_tokens wins where both are given."),
  max_completion_tokens: honoured,
  logprobs: honoured,
  top_logprobs: honouredWith("Needs logprobs: true."),
  tools: honouredWith("Function tools; custom tools are refused by name."),
  tool_choice: honouredWith("none, auto, required, a named function, allowed_tools."),
  parallel_tool_calls: honoured,
  functions: honouredWith("Deprecated form of tools; not together with tools."),
  function_call: honouredWith("Deprecated form of tool_choice."),
  response_format: honouredWith("Enforced by grammar; json_object may carry a schema."),
  reasoning_effort: honouredWith(
    "Reaches the chat template. Reasoning is closed after a share of the answer's tokens: minimal 10 %, low 20 %, medium 50 %, " +
      "high 80 %, xhigh and max 95 %; none is no reasoning. A budget wins over it.",
  ),
  thinking_budget: honouredWith(
    "Extension: tokens of reasoning after which it is closed and the answer begins. 0 = no reasoning, -1 = no limit.",
  ),
  reasoning_budget: honouredWith("Extension: another name of thinking_budget, which wins where both are given."),
  verbosity: honouredWith("Reaches the chat template as the variable verbosity."),
  modalities: honouredWith('Only ["text"].'),
  prediction: honouredWith("A hint for speculative decoding; it never changes the text."),
  chat_template_kwargs: honouredWith("Extension."),
  documents: honouredWith(
    "Extension, as in vLLM: what the answer is to be drawn from. Refused where the model's chat template does not show it.",
  ),
  add_generation_prompt: honouredWith("Extension."),
  continue_final_message: honouredWith("Extension."),
  service_tier: honouredWith("There is one tier: the answer says default when the request names any."),
  store: accepted("Nothing is stored, and no endpoint here could show a stored completion."),
  safety_identifier: accepted("Identifies an end user to OpenAI's abuse detection; this server has none."),
  prompt_cache_key: accepted("A routing hint; prefixes are found in the cache without it."),
  prompt_cache_retention: accepted("A hint on cache lifetime; cached_tokens tells what was really reused."),
  prompt_cache_options: accepted("A hint on cache lifetime; cached_tokens tells what was really reused."),
  audio: refused("This server makes no audio output."),
  web_search_options: refused("This server does not search the web."),
  moderation: refused("This server does not moderate."),
};

function thinkingBudget() {
  return z.int().min(-1).describe("Extension: tokens of reasoning; 0 = none, -1 = no limit.");
}

function textModality(): z.ZodType<string[]> {
  return inspected<string[]>(inspectModalities, { type: "array", items: { const: "text" }, minItems: 1, maxItems: 1 });
}

function inspectModalities(value: unknown): Problem | null {
  if (!Array.isArray(value)) return typeProblem("an array of strings", value);
  const list: readonly unknown[] = value;
  if (list.length === 1 && list[0] === "text") return null;
  return {
    kind: "unsupported_value",
    message: (param) => `Unsupported value: '${param}' must be ["text"]: this server answers with text only.`,
  };
}
