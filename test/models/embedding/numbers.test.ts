// The engine's numbers against an independent float64 forward pass, and against themselves.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../src/domain/backend.ts";
import { loadTextTokenizer, type TextTokenizer } from "../../../src/backends/embedding/text/text-tokenizer.ts";
import { bertShapes } from "../../../scripts/build-models/shapes/bert.ts";
import {
  cosine,
  createEncoderFolders,
  embed,
  largestDifference,
  openEmbedding,
  rerank,
  rowsOf,
  smallShape,
} from "../../support/embedding.ts";
import { createReferenceBert, erf, meanRow, unit } from "../../support/reference-bert.ts";
import { componentDifference, roundingDifference, unitVectorDifference } from "../../support/tolerances.ts";

const folders = createEncoderFolders();
const backends: Backend[] = [];
afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

async function open(...args: Parameters<typeof openEmbedding>): Promise<Backend> {
  const backend = await openEmbedding(...args);
  backends.push(backend);
  return backend;
}

/** Texts of many lengths, the longest far beyond the others. */
const texts = Array.from({ length: 40 }, (_, i) =>
  Array.from({ length: 1 + ((i * 7) % 60) }, (_, j) => `word${(i * j) % 97} of the river`).join(" "),
);

describe("the reference's error function", () => {
  it("agrees with tabulated values (Abramowitz & Stegun, table 7.1)", () => {
    expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
    expect(erf(1)).toBeCloseTo(0.8427007929, 10);
    expect(erf(2)).toBeCloseTo(0.995322265, 10);
    expect(erf(-3)).toBeCloseTo(-0.9999779095, 10);
  });
});

describe("fp32 against an independent float64 forward pass", () => {
  it("differs by rounding alone for 12 layers of 384", async () => {
    const shape = { ...bertShapes["e5-small"], vocabulary: 2048 };
    const { folder, model } = folders.write({ shape, seed: 11 });
    const backend = await open(folder, { options: { normalize: false } });
    const tokenizer = await loadTextTokenizer(folder);
    const reference = createReferenceBert(model, shape);
    const sample = ["a quiet river", "the sun rose over the hills and the birds began to sing", "x"];
    const rows = rowsOf(await embed(backend, { inputs: sample }));
    for (const [i, text] of sample.entries()) {
      const ids = encode(tokenizer, text);
      const expected = meanRow(reference.encode({ ids, segments: ids.map(() => 0) }));
      const tolerance = componentDifference(roundingDifference("float32", shape.feedForward), expected);
      expect(largestDifference(rows[i] as Float32Array, expected)).toBeLessThan(tolerance);
    }
  });

  it.each(["mean", "cls", "last"] as const)("pools by %s and normalises", async (pooling) => {
    const { folder, model } = folders.write({ seed: 12 });
    const backend = await open(folder, { options: { pooling } });
    const tokenizer = await loadTextTokenizer(folder);
    const reference = createReferenceBert(model, smallShape);
    const rows = rowsOf(await embed(backend, { inputs: texts.slice(0, 6) }));
    for (const [i, row] of rows.entries()) {
      const ids = encode(tokenizer, texts[i] as string);
      const hidden = reference.encode({ ids, segments: ids.map(() => 0) });
      const pooled = { mean: meanRow(hidden), cls: hidden[0], last: hidden.at(-1) }[pooling] as Float64Array;
      expect(largestDifference(row, unit(pooled))).toBeLessThan(unitVectorDifference);
    }
  });
});

describe("a cross-encoder against the float64 forward pass", () => {
  it("scores a pair with the second text as segment 1, within 1e-5", async () => {
    const { folder, model } = folders.write({ seed: 15, output: "logits" });
    const backend = await open(folder);
    const tokenizer = await loadTextTokenizer(folder);
    const { pair } = tokenizer;
    const reference = createReferenceBert(model, smallShape);
    const documents = ["the river runs to the sea", "bread"];
    const { scores, promptTokens } = await rerank(backend, { query: "a long river", documents });
    let tokens = 0;
    for (const [i, document] of documents.entries()) {
      const first = [...pair.before, ...tokenizer.encode("a long river"), ...pair.between];
      const second = [...tokenizer.encode(document), ...pair.after];
      const ids = [...first, ...second];
      tokens += ids.length;
      const [logit = 0] = reference.score({ ids, segments: [...first.map(() => 0), ...second.map(() => 1)] });
      expect(scores[i]).toBeCloseTo(1 / (1 + Math.exp(-logit)), 5);
    }
    expect(promptTokens).toBe(tokens);
  });
});

describe("batches", () => {
  it("give what each text gives alone, but for rounding", async () => {
    const { folder } = folders.write({ seed: 13 });
    const backend = await open(folder, { options: { maxBatchTokens: 4096, maxPaddingShare: 0.9 } });
    const together = rowsOf(await embed(backend, { inputs: texts }));
    for (const [i, text] of texts.entries()) {
      const [alone] = rowsOf(await embed(backend, { inputs: [text] }));
      expect(largestDifference(together[i] as Float32Array, alone as Float32Array)).toBeLessThan(unitVectorDifference);
    }
  });

  it("keep the order of the input whatever the schedule", async () => {
    const { folder } = folders.write({ seed: 13 });
    const backend = await open(folder, { options: { maxBatchTokens: 64, maxPaddingShare: 0 } });
    const forward = rowsOf(await embed(backend, { inputs: texts }));
    const backward = rowsOf(await embed(backend, { inputs: texts.toReversed() })).reverse();
    for (const [i, row] of forward.entries()) {
      expect(largestDifference(row, backward[i] as Float32Array)).toBeLessThan(unitVectorDifference);
    }
  });

  it("serve many requests at once, each with its own vectors", async () => {
    const { folder } = folders.write({ seed: 13 });
    const backend = await open(folder, { options: { maxBatchTokens: 1024 } });
    const expected = rowsOf(await embed(backend, { inputs: texts }));
    const answers = await Promise.all(texts.slice(0, 30).map((text) => embed(backend, { inputs: [text, "a"] })));
    for (const [i, answer] of answers.entries()) {
      expect(largestDifference(rowsOf(answer)[0] as Float32Array, expected[i] as Float32Array)).toBeLessThan(
        unitVectorDifference,
      );
    }
  });
});

describe("precisions", () => {
  let exact: Float32Array[];
  beforeAll(async () => {
    exact = rowsOf(await embed(await open(folders.write({ seed: 14 }).folder), { inputs: texts }));
  });

  it("decodes float16 output instead of misreading its bits", async () => {
    const { folder } = folders.write({ seed: 14, dtype: "float16" }, { fileName: "model_fp16.onnx" });
    const backend = await open(folder, { options: { precision: "fp16" } });
    const rows = rowsOf(await embed(backend, { inputs: texts }));
    const tolerance = roundingDifference("float16", smallShape.feedForward) / 2;
    for (const [i, row] of rows.entries()) {
      expect(largestDifference(row, exact[i] as Float32Array)).toBeLessThan(tolerance);
    }
  });

  it("loads and runs dynamically quantised int8", async () => {
    const { folder } = folders.write({ seed: 14, int8: true }, { fileName: "model_int8.onnx" });
    const backend = await open(folder, { options: { precision: "int8" } });
    expect(backend.description.facts).toMatchObject({ graph: "onnx/model_int8.onnx", precision: "int8" });
    const rows = rowsOf(await embed(backend, { inputs: texts }));
    // Without VNNI onnxruntime adds pairs of int8 products up in 16 bits, which may saturate: no rounding, and not bounded as one.
    for (const [i, row] of rows.entries()) expect(cosine(row, exact[i] as Float32Array)).toBeGreaterThan(0.99);
  });

  it("feeds ids as int32 where the graph asks for it", async () => {
    const { folder } = folders.write({ seed: 14, idsType: "int32" });
    const rows = rowsOf(await embed(await open(folder), { inputs: texts }));
    for (const [i, row] of rows.entries())
      expect(largestDifference(row, exact[i] as Float32Array)).toBeLessThan(unitVectorDifference);
  });

  it("reads weights from a file beside the graph", async () => {
    const { folder } = folders.write({ seed: 14 }, { write: { externalData: "model.onnx_data" } });
    const rows = rowsOf(await embed(await open(folder), { inputs: texts }));
    for (const [i, row] of rows.entries())
      expect(largestDifference(row, exact[i] as Float32Array)).toBeLessThan(unitVectorDifference);
  });
});

function encode(tokenizer: TextTokenizer, text: string): number[] {
  return [...tokenizer.single.before, ...tokenizer.encode(text), ...tokenizer.single.after];
}
