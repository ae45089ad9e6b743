// Options that need a file or a shape of their own: LoRA adapters, and KV caches in blocks of 32 values.
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { writeLlamaFixture } from "../../../scripts/build-models/fixtures.ts";
import { writeGguf, type MetadataValue } from "../../../scripts/build-models/formats/gguf.ts";
import { randomNormal } from "../../../scripts/build-models/formats/weights.ts";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import type { TokenLogprob } from "../../../src/domain/text.ts";
import { complete, testContext, textSpec } from "../../support/llama.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { blockDifference, roundingDifference } from "../../support/tolerances.ts";

const folder = temporaryFolder("options");
const path = join(folder, "model.gguf");
const adapter = join(folder, "adapter.gguf");
/** Heads of 64 values, as most published models have them. */
const shape = { layers: 2, width: 128, heads: 2, keyValueHeads: 1, feedForward: 256, context: 512 };

/** Standard deviation of the fixture's logits. */
const logitSpread = 2;
/** Its weights are float16, and what is multiplied by them is rounded to float16; feed-forward has the longest sums. */
const halfPrecision = roundingDifference("float16", shape.feedForward) * logitSpread;

/** An adapter of rank 4 for the queries of the first layer, as `convert_lora_to_gguf.py` writes one. */
function writeAdapter(): void {
  const rank = 4;
  const text = (value: string): MetadataValue => ({ type: "string", value });
  const metadata = new Map<string, MetadataValue>([
    ["general.type", text("adapter")],
    ["general.architecture", text("llama")],
    ["adapter.type", text("lora")],
    ["adapter.lora.alpha", { type: "float32", value: 8 }],
  ]);
  const tensor = (name: string, [inputs, outputs]: readonly [number, number]) => ({
    name: `blk.0.attn_q.weight.${name}`,
    dims: [inputs, outputs],
    type: "f32" as const,
    values: randomNormal(name, { length: inputs * outputs, std: 0.5 }),
  });
  const tensors = [tensor("lora_a", [shape.width, rank]), tensor("lora_b", [rank, shape.width])];
  writeGguf(adapter, { metadata, tensors });
}

const backends: Backend[] = [];
beforeAll(() => {
  writeLlamaFixture(path, { shape });
  writeAdapter();
});
afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
});

async function load(options: Partial<TextModelOptions>): Promise<Backend> {
  const backend = await createLlamaBackend(textSpec(path, { parallel: 2, ...options }), testContext());
  backends.push(backend);
  return backend;
}

const prompt = "A river runs past the old house, and the sun rises over the hills behind it.";

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

  it("changes the fingerprint", async () => {
    const { description } = await load({});
    const adapted = await load({ lora: [{ path: adapter, scale: 1 }] });
    expect(adapted.description.fingerprint).not.toBe(description.fingerprint);
  });

  it("is refused where it was made for another model", async () => {
    const other = join(folder, "other.gguf");
    writeLlamaFixture(other, { shape: { ...shape, width: 64, heads: 1 } });
    const spec = textSpec(other, { lora: [{ path: adapter, scale: 1 }] });
    await expect(createLlamaBackend(spec, testContext())).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringContaining("adapter.gguf"),
    });
  });
});

describe("a KV cache in blocks", () => {
  it.each([
    ["q8_0", blockDifference(127) * logitSpread + halfPrecision],
    ["q4_0", blockDifference(8) * logitSpread + halfPrecision],
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
