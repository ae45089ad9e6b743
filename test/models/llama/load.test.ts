// Loading: facts and fingerprint of a model, embeddings from a GGUF, and broken files, which must not end the process.
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import { createContext, loadWeights } from "../../../src/backends/llama/load/load-model.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { EmbeddingResult } from "../../../src/domain/embedding.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import { testContext, textDefaults, textSpec, embedTexts } from "../../support/llama.ts";
import { attentionDifference, cosineDifference } from "../../support/tolerances.ts";
import { storyModel, storyShape } from "../../support/story-model.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const path = storyModel;
const { width } = storyShape;

describe("loading a text model", () => {
  const backends: Backend[] = [];

  async function load(options: Partial<TextModelOptions> = {}, file = path): Promise<Backend> {
    const backend = await createLlamaBackend(textSpec(file, options), testContext());
    backends.push(backend);
    return backend;
  }
  afterEach(async () => {
    await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
  });

  it("describes what was loaded", async () => {
    const { description } = await load({ parallel: 2 });
    expect(description).toMatchObject({
      operations: ["chat", "completion", "apply-template"],
      device: "cpu",
      fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/),
      facts: {
        architecture: "llama",
        context_length: 512,
        vocabulary_size: 512,
        embedding_dimensions: width,
        quantization: "F32",
        parameters: 125_520,
        parallel: 2,
      },
    });
    expect(description.memoryBytes).toBeGreaterThan(4 * 125_520);
  });

  it("gives another fingerprint to other threads and another cache type, and the same one to the same", async () => {
    const fingerprint = async (options: Partial<TextModelOptions>): Promise<string> =>
      (await load(options)).description.fingerprint;
    const base = await fingerprint({});
    expect(await fingerprint({})).toBe(base);
    expect(await fingerprint({ threads: 2 })).not.toBe(base);
    expect(await fingerprint({ kvCacheType: "f32" })).not.toBe(base);
  });

  it("says why a configured GPU is not used", async () => {
    const { description } = await load({ gpuLayers: "max" });
    if (description.device === "cpu") expect(description.deviceNote).toMatch(/no usable GPU/);
    else expect(description.deviceNote).toBeUndefined();
  });

  it("says what llama.cpp says when it refuses a context", async () => {
    // The heads of this model are 8 wide, and q8_0 packs 32 values.
    await expect(load({ kvCacheType: "q8_0", flashAttention: true })).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringMatching(/a context of 4 x 512 tokens cannot be created .*llama.cpp says: .*q8_0/),
    });
  });

  it("holds the KV cache in the configured type", async () => {
    const bytes = async (kvCacheType: TextModelOptions["kvCacheType"]): Promise<number> =>
      (await load({ kvCacheType, contextSize: 2048 })).description.memoryBytes;
    // 4 sequences x 2048 tokens x 3 layers x 2 x 24 values, in 4 bytes or in 2; the compute buffers differ a little as well.
    const values = 4 * 2048 * 3 * 2 * 24;
    const difference = (await bytes("f32")) - (await bytes("f16"));
    expect(difference).toBeGreaterThanOrEqual(values * 2);
    expect(difference).toBeLessThan(values * 2.2);
  });

  it("finds the number of threads by itself and keeps the answer", async () => {
    const context = testContext();
    const spec = textSpec(path, { threads: 0 });
    const backend = await createLlamaBackend(spec, context);
    backends.push(backend);
    expect(backend.description.facts["threads"]).toBeGreaterThanOrEqual(1);
  });

  it.each([
    ["cut off within its weights", (file: string) => truncateSync(file, 400_000)],
    ["cut off within its head", (file: string) => truncateSync(file, 5000)],
    ["of an unknown architecture", (file: string) => replace(file, "llama", "lamma")],
  ])("refuses a file that is %s, with the reason", async (_, damage) => {
    const file = join(temporaryFolder("load"), "model.gguf");
    copyFileSync(path, file);
    damage(file);
    await expect(load({}, file)).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringMatching(/cannot be loaded: .+\.$/),
    });
  });

  it("refuses a LoRA adapter and a draft model that cannot be read", async () => {
    await expect(load({ lora: [{ path: "/nowhere/lora.gguf", scale: 1 }] })).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringContaining("/nowhere/lora.gguf"),
    });
    await expect(load({ draftModel: "/nowhere/draft.gguf" })).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringContaining("/nowhere/draft.gguf"),
    });
  });

  it("refuses a chat template that is neither text nor file", async () => {
    await expect(load({ chatTemplate: "/nowhere/template.jinja" })).rejects.toMatchObject({
      kind: "model_load_failed",
    });
  });

  describe("for embeddings", () => {
    const options = (more: Partial<TextModelOptions["embeddingOptions"]> = {}): Partial<TextModelOptions> => ({
      embedding: true,
      embeddingOptions: { ...textDefaults.embeddingOptions, ...more },
    });
    const cosine = (result: EmbeddingResult, first: number, second: number): number => {
      const at = (row: number) => result.vectors.subarray(row * result.dimensions, (row + 1) * result.dimensions);
      return at(first).reduce((sum, value, index) => sum + value * at(second)[index]!, 0);
    };

    it("gives normalised vectors, equal for equal inputs, in the order of the inputs", async () => {
      const backend = await load(options());
      expect(backend.description.operations).toEqual(["embedding"]);
      const inputs = ["The dog ran.", "A red ball", "The dog ran.", [1, 403, 407]];
      const result = await embedTexts(backend, { inputs });
      expect(result.dimensions).toBe(width);
      expect(result.vectors).toHaveLength(4 * width);
      for (const row of [0, 1, 2, 3]) expect(cosine(result, row, row)).toBeCloseTo(1, 4);
      const same = 1 - cosineDifference(attentionDifference(result.promptTokens));
      expect(cosine(result, 0, 2)).toBeGreaterThan(same);
      expect(cosine(result, 0, 1)).toBeLessThan(0.999);
      const alone = await embedTexts(backend, { inputs: ["A red ball"] });
      const both = {
        ...alone,
        vectors: Float32Array.of(...alone.vectors, ...result.vectors.subarray(width, 2 * width)),
      };
      expect(cosine(both, 0, 1)).toBeGreaterThan(same);
    });

    it("puts the role's prefix before the input and counts it", async () => {
      const backend = await load(options({ queryPrefix: "query: " }));
      const plain = await embedTexts(backend, { inputs: ["dog"] });
      const query = await embedTexts(backend, { inputs: ["dog"], inputType: "query" });
      expect(query.promptTokens).toBeGreaterThan(plain.promptTokens);
      const written = await embedTexts(backend, { inputs: ["query: dog"] });
      expect([...query.vectors]).toEqual([...written.vectors]);
    });

    it("refuses or truncates what is too long, as configured", async () => {
      const long = Array.from({ length: 600 }, () => "dog").join(" ");
      await expect(embedTexts(await load(options()), { inputs: ["a", long] })).rejects.toMatchObject({
        kind: "context_length_exceeded",
        param: "inputs[1]",
      });
      const truncating = await load(options({ truncation: "truncate", maxTokens: 32 }));
      expect((await embedTexts(truncating, { inputs: [long] })).promptTokens).toBe(32);
      const huge = "dog ".repeat(500_000);
      expect((await embedTexts(truncating, { inputs: [huge] })).promptTokens).toBe(32);
      await expect(embedTexts(await load(options()), { inputs: [huge] })).rejects.toMatchObject({
        kind: "context_length_exceeded",
        message: expect.stringMatching(/requested at least \d{4,} tokens/),
      });
    });

    it("gives the same vector whether the input is read at once or in pieces", async () => {
      const input = Array.from({ length: 90 }, (_, index) => 260 + index);
      const whole = await embedTexts(await load(options()), { inputs: [input] });
      const pieces = await embedTexts(await load({ ...options(), batchSize: 16 }), { inputs: [input] });
      const similarity = whole.vectors.reduce((sum, value, index) => sum + value * pieces.vectors[index]!, 0);
      expect(similarity).toBeGreaterThan(1 - cosineDifference(attentionDifference(input.length)));
    });

    it("cuts to fewer dimensions only where the model was configured for it", async () => {
      await expect(embedTexts(await load(options()), { inputs: ["a"], dimensions: 16 })).rejects.toMatchObject({
        kind: "unsupported_parameter",
      });
      const cutting = await load(options({ dimensions: 8 }));
      const { vectors, dimensions } = await embedTexts(cutting, { inputs: ["a"], dimensions: 16 });
      expect(dimensions).toBe(16);
      expect(vectors.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4);
      await expect(embedTexts(cutting, { inputs: ["a"], dimensions: 65 })).rejects.toMatchObject({
        kind: "invalid_value",
      });
    });

    it("refuses token ids that are not the model's", async () => {
      await expect(embedTexts(await load(options()), { inputs: ["a", [1, 700]] })).rejects.toMatchObject({
        kind: "invalid_value",
        param: "inputs[1][1]",
      });
    });
  });
});

function replace(file: string, from: string, to: string): void {
  const bytes = readFileSync(file);
  let index = bytes.indexOf(from);
  while (index !== -1) {
    bytes.write(to, index);
    index = bytes.indexOf(from, index + to.length);
  }
  writeFileSync(file, bytes);
}

describe("a model whose weights are on a GPU", () => {
  it("has the GPU given up when a batch fails there or its context cannot be had, with the reason", async () => {
    const weights = await loadWeights({ path, options: textDefaults }, testContext());
    const reasons: string[] = [];
    const giveUp = (reason: string): Promise<never> => {
      reasons.push(reason);
      return Promise.reject(new Error("the process has ended"));
    };
    const parameters = {
      path,
      contextSize: 256,
      sequences: 1,
      batchSize: 16,
      threads: 1,
      flashAttention: false,
      kvCacheType: "f16",
    } as const;
    const context = await createContext({ ...weights, giveUp }, parameters);
    expect(reasons, "the first token is computed without a fault").toEqual([]);
    // llama.cpp refuses a batch without tokens.
    context.beginBatch(1);
    await expect(context.decode()).rejects.toThrow("the process has ended");
    expect(reasons).toEqual(["a batch failed there (Eval has failed)"]);
    const impossible = { ...parameters, kvCacheType: "q8_0", flashAttention: true } as const;
    await expect(createContext({ ...weights, giveUp }, impossible)).rejects.toThrow("the process has ended");
    expect(reasons[1]).toMatch(/^a context of 1 x 256 tokens cannot be created \(/);
    await context.dispose();
    await weights.native.dispose();
  });
});
