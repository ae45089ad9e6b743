// Plans a chat request: the prompt, what the answer has to look like and from where on, and how to parse it. Pure:
// generate/chat.ts tokenises the prompt, compiles the grammar and submits both to the engine.
import type { ChatRequest, ToolDefinition } from "../../../domain/chat.ts";
import { ServerError } from "../../../domain/errors.ts";
import { closingText, planGrammar } from "./plan-grammar.ts";
import { findBeginning, type Beginning } from "./prefilled.ts";
import type { ChatTemplate } from "./template/chat-template.ts";
import { shownTools } from "./template/messages/template-messages.ts";
import { isThinkingOff, unlimitedThinking, type ThinkingLimit } from "./thinking.ts";
import type { ChatFamily, ChatPlan, RenderedPrompt, RenderOptions } from "./types.ts";

export interface PlanOptions extends RenderOptions {
  /** @default no limit */
  readonly thinking?: ThinkingLimit;
}

/**
 * Plans one request.
 *
 * 1. The prompt is rendered, and what it holds of the answer is read off its end: open reasoning, or a text to continue. Reasoning
 *    that the template has opened for a model that should not think is closed there.
 * 2. Which tools may be called, and whether one must be.
 * 3. The grammar (plan-grammar.ts).
 *
 * @throws ServerError as rendering does; `invalid_value` for a named tool that is not there, and for a required call without a tool;
 *   `unsupported_value` for a caller's grammar beside callable tools
 */
export function planChat(asked: ChatRequest, template: ChatTemplate, options: PlanOptions = {}): ChatPlan {
  const { family } = template;
  const request = allowsSeveralCalls(template) ? asked : { ...asked, parallelToolCalls: false };
  const { thinking = unlimitedThinking } = options;
  const constrained = request.constraint.type !== "text";
  const { callable, mustCall } = chooseTools(request);
  if (request.constraint.type === "grammar" && callable.length > 0) {
    throw new ServerError("unsupported_value", {
      message:
        'A grammar cannot be combined with tools that may be called; send {toolChoice} "none", or leave one out.',
      param: "constraint.grammar",
    });
  }
  const rendered = template.render(request, options);
  const mayThink = !isThinkingOff(thinking);
  const found = findBeginning(request, rendered.text, family);
  const { closing, beginning } = mayThink ? { closing: "", beginning: found } : closeReasoning(found, family);
  const isNewTurn = (request.addGenerationPrompt || closing !== "") && beginning.openReasoning === undefined;
  const header =
    isNewTurn && callable.length === 0 && writesHeader(family, { constrained, mayThink })
      ? (family.textOpen ?? "")
      : "";
  const startsInText =
    header !== "" || (beginning.openReasoning === undefined && continuesText(request, rendered, family));
  const { grammar, grammarStart } = planGrammar(request, {
    callable,
    mustCall,
    family,
    beginning,
    mayThink,
    startsInText,
  });
  const startsInReasoning = beginning.openReasoning !== undefined;
  return {
    prompt: withEnding(rendered, closing + header),
    family,
    grammar,
    grammarStart,
    parser: {
      family,
      tools: callable,
      parallel: request.parallelToolCalls,
      startsInReasoning,
      ...(constrained ? { finalTextOnly: true } : {}),
      ...(startsInText ? { startsInText: true } : {}),
    },
    stopTexts: template.stopTexts,
    openReasoning: beginning.openReasoning,
    prefilled: beginning.text,
  };
}

/** Ends reasoning that the prompt has opened: `closing` is to be added to the prompt. */
function closeReasoning(
  beginning: Beginning,
  family: ChatFamily,
): { readonly closing: string; readonly beginning: Beginning } {
  const { openReasoning } = beginning;
  if (openReasoning === undefined) return { closing: "", beginning };
  const blank = openReasoning.close.startsWith("</") ? "\n\n" : "";
  return {
    closing: `${closingText(openReasoning)}${blank}${family.afterReasoning ?? ""}`,
    beginning: { openReasoning: undefined, hasThought: true, text: "" },
  };
}

/** Whether the prompt ends with the header of the text: a model that should not think would open its reasoning in place of it. */
function writesHeader(
  { opensTextInPrompt, channels }: ChatFamily,
  { constrained, mayThink }: { readonly constrained: boolean; readonly mayThink: boolean },
): boolean {
  if (mayThink) return constrained && opensTextInPrompt === true;
  return constrained || channels !== undefined;
}

/** False where the template takes one call per turn: calls that could not be shown to the model again must not be made. */
function allowsSeveralCalls({ capabilities, family }: ChatTemplate): boolean {
  if (family.callsEndTurn === true) return false;
  return capabilities.parallelToolCalls || !capabilities.toolCalls;
}

/** The tools that may be called, and whether one must be. */
function chooseTools(request: ChatRequest): {
  readonly callable: readonly ToolDefinition[];
  readonly mustCall: boolean;
} {
  const { toolChoice } = request;
  const tools = shownTools(request);
  if (toolChoice.type === "none") return { callable: [], mustCall: false };
  if (toolChoice.type === "auto") return { callable: tools, mustCall: false };
  if (toolChoice.type === "named") {
    const callable = tools.filter((tool) => tool.name === toolChoice.name);
    if (callable.length > 0) return { callable, mustCall: true };
    throw new ServerError("invalid_value", {
      message: `{toolChoice} names the tool "${toolChoice.name}", which is not among the tools.`,
      param: "toolChoice",
    });
  }
  const mustCall = toolChoice.type === "required" || toolChoice.mode === "required";
  if (mustCall && tools.length === 0) {
    throw new ServerError("invalid_value", {
      message: "{toolChoice} requires a call, but there is no tool that may be called.",
      param: "toolChoice",
    });
  }
  return { callable: tools, mustCall };
}

/** True where the answer continues a text, so that no recipient or channel comes first. */
function continuesText(request: ChatRequest, prompt: RenderedPrompt, family: ChatFamily): boolean {
  if (family.parser === "markers") return false;
  if (family.parser === "recipient") return !prompt.text.endsWith(">>>");
  return !request.addGenerationPrompt && request.messages.at(-1)?.role === "assistant";
}

function withEnding(prompt: RenderedPrompt, text: string): RenderedPrompt {
  if (text === "") return prompt;
  return {
    pieces: [...prompt.pieces, { kind: "special", text, cuts: [] }],
    text: prompt.text + text,
    adaptations: prompt.adaptations,
  };
}
