// One encoder in two files: a BERT as GGUF, served by the llama backend, and its ONNX twin with the same weights, served by
// the embedding backend. Two engines and two tokenizers that know nothing of each other have to agree.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type BertGgufFixtureOptions,
  writeBertGgufFixture,
  writeEmbeddingFixture,
} from "../../../scripts/build-models/fixtures.ts";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { EmbeddingRequest } from "../../../src/domain/embedding.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import { cosine, embed, openEmbedding, rowsOf } from "../../support/embedding.ts";
import { testContext, textDefaults, textSpec } from "../../support/llama.ts";
import { none, type Requirement } from "../../support/skips/requires.ts";
import { shared, sharedPath } from "../../support/shared.ts";

const root = mkdtempSync(join(tmpdir(), "hearth-gguf-encoder-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const sizes = { layers: 3, width: 64, heads: 4, feedForward: 128 };
const embeddingOptions: TextModelOptions["embeddingOptions"] = {
  ...textDefaults.embeddingOptions,
  truncation: "truncate",
};

/** Writes and opens both files. `fixture` = which tokenizer, seed and format. */
async function openTwins(
  fixture: BertGgufFixtureOptions,
  options: { readonly positions?: number; readonly text?: Partial<TextModelOptions> } = {},
): Promise<{ readonly gguf: Backend; readonly onnx: Backend }> {
  const { type = "f32", ...common } = fixture;
  const shape = { ...sizes, positions: options.positions ?? 128 };
  const folder = mkdtempSync(join(root, "twins-"));
  const path = join(folder, "encoder.gguf");
  writeBertGgufFixture(path, { shape, ...common, type });
  writeEmbeddingFixture(join(folder, "onnx-twin"), { shape, ...common });
  const gguf = await createLlamaBackend(
    textSpec(path, { embedding: true, embeddingOptions, ...options.text }),
    testContext(),
  );
  return { gguf, onnx: await openEmbedding(join(folder, "onnx-twin")) };
}

const texts = [
  ["lower case", "a quiet river runs to the sea"],
  ["upper and mixed case", "The Sun ROSE over the Hills; NASA and McDonald watched."],
  ["accents, composed", "Crème brûlée à la façon de Zoë, naïve Übergrößen, señor Núñez, Đặng, žluťoučký kůň"],
  ["accents, decomposed", "Cre\u0300me bru\u0302le\u0301e, A\u030angstro\u0308m"],
  ["Chinese without spaces", "我们学校的先生说今天天气好。"],
  ["Japanese", "日本語の本を読みます。カタカナもあります"],
  ["Korean", "안녕하세요 세계"],
  ["Korean in single letters", "안녕하세요 세계".normalize("NFD")],
  ["Cyrillic and Greek", "Москва слезам не верит, Ελλάδα και θάλασσα"],
  ["Hebrew and Arabic", "שלום עולם, مرحبا بالعالم"],
  [
    "digits and punctuation",
    "It's 3.14159 - (approximately) 22/7; e-mail: a_b@c.example, 50% off! $5 + 7 = 12 ^ ~ `x`",
  ],
  ["an emoji between words", "hello 🙂 world 👩‍👩‍👧 end"],
  ["white space of every kind", "  two\t tabs\n\nlines\u00a0and\u3000spaces  "],
  ["words that are not in the vocabulary", "qqxz ᚠᚢᚦ 𝔘𝔫𝔦 hello"],
  ["one letter", "x"],
  ["what looks like a special token", "[CLASS] is [unused1]"],
  ["special tokens", "[SEP] not [MASK]ed, [CLS] and [UNK]"],
  ["the special tokens that stand around a text", "[CLS] a river [SEP]"],
] as const;

/** 1 - cosine between the two engines' vectors. */
async function distance(twins: { readonly gguf: Backend; readonly onnx: Backend }, text: string): Promise<number> {
  const [gguf] = rowsOf(await embed(twins.gguf, { inputs: [text] }));
  const [onnx] = rowsOf(await embed(twins.onnx, { inputs: [text] }));
  return 1 - cosine(gguf as Float32Array, onnx as Float32Array);
}

const vocabularies: readonly (readonly [string, BertGgufFixtureOptions, Requirement?])[] = [
  ["a vocabulary of our own", { seed: 3 }],
  [
    "the vocabulary of bert-base-uncased",
    { seed: 4, tokenizerFrom: sharedPath("models", "bert-uncased-tokenizer") },
    shared("models", "bert-uncased-tokenizer"),
  ],
];

for (const [name, fixture, requirement = none] of vocabularies) {
  describe.skipIf(!requirement.isMet)(`a BERT in GGUF and in ONNX, with ${name}${requirement.note}`, () => {
    let twins: Awaited<ReturnType<typeof openTwins>>;
    beforeAll(async () => {
      twins = await openTwins(fixture);
    });
    afterAll(async () => {
      await twins.gguf.dispose();
      await twins.onnx.dispose();
    });

    it("says what it is", () => {
      expect(twins.gguf.description).toMatchObject({
        operations: ["embedding"],
        facts: { architecture: "bert", context_length: 128, embedding_dimensions: 64, quantization: "F32" },
      });
    });

    it.each(texts)("agree on the vector and the tokens of %s", async (_name, text) => {
      const gguf = await embed(twins.gguf, { inputs: [text] });
      const onnx = await embed(twins.onnx, { inputs: [text] });
      expect(gguf.promptTokens).toBe(onnx.promptTokens);
      expect(1 - cosine(gguf.vectors, onnx.vectors)).toBeLessThan(1e-5);
    });

    it("tell different texts apart by far more than they disagree", async () => {
      const [river, hills] = rowsOf(await embed(twins.gguf, { inputs: [texts[0][1], texts[1][1]] }));
      expect(1 - cosine(river as Float32Array, hills as Float32Array)).toBeGreaterThan(0.01);
    });

    it("agree on many texts in one request, in their order", async () => {
      const inputs = texts.map(([, text]) => text);
      const gguf = await embed(twins.gguf, { inputs });
      const onnx = await embed(twins.onnx, { inputs });
      expect(gguf.promptTokens).toBe(onnx.promptTokens);
      const expected = rowsOf(onnx);
      for (const [i, row] of rowsOf(gguf).entries()) {
        expect(1 - cosine(row, expected[i] as Float32Array)).toBeLessThan(1e-5);
      }
    });

    it("frame token ids with [CLS] and [SEP] as they frame texts", async () => {
      const inputs = [[60, 61, 62, 63]];
      const gguf = await embed(twins.gguf, { inputs });
      const onnx = await embed(twins.onnx, { inputs });
      expect(gguf.promptTokens).toBe(onnx.promptTokens);
      expect(1 - cosine(gguf.vectors, onnx.vectors)).toBeLessThan(1e-5);
    });

    it("cut a long text to 128 tokens and keep its [SEP]", async () => {
      const inputs = [Array.from({ length: 300 }, (_, i) => `river ${i % 10}`).join(" ")];
      const gguf = await embed(twins.gguf, { inputs });
      const onnx = await embed(twins.onnx, { inputs });
      expect([gguf.promptTokens, onnx.promptTokens]).toEqual([128, 128]);
      expect(1 - cosine(gguf.vectors, onnx.vectors)).toBeLessThan(1e-5);
    });
  });
}

describe("a BERT in GGUF", () => {
  it("puts the prefix before a text unless the caller wrote it, as its twin does", async () => {
    const prefixes = { queryPrefix: "query: ", passagePrefix: "passage: ", defaultInputType: "passage" } as const;
    const twins = await openTwins({ seed: 7 }, { text: { embeddingOptions: { ...embeddingOptions, ...prefixes } } });
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
    const twins = await openTwins({ seed: 8 }, { positions: 512 });
    try {
      const text = Array.from({ length: 400 }, (_, i) => ["river", "sun", "old", "house"][i % 4]).join(" ");
      const order: string[] = [];
      const large = embed(twins.gguf, { inputs: Array.from({ length: 24 }, () => text) }).then(() =>
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

  it("in Q8_0 stays within 1e-3 of the float32 twin and says its format", async () => {
    const twins = await openTwins({ seed: 5, type: "q8_0" });
    try {
      expect(twins.gguf.description.facts["quantization"]).toBe("Q8_0");
      for (const [, text] of texts) expect(await distance(twins, text)).toBeLessThan(1e-3);
    } finally {
      await twins.gguf.dispose();
      await twins.onnx.dispose();
    }
  });

  it("agrees with its twin over its whole context of 512, without flash attention too", async () => {
    const text = Array.from({ length: 500 }, (_, i) => ["river", "sun", "old", "house"][i % 4]).join(" ");
    for (const flashAttention of [true, false] as const) {
      const twins = await openTwins({ seed: 6 }, { positions: 512, text: { flashAttention } });
      try {
        expect(await distance(twins, text)).toBeLessThan(1e-5);
      } finally {
        await twins.gguf.dispose();
        await twins.onnx.dispose();
      }
    }
  });
});
