// Text models against transformers, which wrote them: greedy continuations, the scores of long texts, in one batch and in many, and after
// a prefix that was computed before.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import { tailTokens } from "../../../src/backends/llama/engine/plan/prompt-shape.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import type { TokenLogprob } from "../../../src/domain/text.ts";
import { complete, testContext, textSpec } from "../../support/llama.ts";
import { digestOf, halfPrecisionDifference, readReference, referencePath } from "../../support/reference-text.ts";
import { expectSameUntilNearTie, logprobDifference } from "../../support/tolerances.ts";

const families = ["llama", "qwen3", "gemma3", "lfm2"] as const;
const none = { maxTokens: 0, stop: [] };

describe.each(families)("%s against transformers", (family) => {
  const golden = readReference(family);
  const { spread, scores } = golden;
  const path = referencePath(family, golden.source.model);
  const relative = halfPrecisionDifference(scores.ids.length);
  const backends: Backend[] = [];

  async function load(options: Partial<TextModelOptions> = {}): Promise<Backend> {
    const spec = textSpec(path, { parallel: 2, flashAttention: false, ...options });
    const backend = await createLlamaBackend(spec, testContext());
    backends.push(backend);
    return backend;
  }
  let common: Backend;
  beforeAll(async () => {
    common = await load();
  });
  afterAll(async () => {
    await Promise.all(backends.map((backend) => backend.dispose()));
  });

  const within = (value: number | null | undefined, expected: number): void =>
    expect(Math.abs(value! - expected)).toBeLessThan(logprobDifference({ relative, spread, logprob: expected }));

  /** Log-probabilities of a text's tokens but the first. */
  async function score(backend: Backend, ids: readonly number[]): Promise<TokenLogprob[]> {
    const request = { prompts: [ids], echo: true, topLogprobs: 0, limits: none };
    return (await complete(backend, request)).choices[0]!.logprobs.slice(1);
  }

  it("is the model that transformers was asked about", () => {
    expect(digestOf(path), "run scripts/fixtures/make.py").toBe(golden.source.sha256);
  });

  it.each(golden.greedy)("continues $promptLength tokens alike", async ({ promptTokens, tokens }) => {
    const { choices, usage } = await complete(common, {
      prompts: [promptTokens],
      topLogprobs: 5,
      limits: { maxTokens: tokens.length, stop: [] },
    });
    const expected = tokens.map(({ id, top }) => ({
      id,
      top: top.map(([other, logprob]) => ({ id: other, logprob })),
    }));
    const own = choices[0]!.logprobs;
    const same = expectSameUntilNearTie(own, expected, { relative, spread });
    expect(usage.promptTokens).toBe(promptTokens.length);
    for (const [index, { logprob, top }] of tokens.slice(0, same).entries()) {
      within(own[index]!.logprob, logprob);
      for (const [place, [, likely]] of top.entries()) within(own[index]!.top[place]!.logprob, likely);
    }
  });

  it.each([
    ["in one batch", {}],
    ["in batches of 48", { batchSize: 48 }],
    ["with flash attention", { flashAttention: true }],
    ["with room for every position in a window's cache", { swaFullCache: true, batchSize: 100 }],
  ] satisfies [string, Partial<TextModelOptions>][])("scores a long text alike %s", async (_, options) => {
    const own = await score(await load({ batchSize: 1024, ...options }), scores.ids);
    expect(own).toHaveLength(scores.logprobs.length);
    for (const [index, logprob] of scores.logprobs.entries()) within(own[index]!.logprob, logprob);
  });

  it("continues alike where a conversation goes on, and evaluates little of it anew", async () => {
    const { promptTokens, tokens } = golden.greedy.at(-1)!;
    const backend = await load({ parallel: 1 });
    const half = tokens.length / 2;
    const first = { prompts: [promptTokens], topLogprobs: 2, limits: { maxTokens: half, stop: [] } };
    const { choices } = await complete(backend, first);
    const answer = choices[0]!.logprobs.map(({ id }) => id);
    expect(answer).toEqual(tokens.slice(0, half).map(({ id }) => id));
    const again = await complete(backend, { ...first, prompts: [[...promptTokens, ...answer]] });
    const rest = tokens.slice(half).map(({ id, top }) => ({
      id,
      top: top.map(([other, logprob]) => ({ id: other, logprob })),
    }));
    const same = expectSameUntilNearTie(again.choices[0]!.logprobs, rest, { relative, spread });
    for (const [index, { logprob }] of tokens.slice(half, half + same).entries()) {
      within(again.choices[0]!.logprobs[index]!.logprob, logprob);
    }
    expect(again.usage.cachedTokens).toBeGreaterThanOrEqual(promptTokens.length + half - tailTokens);
  });

  it("continues alike after a prompt that shares its beginning with the one before", async () => {
    const { promptTokens, tokens } = golden.greedy.at(-1)!;
    const backend = await load({ parallel: 1 });
    const shared = promptTokens.slice(0, promptTokens.length - 20);
    await complete(backend, { prompts: [[...shared, ...scores.ids.slice(0, 30)]], limits: { maxTokens: 4, stop: [] } });
    const limits = { maxTokens: tokens.length, stop: [] };
    const { choices } = await complete(backend, { prompts: [promptTokens], topLogprobs: 2, limits });
    const expected = tokens.map(({ id, top }) => ({
      id,
      top: top.map(([other, logprob]) => ({ id: other, logprob })),
    }));
    expectSameUntilNearTie(choices[0]!.logprobs, expected, { relative, spread });
    within(choices[0]!.logprobs[0]!.logprob, tokens[0]!.logprob);
  });

  it("answers every prompt side by side as alone", async () => {
    const backend = await load({ parallel: 4, batchSize: 64 });
    const { choices } = await complete(backend, {
      prompts: golden.greedy.map(({ promptTokens }) => promptTokens),
      topLogprobs: 2,
      limits: { maxTokens: golden.greedy[0]!.tokens.length, stop: [] },
    });
    for (const [index, { tokens }] of golden.greedy.entries()) {
      const expected = tokens.map(({ id, top }) => ({
        id,
        top: top.map(([other, logprob]) => ({ id: other, logprob })),
      }));
      expectSameUntilNearTie(choices[index]!.logprobs, expected, { relative, spread });
    }
  });
});
