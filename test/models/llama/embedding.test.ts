// One encoder in two files (scripts/fixtures/text/families/bert.py): a BERT as GGUF, served by the llama backend, and its ONNX twin with
// the same weights, served by the embedding backend. The two engines and tokenizers, which share no code, have to agree with each other
// and with sentence-transformers.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { EmbeddingPolicyOptions } from "../../../src/backends/common/embedding-policy.ts";
import type { EmbeddingRequest } from "../../../src/domain/embedding.ts";
import type { ServerError } from "../../../src/domain/errors.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import { cosine, embed, openEmbedding, rowsOf } from "../../support/embedding.ts";
import { testContext, textDefaults, textSpec } from "../../support/llama.ts";
import { readReferenceVectors, referencePath } from "../../support/reference-text.ts";
import { attentionDifference, cosineDifference } from "../../support/tolerances.ts";

const { embedded } = readReferenceVectors("bert");
const embeddingOptions: TextModelOptions["embeddingOptions"] = {
  ...textDefaults.embeddingOptions,
  truncation: "truncate",
};

/** Opens both files. */
async function openTwins(
  options: {
    readonly text?: Partial<TextModelOptions>;
    /** For both. */
    readonly policy?: Partial<EmbeddingPolicyOptions>;
  } = {},
): Promise<Twins> {
  const gguf = await createLlamaBackend(
    textSpec(referencePath("bert", "bert-f32.gguf"), {
      embedding: true,
      embeddingOptions: { ...embeddingOptions, ...options.policy },
      ...options.text,
    }),
    testContext(),
  );
  const onnx = await openEmbedding(referencePath("bert", "sentence-transformers"), { options: options.policy ?? {} });
  return { gguf, onnx };
}

interface Twins {
  readonly gguf: Backend;
  readonly onnx: Backend;
}

/** llama.cpp's attention over 256 tokens at most. */
const tolerance = cosineDifference(attentionDifference(256));

const texts = embedded.map(({ text }) => text);

/** 1 - cosine between the two engines' vectors. */
async function distance(twins: Twins, text: string): Promise<number> {
  const [gguf] = rowsOf(await embed(twins.gguf, { inputs: [text] }));
  const [onnx] = rowsOf(await embed(twins.onnx, { inputs: [text] }));
  return 1 - cosine(gguf as Float32Array, onnx as Float32Array);
}

describe("a BERT in GGUF and in ONNX", () => {
  let twins: Twins;
  beforeAll(async () => {
    twins = await openTwins();
  });
  afterAll(async () => {
    await twins.gguf.dispose();
    await twins.onnx.dispose();
  });

  it("says what it is", () => {
    expect(twins.gguf.description).toMatchObject({
      operations: ["embedding"],
      facts: { architecture: "bert", context_length: 256, embedding_dimensions: 32, quantization: "F32" },
    });
  });

  it.each(embedded)("have sentence-transformers' vector and tokens of $text", async ({ text, ids, vector }) => {
    for (const backend of [twins.gguf, twins.onnx]) {
      const { vectors, promptTokens } = await embed(backend, { inputs: [text] });
      expect(promptTokens).toBe(ids.length);
      expect(1 - cosine(vectors, vector)).toBeLessThan(tolerance);
    }
  });

  it.each(texts)("agree on the vector and the tokens of %s", async (text) => {
    const gguf = await embed(twins.gguf, { inputs: [text] });
    const onnx = await embed(twins.onnx, { inputs: [text] });
    expect(gguf.promptTokens).toBe(onnx.promptTokens);
    expect(1 - cosine(gguf.vectors, onnx.vectors)).toBeLessThan(tolerance);
  });

  it("tell different texts apart by far more than they disagree", async () => {
    const [river, hills] = rowsOf(await embed(twins.gguf, { inputs: texts.slice(0, 2) }));
    expect(1 - cosine(river as Float32Array, hills as Float32Array)).toBeGreaterThan(0.01);
  });

  it("agree on many texts in one request, in their order", async () => {
    const gguf = await embed(twins.gguf, { inputs: texts });
    const onnx = await embed(twins.onnx, { inputs: texts });
    expect(gguf.promptTokens).toBe(onnx.promptTokens);
    const expected = rowsOf(onnx);
    for (const [i, row] of rowsOf(gguf).entries()) {
      expect(1 - cosine(row, expected[i] as Float32Array)).toBeLessThan(tolerance);
    }
  });

  it("frame token ids with [CLS] and [SEP] as they frame texts", async () => {
    const inputs = [[60, 61, 62, 63]];
    const gguf = await embed(twins.gguf, { inputs });
    const onnx = await embed(twins.onnx, { inputs });
    expect(gguf.promptTokens).toBe(onnx.promptTokens);
    expect(1 - cosine(gguf.vectors, onnx.vectors)).toBeLessThan(tolerance);
  });

  it("cut a long text to 256 tokens and keep its [SEP]", async () => {
    const inputs = [Array.from({ length: 300 }, (_, i) => `river ${i % 10}`).join(" ")];
    const gguf = await embed(twins.gguf, { inputs });
    const onnx = await embed(twins.onnx, { inputs });
    expect([gguf.promptTokens, onnx.promptTokens]).toEqual([256, 256]);
    expect(1 - cosine(gguf.vectors, onnx.vectors)).toBeLessThan(tolerance);
  });
});

describe("the policy for requests", () => {
  const e5 = { queryPrefix: "query: ", passagePrefix: "passage: ", defaultPrefix: "query: " } as const;
  const long = Array.from({ length: 300 }, (_, i) => `river ${i % 10}`).join(" ");
  const cases: readonly (readonly [string, Partial<EmbeddingPolicyOptions>, EmbeddingRequest])[] = [
    ["a text", {}, { inputs: ["a river"] }],
    ["no inputs", {}, { inputs: [] }],
    ["an empty text", {}, { inputs: ["a", ""] }],
    ["an empty list of ids", {}, { inputs: [[]] }],
    ["a text of spaces", {}, { inputs: ["   "] }],
    ["ids", {}, { inputs: [[60, 61, 62]] }],
    ["ids that are framed already", {}, { inputs: [[2, 60, 61, 3]] }],
    ["an id outside the vocabulary", {}, { inputs: ["a", [60, 100_000]] }],
    ["an id that is none", {}, { inputs: [[-1]] }],
    ["the default role", e5, { inputs: ["a river", "query: a river", "passage: a river", "query:a river"] }],
    ["another role", e5, { inputs: ["a river", "query: a river", "passage: a river"], inputType: "passage" }],
    ["no role", e5, { inputs: ["a river", "query: a river"], inputType: "none" }],
    ["a prefix before ids", e5, { inputs: [[60, 61]] }],
    ["a long text that is cut", {}, { inputs: [long] }],
    ["many ids that are cut", {}, { inputs: [Array.from({ length: 600 }, (_, i) => 60 + (i % 9))] }],
    ["a long text that is refused", { truncation: "error" }, { inputs: ["a", long] }],
    ["a long text that the request refuses", {}, { inputs: ["a", long], truncate: false }],
    ["a long text that the request cuts", { truncation: "error" }, { inputs: ["a", long], truncate: true }],
    ["many ids that are refused", { truncation: "error", ...e5 }, { inputs: [Array.from({ length: 600 }, () => 60)] }],
    ["all dimensions", {}, { inputs: ["a river"], dimensions: 32 }],
    ["fewer dimensions than a model allows that cannot be cut", {}, { inputs: ["a river"], dimensions: 16 }],
    ["more dimensions than there are, of a model that cannot be cut", {}, { inputs: ["a river"], dimensions: 33 }],
    ["fewer dimensions", { dimensions: 8 }, { inputs: ["a river", "the sun"], dimensions: 16 }],
    ["the fewest dimensions", { dimensions: 8 }, { inputs: ["a river"], dimensions: 8 }],
    ["too few dimensions", { dimensions: 8 }, { inputs: ["a river"], dimensions: 7 }],
    ["too many dimensions", { dimensions: 8 }, { inputs: ["a river"], dimensions: 33 }],
    ["half a dimension", { dimensions: 8 }, { inputs: ["a river"], dimensions: 8.5 }],
    ["vectors of any length", { normalize: false }, { inputs: ["a river"] }],
    ["vectors of any length, cut", { normalize: false, dimensions: 8 }, { inputs: ["a river"], dimensions: 16 }],
  ];

  /** What a caller sees, vectors apart. */
  async function outcome(backend: Backend, request: EmbeddingRequest): Promise<unknown> {
    return embed(backend, request).then(
      ({ dimensions, promptTokens, vectors }) => ({ dimensions, promptTokens, values: vectors.length }),
      ({ kind, message, param }: ServerError) => ({ kind, message, param }),
    );
  }

  const opened = new Map<string, Promise<Twins>>();
  afterAll(async () => {
    for (const twins of opened.values()) {
      const { gguf, onnx } = await twins;
      await gguf.dispose();
      await onnx.dispose();
    }
  });

  it.each(cases)("is one for GGUF and ONNX: %s", async (_name, policy, request) => {
    const key = JSON.stringify(policy);
    if (!opened.has(key)) opened.set(key, openTwins({ policy }));
    const { gguf, onnx } = await opened.get(key)!;
    const answer = await outcome(gguf, request);
    expect(answer).toEqual(await outcome(onnx, request));
    if (typeof answer === "object" && answer !== null && "kind" in answer) return;
    const rows = rowsOf(await embed(gguf, request));
    for (const [i, row] of rowsOf(await embed(onnx, request)).entries()) {
      expect(1 - cosine(row, rows[i]!)).toBeLessThan(1e-5);
      // The folder's own Normalize module is not turned off by an option; a GGUF has none.
      if (policy.normalize === false) continue;
      expect(Math.hypot(...row) / Math.hypot(...rows[i]!)).toBeCloseTo(1, 3);
      expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    }
  });

  it("gives times of every phase", async () => {
    const { gguf, onnx } = await openTwins();
    for (const backend of [gguf, onnx]) {
      const { timings } = await embed(backend, { inputs: ["a river", "the sun"] });
      expect(timings.inferenceMs).toBeGreaterThan(0);
      expect(timings.tokenizeMs).toBeGreaterThan(0);
      expect(timings.queueMs).toBeGreaterThanOrEqual(0);
      await backend.dispose();
    }
  });
});

describe("a BERT in GGUF", () => {
  it("puts the prefix before a text unless the caller wrote it, as its twin does", async () => {
    const prefixes = { queryPrefix: "query: ", passagePrefix: "passage: ", defaultPrefix: "passage: " } as const;
    const twins = await openTwins({ text: { embeddingOptions: { ...embeddingOptions, ...prefixes } } });
    try {
      const tokens = async (request: EmbeddingRequest): Promise<number> =>
        (await embed(twins.gguf, request)).promptTokens;
      const bare = (await embed(twins.onnx, { inputs: ["query: a river"] })).promptTokens;
      const passage = (await embed(twins.onnx, { inputs: ["passage: a river"] })).promptTokens;
      const doubled = (await embed(twins.onnx, { inputs: ["passage: query: a river"] })).promptTokens;
      expect(await tokens({ inputs: ["a river"] })).toBe(passage);
      expect(await tokens({ inputs: ["passage: a river"] })).toBe(passage);
      // Without a role any of the model's prefixes counts, with one only its own.
      expect(await tokens({ inputs: ["query: a river"] })).toBe(bare);
      expect(await tokens({ inputs: ["query:a river"] })).toBe(bare);
      expect(await tokens({ inputs: ["query: a river"], inputType: "passage" })).toBe(doubled);
      expect(await tokens({ inputs: ["a river"], inputType: "query" })).toBe(bare);
    } finally {
      await twins.gguf.dispose();
      await twins.onnx.dispose();
    }
  });

  it("answers a small request while a large one is running", async () => {
    const twins = await openTwins();
    try {
      const text = Array.from({ length: 200 }, (_, i) => ["river", "sun", "old", "house"][i % 4]).join(" ");
      const order: string[] = [];
      const large = embed(twins.gguf, { inputs: Array.from({ length: 48 }, () => text) }).then(() =>
        order.push("large"),
      );
      const small = embed(twins.gguf, { inputs: ["a river"] }).then(() => order.push("small"));
      await Promise.all([large, small]);
      expect(order).toEqual(["small", "large"]);
    } finally {
      await twins.gguf.dispose();
      await twins.onnx.dispose();
    }
  });

  it("agrees with its twin over its whole context of 256, without flash attention too", async () => {
    const text = Array.from({ length: 250 }, (_, i) => ["river", "sun", "old", "house"][i % 4]).join(" ");
    for (const flashAttention of [true, false] as const) {
      const twins = await openTwins({ text: { flashAttention } });
      try {
        expect(await distance(twins, text)).toBeLessThan(cosineDifference(attentionDifference(256)));
      } finally {
        await twins.gguf.dispose();
        await twins.onnx.dispose();
      }
    }
  });
});
