// Fillers and moves, which keep busy slots side by side (engine/plan/batch-order.ts), change no answer.
import { afterEach, describe, expect, it, vi } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import { NativeContextHandle } from "../../../src/backends/llama/native/context.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import { complete, testContext, textSpec, readFirstText, streamCompletion } from "../../support/llama.ts";
import {
  attentionDifference,
  expectSameUntilNearTie,
  logprobDifference,
  storyModelSpread as spread,
} from "../../support/tolerances.ts";

import { storyToken, storyModel } from "../../support/story-model.ts";

const path = storyModel;
const limits = (maxTokens: number): { maxTokens: number; stop: string[] } => ({ maxTokens, stop: [] });
const tokens = (length: number, step: number): number[] =>
  Array.from({ length }, (_, index) => 260 + ((index * step) % 200));

describe("slots side by side", () => {
  const backends: Backend[] = [];
  async function load(options: Partial<TextModelOptions>): Promise<Backend> {
    const backend = await createLlamaBackend(textSpec(path, options), testContext());
    backends.push(backend);
    return backend;
  }
  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
  });

  it("computes fillers for an idle slot between busy ones, without a change to any answer", async () => {
    const adding = vi.spyOn(NativeContextHandle.prototype, "addToBatch");
    const fillers = (): number[] =>
      adding.mock.calls.filter(([, part]) => part.tokens.length === 1 && part.logitsFor.length === 0).map(([id]) => id);
    const backend = await load({ parallel: 4 });
    const prompts = ["Once upon a time", "The dog", "Lily and Tom", "One day a bird"];
    // The second one ends early, and leaves an idle slot between the others.
    const lengths = [60, 4, 60, 60];
    const together = await Promise.all(
      prompts.map((prompt, index) =>
        complete(backend, { prompts: [prompt], topLogprobs: 2, limits: limits(lengths[index]!) }),
      ),
    );
    expect(fillers().length).toBeGreaterThan(40);
    expect(new Set(fillers())).toEqual(new Set([1]));
    for (const [index, prompt] of prompts.entries()) {
      const fresh = await load({ parallel: 1 });
      const alone = await complete(fresh, { prompts: [prompt], topLogprobs: 2, limits: limits(lengths[index]!) });
      const [own, expected] = [together[index]!.choices[0]!.logprobs, alone.choices[0]!.logprobs];
      const relative = attentionDifference(alone.usage.promptTokens + expected.length);
      const same = expectSameUntilNearTie(own, expected, { relative, spread });
      for (const [place, { logprob }] of expected.slice(0, same).entries()) {
        const error = logprobDifference({ relative, spread, logprob: logprob! });
        expect(Math.abs(own[place]!.logprob! - logprob!)).toBeLessThan(error);
      }
    }
    const next = `${prompts[1]}${together[1]!.choices[0]!.text} and`;
    const continued = await complete(backend, { prompts: [next], topLogprobs: 2 });
    const fresh = await complete(await load({ parallel: 1 }), { prompts: [next], topLogprobs: 2 });
    expect(continued.usage.cachedTokens).toBeGreaterThan(3);
    const relative = attentionDifference(fresh.usage.promptTokens + 32);
    expectSameUntilNearTie(continued.choices[0]!.logprobs, fresh.choices[0]!.logprobs, { relative, spread });
  });

  it("moves a conversation to another slot with all its tokens", async () => {
    const backend = await load({ parallel: 4 });
    const conversations = [7, 11, 13, 17].map((step) => tokens(100, step));
    const first = [];
    for (const prompt of conversations) first.push(await complete(backend, { prompts: [prompt], limits: limits(8) }));
    // The last one is continued: its slot is busy, and the next prompt takes the slot beside it.
    const running = streamCompletion(backend, {
      prompts: [conversations[3]!],
      sampling: { temperature: 0, logitBias: [[storyToken.eos, -100]] },
      limits: { stop: [] },
    });
    await readFirstText(running);
    await complete(backend, { prompts: [tokens(100, 19)], limits: limits(8) });
    await running.return(undefined);
    const again = await complete(backend, { prompts: [conversations[2]!], limits: limits(8) });
    expect(again.usage.cachedTokens).toBe(96);
    expect(again.choices[0]!.text).toBe(first[2]!.choices[0]!.text);
    // Only the least recently used one was lost.
    const kept = await complete(backend, { prompts: [conversations[1]!], limits: limits(8) });
    expect(kept.usage.cachedTokens).toBe(96);
    const gone = await complete(backend, { prompts: [conversations[0]!], limits: limits(8) });
    expect(gone.usage.cachedTokens).toBeLessThan(10);
  });
});
