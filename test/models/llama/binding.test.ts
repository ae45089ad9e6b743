// node-llama-cpp's internals as src/backends/llama/native uses them: a version of the package that changed one of them fails here.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NativeSamplerConfig } from "../../../src/backends/llama/native/binding.ts";
import type { NativeContextHandle } from "../../../src/backends/llama/native/context.ts";
import { createContext, loadWeights, type LoadedWeights } from "../../../src/backends/llama/load/load-model.ts";
import { openWeights } from "../../../src/backends/llama/native/weights.ts";
import { readGolden } from "../../support/goldens.ts";
import { testContext, textDefaults } from "../../support/llama.ts";
import { storyModel } from "../../support/story-model.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { attentionDifference, logprobDifference, storyModelSpread } from "../../support/tolerances.ts";

const path = storyModel;
/** llama-server's own figures for the beginning of a story. */
const golden = readGolden("story").greedy[0]!;
const prompt = golden.promptTokens;
const generated = golden.tokens.map(({ id }) => id);
const [first, second] = generated as [number, number];

describe("the internals of node-llama-cpp", () => {
  let weights: LoadedWeights;
  let context: NativeContextHandle;

  beforeAll(async () => {
    weights = await loadWeights({ path, options: textDefaults }, testContext());
    context = await createContext(weights, {
      path,
      contextSize: 512,
      sequences: 3,
      batchSize: 64,
      threads: 1,
      flashAttention: false,
      kvCacheType: "f16",
    });
  });
  afterAll(async () => {
    await context.dispose();
    await weights.native.dispose();
  });

  async function evaluate(
    sequence: number,
    { from, tokens }: { from: number; tokens: readonly number[] },
  ): Promise<number> {
    context.beginBatch(tokens.length);
    const [place] = context.addToBatch(sequence, {
      position: from,
      tokens: Uint32Array.from(tokens),
      logitsFor: Uint32Array.of(tokens.length - 1),
    });
    await context.decode();
    return place!;
  }

  async function continueGreedily(
    sequence: number,
    { from, token, count }: { from: number; token: number; count: number },
  ) {
    const sampler = weights.native.takeSampler({ temperature: 0, seed: 0 });
    const generated: number[] = [];
    for (let next = token, position = from; generated.length < count; position += 1) {
      const place = await evaluate(sequence, { from: position, tokens: [next] });
      next = await context.sample(place, sampler);
      generated.push(next);
    }
    sampler.dispose();
    return generated;
  }

  it("give up loading when they are told to, with the caller's reason", async () => {
    const reason = new Error("not wanted any more");
    const signal = AbortSignal.abort(reason);
    const options = { path, gpuLayers: 0, useMmap: false, signal } as const;
    await expect(openWeights(weights.library.llama, options)).rejects.toBe(reason);
  });

  it("tokenises without BOS and knows the special tokens", () => {
    expect(Array.from(weights.native.tokenize(golden.prompt, true))).toEqual(prompt.slice(1));
    expect(weights.native.specialTokens).toEqual({
      bos: 1,
      eos: 2,
      separator: undefined,
      fimPrefix: undefined,
      fimMiddle: undefined,
      fimSuffix: undefined,
    });
    expect(weights.native.isEndOfGeneration(2)).toBe(true);
    expect(weights.native.prependsBos).toBe(true);
  });

  it("scores a token from raw logits: llama-server's own figure for the first token", async () => {
    const place = await evaluate(0, { from: 0, tokens: prompt });
    const score = await context.score(place, { token: first, topCount: 5 });
    const [expected] = golden.tokens;
    const relative = attentionDifference(prompt.length);
    const error = logprobDifference({ relative, spread: storyModelSpread, logprob: expected!.logprob });
    expect(Math.abs(score.logprob - expected!.logprob)).toBeLessThan(error);
    expect(score.top.map(([id]) => id)).toEqual(expected!.top.map(([id]) => id));
    expect(score.top[0]![1]).toBe(score.logprob);
    // The other end of the vocabulary: a token that is not among the likeliest.
    const unlikely = await context.score(place, { token: 5, topCount: 0 });
    expect(unlikely.logprob).toBeLessThan(score.top[4]![1]);
    expect(unlikely.top).toEqual([]);
  });

  it("gives scores that biases, penalties and grammars of a sampler do not touch", async () => {
    const place = await evaluate(0, { from: prompt.length, tokens: [first] });
    const before = await context.score(place, { token: second, topCount: 1 });
    const sampler = weights.native.takeSampler({
      temperature: 0,
      seed: 0,
      tokenBiasKeys: Uint32Array.of(second),
      tokenBiasValues: Float32Array.of(-Infinity),
      grammarEvaluationState: weights.native.createGrammarState('root ::= "zebra"'),
    });
    const token = await context.sample(place, sampler);
    expect(weights.vocabulary.piece(token).text).toBe("z");
    expect(await context.score(place, { token: second, topCount: 1 })).toEqual(before);
    sampler.dispose();
  });

  it("gives probabilities that add up to one over the vocabulary", async () => {
    const place = await evaluate(0, { from: prompt.length + 1, tokens: [second] });
    const { top } = await context.score(place, { token: 0, topCount: 512 });
    expect(top.length).toBe(512);
    expect(top.reduce((sum, [, logprob]) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 3);
  });

  it("copies a sequence: the copy goes on as the original does", async () => {
    context.clear(0);
    await evaluate(0, { from: 0, tokens: prompt });
    await context.copy(1, 0);
    const start = { from: prompt.length, token: first, count: 12 };
    expect(await continueGreedily(0, start)).toEqual(generated.slice(1, 13));
    expect(await continueGreedily(1, start)).toEqual(generated.slice(1, 13));
  });

  it("cuts the end off a sequence and goes on from there as before", async () => {
    context.clear(0);
    await evaluate(0, { from: 0, tokens: prompt });
    const start = { from: prompt.length, token: first, count: 8 };
    const once = await continueGreedily(0, start);
    expect(context.trim(0, prompt.length)).toBe(true);
    expect(await continueGreedily(0, start)).toEqual(once);
  });

  it("saves a sequence to a file and reads it into another one", async () => {
    context.clear(0);
    await evaluate(0, { from: 0, tokens: prompt });
    const path = join(temporaryFolder("binding"), "sequence.state");
    expect(await context.save(0, { path, tokens: prompt })).toBeGreaterThan(1000);
    context.clear(2);
    await context.restore(2, { path, maxTokens: 512 });
    const start = { from: prompt.length, token: first, count: 8 };
    const original = await continueGreedily(0, start);
    expect(await continueGreedily(2, start)).toEqual(original);
  });

  /** Twelve tokens drawn at the same place by a sampler that is given back then. */
  async function draw(place: number, config: NativeSamplerConfig): Promise<number[]> {
    const sampler = weights.native.takeSampler(config);
    const drawn: number[] = [];
    for (let index = 0; index < 12; index += 1) drawn.push(await context.sample(place, sampler));
    weights.native.giveBackSampler(sampler);
    return drawn;
  }

  it("draws the same tokens for the same seed, with a sampler that was used as well", async () => {
    context.clear(0);
    const place = await evaluate(0, { from: 0, tokens: prompt });
    for (const seed of [0, 1, 7]) {
      const first = await draw(place, { temperature: 5, seed });
      expect(await draw(place, { temperature: 5, seed })).toEqual(first);
      expect(await draw(place, { temperature: 5, seed: 8 })).not.toEqual(first);
    }
  });

  it("keeps nothing of biases, penalties and grammars in a sampler that is used again", async () => {
    context.clear(0);
    const place = await evaluate(0, { from: 0, tokens: prompt });
    const plain = { temperature: 0, seed: 0 };
    const greedy = await draw(place, plain);
    const [token] = greedy as [number];
    const changed = await draw(place, {
      ...plain,
      topK: 3,
      minP: 0.1,
      repeatPenaltyTokens: Uint32Array.of(token),
      repeatPenaltyMaxTokens: 8,
      repeatPenalty: 9,
      tokenBiasKeys: Uint32Array.of(token),
      tokenBiasValues: Float32Array.of(-100),
      grammarEvaluationState: weights.native.createGrammarState('root ::= "x"*'),
    });
    expect(changed).not.toContain(token);
    expect(await draw(place, plain)).toEqual(greedy);
    const drawn = await draw(place, { temperature: 5, seed: 3 });
    await draw(place, { temperature: 5, seed: 3, topK: 1 });
    expect(await draw(place, { temperature: 5, seed: 3 })).toEqual(drawn);
  });

  it("lets a grammar accept tokens and says which could follow", () => {
    const state = weights.native.createGrammarState('start ::= "a" root\nroot ::= "b"+', "start");
    const ids = Array.from({ length: weights.vocabulary.size }, (_, id) => id);
    const [a, b, c] = ["a", "b", "c"].map((text) => ids.find((id) => weights.vocabulary.piece(id).text === text));
    expect(weights.native.grammarAllows(state, a!)).toBe(true);
    weights.native.grammarAccept(state, a!);
    expect(weights.native.grammarAllows(state, a!)).toBe(false);
    expect(weights.native.grammarAllows(state, b!)).toBe(true);
    expect(() => weights.native.grammarAccept(state, c!)).toThrow("grammar");
    expect(() => weights.native.createGrammarState("root ::= (")).toThrow("Failed to parse grammar");
  });

  it("reports the memory of weights and context", () => {
    expect(weights.native.memoryBytes).toBeGreaterThan(500_000);
    expect(context.memoryBytes).toBeGreaterThan(100_000);
  });
});
