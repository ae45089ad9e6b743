// A conversation of four turns with real weights: each turn evaluates little more than what is new, and answers as if it had evaluated all.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../src/domain/backend.ts";
import type { ChatMessage } from "../../src/domain/chat.ts";
import type { TokenLogprob } from "../../src/domain/text.ts";
import { applyTemplate, chat } from "../support/llama.ts";
import { openRealModel, realModel, realWeights } from "../support/real-weights.ts";

const model = realModel("smollm2");
const need = realWeights(model);

const questions = [
  "What is the capital of Italy?",
  "How many people live there, roughly?",
  "Name one famous building in that city.",
  "Write one sentence that a guide would say about it.",
];
const user = (text: string): ChatMessage => ({ role: "user", content: [{ type: "text", text }] });
const assistant = (text: string): ChatMessage => ({
  role: "assistant",
  content: [{ type: "text", text }],
  toolCalls: [],
});
const limits = { maxTokens: 48, stop: [] };

/** Log-probabilities differ by as much between a prompt that was read at once and one in two parts. */
const tolerance = 0.05;

function expectAlike(own: readonly TokenLogprob[], expected: readonly TokenLogprob[]): void {
  for (const [index, { id, logprob, top }] of expected.entries()) {
    if (own[index]?.id !== id) {
      expect(top[0]!.logprob! - top[1]!.logprob!, `token ${index} is no near tie`).toBeLessThan(2 * tolerance);
      return;
    }
    expect(Math.abs(own[index].logprob! - logprob!), `token ${index}`).toBeLessThan(tolerance);
  }
}

describe.skipIf(!need.isMet)(`four turns with ${model.name}${need.note}`, { timeout: 300_000 }, () => {
  let backend: Backend;
  let fresh: Backend;
  beforeAll(async () => {
    backend = await openRealModel(model, { contextSize: 2048, parallel: 2 });
    fresh = await openRealModel(model, { contextSize: 2048, parallel: 1 });
  });
  afterAll(async () => {
    await backend.dispose();
    await fresh.dispose();
  });

  it("reuse what the turns before them evaluated, and are answered alike without", async () => {
    const messages: ChatMessage[] = [];
    let known = 0;
    for (const question of questions) {
      messages.push(user(question));
      const request = { messages: [...messages], limits, topLogprobs: 2 };
      const { choices, usage } = await chat(backend, request);
      // All of the turn before, its answer too, but for the last tokens of a prompt.
      if (known > 0) expect(usage.cachedTokens).toBeGreaterThanOrEqual(known);
      // Another conversation in between takes the only slot, so that nothing of this one is held.
      await chat(fresh, { messages: [user("Count to three.")], limits: { maxTokens: 1, stop: [] } });
      const alone = await chat(fresh, request);
      expect(alone.usage.cachedTokens).toBeLessThan(40);
      expectAlike(choices[0]!.logprobs, alone.choices[0]!.logprobs);
      messages.push(assistant(choices[0]!.text));
      const { tokens } = await applyTemplate(backend, { messages: [...messages], addGenerationPrompt: true });
      expect(tokens.length).toBeGreaterThan(usage.promptTokens);
      known = usage.promptTokens + usage.completionTokens - 8;
    }
  });
});
