// Mean-pooled vectors of an encoder in GGUF against llama-server's.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeBertGgufFixture } from "../../scripts/build-models/fixtures.ts";
import { goldenBert } from "../../scripts/goldens/models.ts";
import { createLlamaBackend } from "../../src/backends/llama/backend.ts";
import type { Backend } from "../../src/domain/backend.ts";
import { expectModelOf, readGolden } from "../support/goldens.ts";
import { embedTexts, testContext, textSpec } from "../support/llama.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const golden = readGolden("bert-embeddings");
/** The committed figures have five digits, and f32 sums taken in another order differ in the seventh. */
const tolerance = 2e-5;

const folder = temporaryFolder("embeddings");
const path = join(folder, "bert.gguf");
let backend: Backend;
beforeAll(async () => {
  writeBertGgufFixture(path, goldenBert);
  backend = await createLlamaBackend(textSpec(path, { embedding: true, flashAttention: false }), testContext());
});
afterAll(() => backend.dispose());

describe("embeddings of a BERT in GGUF", () => {
  it("are of the model that llama-server was asked about", () => {
    expectModelOf(golden, path);
  });

  it.each(golden.cases)("are llama-server's for $text", async ({ text, vector }) => {
    const { vectors } = await embedTexts(backend, { inputs: [text] });
    const difference = Math.max(...vector.map((value, index) => Math.abs(value - vectors[index]!)));
    expect(vectors).toHaveLength(vector.length);
    expect(difference).toBeLessThan(tolerance);
  });
});
