// One encoder in two files: a BERT as GGUF, served by the llama backend, and its ONNX twin with the same weights, served by the
// embedding backend. The two engines and tokenizers, which share no code, have to agree.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type BertGgufFixtureOptions,
  writeBertGgufFixture,
  writeEmbeddingFixture,
} from "../../../scripts/build-models/fixtures.ts";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { EmbeddingPolicyOptions } from "../../../src/backends/common/embedding-policy.ts";
import type { EmbeddingRequest } from "../../../src/domain/embedding.ts";
import type { ServerError } from "../../../src/domain/errors.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import { cosine, embed, openEmbedding, rowsOf } from "../../support/embedding.ts";
import { testContext, textDefaults, textSpec } from "../../support/llama.ts";
import { sharedPath, shared } from "../../support/shared.ts";
import { attentionDifference, blockDifference, cosineDifference } from "../../support/tolerances.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { none, type Requirement } from "../../support/skips/requires.ts";

const sizes = { layers: 3, width: 64, heads: 4, feedForward: 128 };
const embeddingOptions: TextModelOptions["embeddingOptions"] = {
  ...textDefaults.embeddingOptions,
  truncation: "truncate",
};

/** Writes and opens both files. `fixture` = which tokenizer, seed and format. */
async function openTwins(
  fixture: BertGgufFixtureOptions,
  options: {
    readonly positions?: number;
    readonly text?: Partial<TextModelOptions>;
    /** For both. */
    readonly policy?: Partial<EmbeddingPolicyOptions>;
  } = {},
): Promise<Twins> {
  const { type = "f32", ...common } = fixture;
  const shape = { ...sizes, positions: options.positions ?? 128 };
  const folder = temporaryFolder("twins");
  const path = join(folder, "encoder.gguf");
  writeBertGgufFixture(path, { shape, ...common, type });
  writeEmbeddingFixture(join(folder, "onnx-twin"), { shape, ...common });
  const gguf = await createLlamaBackend(
    textSpec(path, {
      embedding: true,
      embeddingOptions: { ...embeddingOptions, ...options.policy },
      ...options.text,
    }),
    testContext(),
  );
  return { gguf, onnx: await openEmbedding(join(folder, "onnx-twin"), { options: options.policy ?? {} }) };
}

interface Twins {
  readonly gguf: Backend;
  readonly onnx: Backend;
}

/** llama.cpp's attention over 128 tokens at most. */
const tolerance = cosineDifference(attentionDifference(128));

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
async function distance(twins: Twins, text: string): Promise<number> {
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
      expect(1 - cosine(gguf.vectors, onnx.vectors)).toBeLessThan(tolerance);
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

    it("cut a long text to 128 tokens and keep its [SEP]", async () => {
      const inputs = [Array.from({ length: 300 }, (_, i) => `river ${i % 10}`).join(" ")];
      const gguf = await embed(twins.gguf, { inputs });
      const onnx = await embed(twins.onnx, { inputs });
      expect([gguf.promptTokens, onnx.promptTokens]).toEqual([128, 128]);
      expect(1 - cosine(gguf.vectors, onnx.vectors)).toBeLessThan(tolerance);
    });
  });
}

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
    ["many ids that are cut", {}, { inputs: [Array.from({ length: 300 }, (_, i) => 60 + (i % 9))] }],
    ["a long text that is refused", { truncation: "error" }, { inputs: ["a", long] }],
    ["a long text that the request refuses", {}, { inputs: ["a", long], truncate: false }],
    ["a long text that the request cuts", { truncation: "error" }, { inputs: ["a", long], truncate: true }],
    ["many ids that are refused", { truncation: "error", ...e5 }, { inputs: [Array.from({ length: 300 }, () => 60)] }],
    ["all dimensions", {}, { inputs: ["a river"], dimensions: 64 }],
    ["fewer dimensions than a model allows that cannot be cut", {}, { inputs: ["a river"], dimensions: 32 }],
    ["more dimensions than there are, of a model that cannot be cut", {}, { inputs: ["a river"], dimensions: 65 }],
    ["fewer dimensions", { dimensions: 8 }, { inputs: ["a river", "the sun"], dimensions: 16 }],
    ["the fewest dimensions", { dimensions: 8 }, { inputs: ["a river"], dimensions: 8 }],
    ["too few dimensions", { dimensions: 8 }, { inputs: ["a river"], dimensions: 7 }],
    ["too many dimensions", { dimensions: 8 }, { inputs: ["a river"], dimensions: 65 }],
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
    if (!opened.has(key)) opened.set(key, openTwins({ seed: 9 }, { policy }));
    const { gguf, onnx } = await opened.get(key)!;
    const answer = await outcome(gguf, request);
    expect(answer).toEqual(await outcome(onnx, request));
    if (typeof answer === "object" && answer !== null && "kind" in answer) return;
    const rows = rowsOf(await embed(gguf, request));
    for (const [i, row] of rowsOf(await embed(onnx, request)).entries()) {
      expect(1 - cosine(row, rows[i]!)).toBeLessThan(1e-5);
      expect(Math.hypot(...row) / Math.hypot(...rows[i]!)).toBeCloseTo(1, 3);
      if (policy.normalize !== false) expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    }
  });

  it("gives times of every phase", async () => {
    const { gguf, onnx } = await openTwins({ seed: 9 });
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

  it("in Q8_0 stays near the float32 twin and says its format", async () => {
    const twins = await openTwins({ seed: 5, type: "q8_0" });
    try {
      expect(twins.gguf.description.facts["quantization"]).toBe("Q8_0");
      for (const [, text] of texts)
        expect(await distance(twins, text)).toBeLessThan(cosineDifference(blockDifference(127)) + tolerance);
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
        expect(await distance(twins, text)).toBeLessThan(cosineDifference(attentionDifference(512)));
      } finally {
        await twins.gguf.dispose();
        await twins.onnx.dispose();
      }
    }
  });
});
