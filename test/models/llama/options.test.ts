// Options that need a file or a shape of their own: LoRA adapters, and KV caches in blocks of 32 values.
import { afterEach, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import type { TokenLogprob } from "../../../src/domain/text.ts";
import { complete, testContext, textSpec } from "../../support/llama.ts";
import { halfPrecisionDifference, readReference, referencePath } from "../../support/reference-text.ts";
import { blockDifference, logprobDifference } from "../../support/tolerances.ts";

const { adapted = [], spread } = readReference("qwen3");
/** Heads of 32 values, which a cache in blocks needs. */
const path = referencePath("qwen3", "qwen3-f16.gguf");
/** Of rank 4, for the queries of the first layer. */
const adapter = referencePath("qwen3", "qwen3-lora-f32.gguf");
const prompt = adapted[0]!.ids;
const relative = halfPrecisionDifference(prompt.length);
const halfPrecision = relative * spread;

const backends: Backend[] = [];
afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
});

async function load(options: Partial<TextModelOptions>): Promise<Backend> {
  const backend = await createLlamaBackend(textSpec(path, { parallel: 2, ...options }), testContext());
  backends.push(backend);
  return backend;
}

/** Log-probabilities of a prompt's tokens: what the model makes of a text, without a choice of its own. */
async function scores(backend: Backend): Promise<number[]> {
  const request = { prompts: [prompt], echo: true, topLogprobs: 0, limits: { maxTokens: 0, stop: [] } };
  const { choices } = await complete(backend, request);
  return choices[0]!.logprobs.slice(1).map(({ logprob }: TokenLogprob) => logprob as number);
}

function largestDifference(one: readonly number[], other: readonly number[]): number {
  expect(one).toHaveLength(other.length);
  return Math.max(...one.map((value, index) => Math.abs(value - (other[index] as number))));
}

describe("a LoRA adapter", () => {
  it("changes the scores, the more the larger its scale, and not at scale 0", async () => {
    const base = await scores(await load({}));
    const at = async (scale: number): Promise<number> =>
      largestDifference(base, await scores(await load({ lora: [{ path: adapter, scale }] })));
    expect(await at(0)).toBeLessThan(1e-4);
    const half = await at(0.5);
    const whole = await at(1);
    expect(half).toBeGreaterThan(0.01);
    expect(whole).toBeGreaterThan(half);
  });

  it("changes the scores at scales 0.4 and 0.6 together as at scale 1", async () => {
    const one = await scores(await load({ lora: [{ path: adapter, scale: 1 }] }));
    const sum = await scores(
      await load({
        lora: [
          { path: adapter, scale: 0.4 },
          { path: adapter, scale: 0.6 },
        ],
      }),
    );
    expect(largestDifference(one, sum)).toBeLessThan(halfPrecision);
  });

  it.each(adapted)(
    "at scale $scale gives the scores of weights that it is merged into",
    async ({ scale, logprobs }) => {
      const own = await scores(await load({ flashAttention: false, lora: [{ path: adapter, scale }] }));
      expect(own).toHaveLength(logprobs.length);
      for (const [index, logprob] of logprobs.entries()) {
        const bound = logprobDifference({ relative, spread, logprob });
        expect(Math.abs(own[index]! - logprob)).toBeLessThan(bound);
      }
    },
  );

  it("changes the fingerprint", async () => {
    const { description } = await load({});
    const adapted = await load({ lora: [{ path: adapter, scale: 1 }] });
    expect(adapted.description.fingerprint).not.toBe(description.fingerprint);
  });

  it("is refused where it was made for another model", async () => {
    const spec = textSpec(referencePath("lfm2", "lfm2-f16.gguf"), { lora: [{ path: adapter, scale: 1 }] });
    await expect(createLlamaBackend(spec, testContext())).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringContaining("qwen3-lora-f32.gguf"),
    });
  });
});

describe("a KV cache in blocks", () => {
  it.each([
    ["q8_0", blockDifference(127) * spread + halfPrecision],
    ["q4_0", blockDifference(8) * spread + halfPrecision],
  ] as const)("of %s takes less memory and says nearly the same", async (kvCacheType, tolerance) => {
    const whole = await load({ contextSize: 4096, flashAttention: true });
    const blocks = await load({ contextSize: 4096, flashAttention: true, kvCacheType });
    expect(blocks.description.memoryBytes).toBeLessThan(whole.description.memoryBytes);
    const difference = largestDifference(await scores(whole), await scores(blocks));
    expect(difference).toBeLessThan(tolerance);
    expect(difference).toBeGreaterThan(0);
    const { choices, usage } = await complete(blocks, { prompts: [prompt], n: 2, bestOf: 2 });
    expect(usage.completionTokens).toBeGreaterThan(0);
    expect(choices[0]!.text).toBe(choices[1]!.text);
  });
});
