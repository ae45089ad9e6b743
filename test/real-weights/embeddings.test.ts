// The real all-MiniLM-L6-v2 against sentence-transformers: token ids and vectors of the texts in which tokenizers differ, on its float32
// weights and on the int8 graph that is published. HEARTH_REAL_MODELS names the folder of the weights, which ../shared/real-models fetches;
// scripts/fixtures/embeddings/real.py makes the float32 graph there and recorded the numbers.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadTextTokenizer, type TextTokenizer } from "../../src/backends/embedding/text/text-tokenizer.ts";
import type { Backend } from "../../src/domain/backend.ts";
import { cosine, embed, largestDifference, openEmbedding } from "../support/embedding.ts";
import { requirement } from "../support/skips/requires.ts";

interface RecordedText {
  readonly name: string;
  readonly text: string;
  readonly ids: readonly number[];
  readonly vector?: readonly number[];
}

const { texts } = JSON.parse(readFileSync(resolve(import.meta.dirname, "golden/minilm-texts.json"), "utf8")) as {
  readonly texts: readonly RecordedText[];
};
const withVectors = texts.flatMap(({ vector, ...text }) => (vector === undefined ? [] : [{ ...text, vector }]));

const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
const folder = join(process.env["HEARTH_REAL_MODELS"] ?? join(cache, "hearth-real-models"), "all-MiniLM-L6-v2");

function needs(file: string): ReturnType<typeof requirement> {
  return requirement(existsSync(join(folder, file)), `all-MiniLM-L6-v2/${file} in HEARTH_REAL_MODELS`);
}

const tokenizerFile = needs("tokenizer.json");
describe.skipIf(!tokenizerFile.isMet)(`the tokenizer of all-MiniLM-L6-v2${tokenizerFile.note}`, () => {
  let tokenizer: TextTokenizer;
  beforeAll(async () => {
    tokenizer = await loadTextTokenizer(folder);
  });

  it.each(texts)("gives the reference's ids of $name", ({ text, ids }) => {
    const { before, after } = tokenizer.single;
    const body = tokenizer.encode(text).slice(0, 256 - before.length - after.length);
    expect([...before, ...body, ...after]).toEqual(ids);
  });
});

/** Vectors of length 1, recorded with six places. */
const float32Difference = 2e-6;
/** What rounding the weights to 8 bits costs this model. */
const int8Distance = 0.03;

const graphs = [
  ["fp32", needs("onnx/model.onnx")],
  ["int8", needs("onnx/model_quantized.onnx")],
] as const;
for (const [precision, need] of graphs) {
  describe.skipIf(!need.isMet)(`all-MiniLM-L6-v2 in ${precision}${need.note}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await openEmbedding(folder, { options: { precision } });
    });
    afterAll(() => backend.dispose());

    it.each(withVectors)("has sentence-transformers' vector of $name", async ({ text, ids, vector }) => {
      const { vectors, promptTokens } = await embed(backend, { inputs: [text] });
      expect(promptTokens).toBe(ids.length);
      if (precision === "fp32") expect(largestDifference(vectors, vector)).toBeLessThan(float32Difference);
      else expect(1 - cosine(vectors, vector)).toBeLessThan(int8Distance);
    });
  });
}
