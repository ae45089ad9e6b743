// The int8 graph of all-MiniLM-L6-v2 against sentence-transformers (scripts/goldens/real_vectors.py): on the same graph, and on the float32
// weights that the graph was made from.
import { performance } from "node:perf_hooks";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realModelPath } from "../../scripts/goldens/real-models.ts";
import type { Backend } from "../../src/domain/backend.ts";
import { cosine, embed, openEmbedding, rowsOf } from "../support/embedding.ts";
import { realWeights } from "../support/real-weights.ts";
import { digestOf } from "../support/reference-text.ts";

interface RecordedVectors {
  readonly source: { readonly sha256: string };
  readonly texts: readonly string[];
  readonly float32: readonly (readonly number[])[];
  readonly int8: readonly (readonly number[])[];
}

const folder = "all-MiniLM-L6-v2";
const graph = "onnx/model_quantized.onnx";
const need = realWeights({ file: join(folder, graph) });
const golden = JSON.parse(readFileSync(resolve(import.meta.dirname, "golden/minilm.json"), "utf8")) as RecordedVectors;

/** Inputs of int8 products are rounded by a scale of the whole tensor, and processors without VNNI saturate sums of pairs. */
const sameGraph = 1e-3;
/** What rounding the weights to 8 bits costs this model, as its makers publish it too. */
const rounded = 0.03;

describe.skipIf(!need.isMet)(`${folder} in int8 against sentence-transformers${need.note}`, () => {
  let backend: Backend;
  beforeAll(async () => {
    const started = performance.now();
    backend = await openEmbedding(realModelPath({ file: folder }), { options: { precision: "int8" } });
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    console.log(`${folder}/${graph}: loaded in ${seconds} s, ${(backend.description.memoryBytes / 1e6).toFixed(0)} MB`);
  });
  afterAll(() => backend.dispose());

  it("is the graph that sentence-transformers was asked about", () => {
    expect(digestOf(realModelPath({ file: join(folder, graph) }))).toBe(golden.source.sha256);
  });

  it.each(golden.texts.map((text, index) => [text.slice(0, 40), index] as const))(
    "has the same vector of %s",
    async (_, index) => {
      const { vectors } = await embed(backend, { inputs: [golden.texts[index]!] });
      expect(1 - cosine(vectors, golden.int8[index]!)).toBeLessThan(sameGraph);
      expect(1 - cosine(vectors, golden.float32[index]!)).toBeLessThan(rounded);
    },
  );

  it("has nearly the same vectors of many texts at once, in their order", async () => {
    const rows = rowsOf(await embed(backend, { inputs: golden.texts }));
    for (const [index, row] of rows.entries()) expect(1 - cosine(row, golden.float32[index]!)).toBeLessThan(rounded);
  });
});
