// Embeddings of GGUF files against transformers, which wrote the models.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import { cosine, rowsOf } from "../../support/embedding.ts";
import { embedTexts, testContext, textSpec } from "../../support/llama.ts";
import {
  digestOf,
  halfPrecisionDifference,
  readReferenceVectors,
  referencePath,
} from "../../support/reference-text.ts";
import { cosineDifference } from "../../support/tolerances.ts";

describe.each(["qwen3-embedding"])("vectors of %s against transformers", (family) => {
  const { source, embedded } = readReferenceVectors(family);
  const path = referencePath(family, source.model);
  let backend: Backend;
  beforeAll(async () => {
    backend = await createLlamaBackend(textSpec(path, { embedding: true }), testContext());
  });
  afterAll(() => backend.dispose());

  it("are of the model that transformers was asked about", () => {
    expect(digestOf(path), "run scripts/fixtures/make.py").toBe(source.sha256);
  });

  it.each(embedded)("are the same for $text", async ({ text, ids, vector }) => {
    const { vectors, promptTokens } = await embedTexts(backend, { inputs: [text] });
    expect(promptTokens).toBe(ids.length);
    const bound = cosineDifference(halfPrecisionDifference(ids.length));
    expect(1 - cosine(vectors, Float32Array.from(vector))).toBeLessThan(bound);
  });

  it("are the same for many texts in one request, in their order", async () => {
    const result = await embedTexts(backend, { inputs: embedded.map(({ text }) => text) });
    const bound = cosineDifference(halfPrecisionDifference(512));
    for (const [index, row] of rowsOf(result).entries()) {
      expect(1 - cosine(row, Float32Array.from(embedded[index]!.vector))).toBeLessThan(bound);
    }
  });
});
