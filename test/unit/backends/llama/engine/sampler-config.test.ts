import { describe, expect, it } from "vitest";
import { choiceSeed, planSampler, continueSampler } from "../../../../../src/backends/llama/engine/sampler-config.ts";

const defaults = { temperature: 1, topP: 0.9, topK: 40, minP: 0.05, repeatPenalty: 1, maxTokens: 0 };
const base = { defaults, prompt: [1, 2, 3], seed: 7, contextSize: 512 };

describe("planSampler", () => {
  it("fills what the request leaves out with the model's defaults", () => {
    const { config } = planSampler({ ...base, sampling: { topP: 0.5 } });
    expect(config).toEqual({ temperature: 1, seed: 7, topK: 40, topP: 0.5, minP: expect.closeTo(0.05) });
  });

  it("draws nothing at temperature 0", () => {
    expect(planSampler({ ...base, sampling: { temperature: 0 } }).config).toEqual({ temperature: 0, seed: 7 });
  });

  it("leaves out samplers that would do nothing", () => {
    expect(planSampler({ ...base, sampling: { topP: 1, topK: 0, minP: 0 } }).config).toEqual({
      temperature: 1,
      seed: 7,
    });
  });

  it("counts presence and frequency from the first generated token over the whole context", () => {
    const { config, generatedPenalty } = planSampler({
      ...base,
      sampling: { presencePenalty: 1, frequencyPenalty: -0.5 },
    });
    expect(config).toMatchObject({
      repeatPenaltyTokens: new Uint32Array(0),
      repeatPenaltyMaxTokens: 512,
      repeatPenaltyPresencePenalty: 1,
      repeatPenaltyFrequencyPenalty: -0.5,
    });
    expect(generatedPenalty).toBeUndefined();
  });

  it("lets the repeat penalty begin with the last 64 tokens of the prompt", () => {
    const prompt = Array.from({ length: 100 }, (_, index) => index);
    const { config } = planSampler({ ...base, prompt, sampling: { repeatPenalty: 1.2 } });
    expect(config.repeatPenaltyTokens).toEqual(Uint32Array.from(prompt.slice(36)));
    expect(config.repeatPenaltyMaxTokens).toBe(64);
  });

  it("bans at -100 for good and passes other biases on", () => {
    const { config } = planSampler({
      ...base,
      sampling: {
        logitBias: [
          [5, -100],
          [6, 100],
          [7, -1.5],
        ],
      },
    });
    expect(config.tokenBiasKeys).toEqual(Uint32Array.of(5, 6, 7));
    expect(config.tokenBiasValues).toEqual(Float32Array.of(-Infinity, 100, -1.5));
  });
});

describe("continueSampler", () => {
  it("adds presence and frequency to the caller's biases and keeps the window of the repeat penalty", () => {
    const plan = planSampler({
      ...base,
      sampling: { repeatPenalty: 1.1, presencePenalty: 1, frequencyPenalty: 0.5, logitBias: [[9, 2]] },
    });
    const config = continueSampler(plan, { prompt: [1, 2, 3], generated: [9, 4, 9] });
    expect(config.repeatPenaltyTokens).toEqual(Uint32Array.of(1, 2, 3, 9, 4, 9));
    expect(
      Object.fromEntries([...config.tokenBiasKeys!].map((key, index) => [key, config.tokenBiasValues![index]])),
    ).toEqual({
      9: 0,
      4: -1.5,
    });
  });

  it("tells the native sampler no more than its window", () => {
    const plan = planSampler({ ...base, sampling: { repeatPenalty: 1.1, presencePenalty: 1 } });
    const generated = Array.from({ length: 70 }, (_, index) => index);
    expect(continueSampler(plan, { prompt: [1], generated }).repeatPenaltyTokens).toEqual(
      Uint32Array.from(generated.slice(6)),
    );
  });
});

describe("choiceSeed", () => {
  it("counts up from the request's seed, within 32 bits, whatever its sign and size", () => {
    expect([0, 1, 2].map((index) => choiceSeed(41, index))).toEqual([41, 42, 43]);
    expect(choiceSeed(-1, 1)).toBe(0);
    expect(choiceSeed(2 ** 40 + 5, 0)).toBe(5);
  });

  it("avoids the value that means random to llama.cpp", () => {
    expect(choiceSeed(-1, 0)).toBe(0xffff_fffe);
    expect(choiceSeed(0xffff_ffff, 0)).toBe(0xffff_fffe);
  });
});
