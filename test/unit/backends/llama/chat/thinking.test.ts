import { describe, expect, it } from "vitest";
import { thinkingLimit, thinkingTokens } from "../../../../../src/backends/llama/chat/thinking.ts";
import type { ChatRequest } from "../../../../../src/domain/chat.ts";

type Asked = Partial<Pick<ChatRequest, "reasoningBudget" | "reasoningEffort" | "templateKwargs">>;

/** Tokens of reasoning in an answer of at most 1,000. */
function tokens(
  asked: Asked,
  configured: { kwargs?: Record<string, unknown>; budget?: number } = {},
): number | undefined {
  const { kwargs = {}, budget = null } = configured;
  const limit = thinkingLimit({ templateKwargs: {}, ...asked }, { chatTemplateKwargs: kwargs, thinkingBudget: budget });
  return thinkingTokens(limit, 1000);
}

describe("the limit on reasoning", () => {
  it("is a share of the answer for every effort but none", () => {
    const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    expect(efforts.map((reasoningEffort) => tokens({ reasoningEffort }))).toEqual([0, 100, 200, 500, 800, 950, 950]);
  });

  it("is none for an effort that is not known", () => {
    expect(tokens({ reasoningEffort: "tremendous" })).toBeUndefined();
  });

  it("is the request's budget before its effort, and that before the model's budget", () => {
    expect(tokens({})).toBeUndefined();
    expect(tokens({}, { budget: 64 })).toBe(64);
    expect(tokens({ reasoningEffort: "low" }, { budget: 64 })).toBe(200);
    expect(tokens({ reasoningEffort: "low", reasoningBudget: 7 }, { budget: 64 })).toBe(7);
    expect(tokens({ reasoningBudget: "unlimited" }, { budget: 64 })).toBeUndefined();
  });

  it("is nothing where the template's own variables switch reasoning off", () => {
    expect(tokens({ templateKwargs: { enable_thinking: false }, reasoningBudget: 9 })).toBe(0);
    expect(tokens({}, { kwargs: { thinking: false } })).toBe(0);
    expect(
      tokens({ templateKwargs: { enable_thinking: true } }, { kwargs: { enable_thinking: false } }),
    ).toBeUndefined();
  });
});
