// How long a model may think, from what the request and the model's configuration say. Pure.
import type { ChatRequest } from "../../../domain/chat.ts";
import type { TextModelOptions } from "../../../domain/model.ts";

/** A limit on the tokens of reasoning. `share` is one of the tokens that the answer may have in all; 0 = no reasoning. */
export type ThinkingLimit =
  | { readonly type: "none" }
  | { readonly type: "tokens"; readonly tokens: number }
  | { readonly type: "share"; readonly share: number };

/**
 * Shares of the answer's tokens; the rest is left for what follows the reasoning. They are those of OpenRouter's `reasoning.effort`
 * (openrouter.ai/docs/guides/best-practices/reasoning-tokens, "Reasoning Effort Level"), which clients know.
 */
const effortShares: Readonly<Record<string, number>> = {
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.95,
  max: 0.95,
};

export const unlimitedThinking: ThinkingLimit = { type: "none" };
export const noThinking: ThinkingLimit = { type: "tokens", tokens: 0 };

/**
 * The limit of one request. The first that applies counts:
 *
 * 1. thinking that is switched off, by the effort "none" or by the templates' own variables `enable_thinking` and `thinking`;
 * 2. the request's budget;
 * 3. the request's effort. One that has no share is no limit;
 * 4. the model's configured budget.
 */
export function thinkingLimit(
  request: Pick<ChatRequest, "reasoningBudget" | "reasoningEffort" | "templateKwargs">,
  { chatTemplateKwargs, thinkingBudget }: Pick<TextModelOptions, "chatTemplateKwargs" | "thinkingBudget">,
): ThinkingLimit {
  const { reasoningBudget, reasoningEffort } = request;
  const variables = { ...chatTemplateKwargs, ...request.templateKwargs };
  const isOff = variables["enable_thinking"] === false || variables["thinking"] === false;
  if (reasoningEffort === "none" || isOff) return noThinking;
  if (reasoningBudget !== undefined) return budgetLimit(reasoningBudget);
  if (reasoningEffort === undefined) return thinkingBudget === null ? unlimitedThinking : budgetLimit(thinkingBudget);
  const share = effortShares[reasoningEffort];
  return share === undefined ? unlimitedThinking : { type: "share", share };
}

/** Tokens of reasoning in an answer of at most `maxNewTokens`; `undefined` = no limit. */
export function thinkingTokens(limit: ThinkingLimit, maxNewTokens: number): number | undefined {
  switch (limit.type) {
    case "none":
      return undefined;
    case "tokens":
      return limit.tokens;
    case "share":
      return Math.floor(limit.share * maxNewTokens);
  }
}

export function isThinkingOff(limit: ThinkingLimit): boolean {
  return limit.type === "tokens" && limit.tokens === 0;
}

function budgetLimit(budget: number | "unlimited"): ThinkingLimit {
  return budget === "unlimited" ? unlimitedThinking : { type: "tokens", tokens: budget };
}
