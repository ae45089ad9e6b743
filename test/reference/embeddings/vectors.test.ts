// Vectors of every family of encoders against those of sentence-transformers, on the same weights.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../src/domain/backend.ts";
import type { EmbeddingModelOptions } from "../../../src/domain/model.ts";
import { cosine, embed, largestDifference, openEmbedding, rowsOf } from "../../support/embedding.ts";
import {
  copyFixture,
  encoderFamilies,
  fixtureFolder,
  goldenEncoder,
  readFixture,
  type FixtureFamily,
} from "../../support/reference-embeddings.ts";

/** Golden values are float32 with eight digits; the rest is another order of sums, which layers of random weights carry on. */
const tolerance = 2e-6;

/** The folder's own modules decide about the length. */
const asIs = { normalize: false } as const;

const backends: Backend[] = [];
afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

async function open(folder: string, options: Partial<EmbeddingModelOptions> = {}): Promise<Backend> {
  const backend = await openEmbedding(folder, { options: { ...asIs, ...options } });
  backends.push(backend);
  return backend;
}

/** The prompts as the configuration reads them from the folder. */
function promptsOf(family: (typeof encoderFamilies)[number]): Record<string, string> {
  return Object.fromEntries(goldenEncoder(family).prompts.map(({ promptName, prompt }) => [promptName, prompt]));
}

describe.each(encoderFamilies)("vectors of %s", (family) => {
  const golden = goldenEncoder(family);
  let backend: Backend;
  beforeAll(async () => {
    backend = await open(fixtureFolder(family), { prompts: promptsOf(family) });
  });

  it("have the reference's dimensions", () => {
    expect(backend.description.facts).toMatchObject({
      embedding_dimensions: golden.dimensions,
      context_length: golden.maxTokens,
    });
  });

  it.each([...golden.texts, golden.long])("are the reference's for $name", async ({ text, ids, vector }) => {
    const { vectors, promptTokens } = await embed(backend, { inputs: [text] });
    expect(promptTokens).toBe(ids.length);
    expect(largestDifference(vectors, vector)).toBeLessThan(tolerance);
  });

  it.each(golden.spelled)("take $name for text", async ({ text, vector }) => {
    const { vectors } = await embed(backend, { inputs: [text] });
    expect(largestDifference(vectors, vector)).toBeLessThan(tolerance);
  });

  it("are the same in batches, padding and all", async () => {
    const batches = await open(fixtureFolder(family), { maxBatchTokens: 4096, maxPaddingShare: 0.9 });
    const rows = rowsOf(await embed(batches, { inputs: golden.texts.map(({ text }) => text) }));
    for (const [i, row] of rows.entries()) {
      expect(largestDifference(row, golden.texts[i]!.vector)).toBeLessThan(tolerance);
    }
  });
});

describe("a prompt by its name", () => {
  const prompted = encoderFamilies.filter((family) => goldenEncoder(family).prompts.length > 0);

  it.each(prompted)("gives the reference's vector: %s", async (family) => {
    const backend = await open(fixtureFolder(family), { prompts: promptsOf(family) });
    for (const { promptName, text, vector } of goldenEncoder(family).prompts) {
      const { vectors } = await embed(backend, { inputs: [text], promptName });
      expect(largestDifference(vectors, vector)).toBeLessThan(tolerance);
    }
  });
});

describe("a decoder's graph that takes a cache of earlier tokens", () => {
  const golden = goldenEncoder("qwen3");

  it("is given an empty one, and pools by the last token although its folder says nothing about pooling", async () => {
    const backend = await open(fixtureFolder("qwen3-cache"), {
      normalize: true,
      maxBatchTokens: 4096,
      maxPaddingShare: 0.9,
    });
    expect(backend.description.facts).toMatchObject({ pooling: "last" });
    const rows = rowsOf(await embed(backend, { inputs: golden.texts.map(({ text }) => text) }));
    for (const [i, row] of rows.entries()) {
      expect(largestDifference(row, golden.texts[i]!.vector)).toBeLessThan(tolerance);
    }
  });
});

describe("EmbeddingGemma with its last layers in the graph", () => {
  it("gives the vector that the graph gives", async () => {
    const golden = goldenEncoder("embedding-gemma");
    const backend = await open(fixtureFolder("embedding-gemma"), { modelFile: "model_with_sentence" });
    expect(backend.description.facts).toMatchObject({ pooling: "in the graph" });
    const rows = rowsOf(await embed(backend, { inputs: golden.texts.map(({ text }) => text) }));
    for (const [i, row] of rows.entries()) {
      expect(largestDifference(row, golden.texts[i]!.vector)).toBeLessThan(tolerance);
    }
  });
});

describe("other precisions of one graph", () => {
  const golden = goldenEncoder("bert");

  it.each([
    ["fp16", 5e-3],
    ["int8", 0.05],
  ] as const)("are near the float32 vectors: %s", async (precision, largest) => {
    const backend = await open(fixtureFolder("bert"), { precision });
    expect(backend.description.facts).toMatchObject({ graph: `onnx/model_${precision}.onnx`, precision });
    for (const { text, vector } of golden.texts.slice(0, 12)) {
      const { vectors } = await embed(backend, { inputs: [text] });
      expect(1 - cosine(vectors, vector)).toBeLessThan(largest);
    }
  });
});

interface GoldenPoolings {
  readonly prompt: string;
  readonly texts: readonly string[];
  readonly cases: readonly {
    /** As sentence-transformers writes it into 1_Pooling/config.json. */
    readonly mode: string | readonly string[];
    readonly includePrompt: boolean;
    readonly vectors: readonly (readonly number[])[];
  }[];
}

describe("pooling", () => {
  const { prompt, texts, cases } = readFixture("bert", "golden-poolings.json") as GoldenPoolings;

  it.each(cases)(
    "by $mode is the reference's, a prompt counted: $includePrompt",
    async ({ mode, includePrompt, vectors }) => {
      const folder = copyFixture("bert");
      const pooling = { embedding_dimension: 16, pooling_mode: mode, include_prompt: includePrompt };
      writeFileSync(join(folder, "1_Pooling/config.json"), JSON.stringify(pooling));
      writeFileSync(join(folder, "modules.json"), JSON.stringify(transformerAndPooling));
      const backend = await open(folder, { prompts: { query: prompt }, maxBatchTokens: 4096, maxPaddingShare: 0.9 });
      const rows = rowsOf(await embed(backend, { inputs: texts, promptName: "query" }));
      for (const [i, row] of rows.entries()) {
        // Sums of a few tokens whose values are up to about three.
        expect(largestDifference(row, vectors[i]!)).toBeLessThan(5 * tolerance);
      }
    },
  );

  it("that the configuration names comes before the folder's own", async () => {
    const { vectors } = cases.find(({ mode, includePrompt }) => mode === "max" && includePrompt)!;
    const folder = copyFixture("bert");
    writeFileSync(join(folder, "modules.json"), JSON.stringify(transformerAndPooling));
    const backend = await open(folder, { pooling: "max", prompts: { query: prompt } });
    const rows = rowsOf(await embed(backend, { inputs: texts, promptName: "query" }));
    expect(largestDifference(rows[0]!, vectors[0]!)).toBeLessThan(5 * tolerance);
  });
});

const transformerAndPooling = [
  { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
  { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
];

describe("vectors of length 1", () => {
  it.each(["modernbert", "bert"] as const satisfies readonly FixtureFamily[])(
    "are the default, whatever the folder's modules do: %s",
    async (family) => {
      const backend = await open(fixtureFolder(family), { normalize: true });
      const { vectors } = await embed(backend, { inputs: ["a river"] });
      expect(Math.hypot(...vectors)).toBeCloseTo(1, 6);
    },
  );
});
