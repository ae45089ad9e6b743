// Many texts at once: each gets what it gets alone, in the order of the request, whatever the schedule of batches.
import { afterAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../src/domain/backend.ts";
import { embed, largestDifference, openEmbedding, rowsOf } from "../../support/embedding.ts";
import { fixtureFolder } from "../../support/reference-embeddings.ts";
import { unitVectorDifference } from "../../support/tolerances.ts";

const backends: Backend[] = [];
afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

async function open(options: { readonly maxBatchTokens: number; readonly maxPaddingShare?: number }): Promise<Backend> {
  const backend = await openEmbedding(fixtureFolder("bert"), { options });
  backends.push(backend);
  return backend;
}

/** Texts of many lengths, the longest beyond what the model reads. */
const texts = Array.from({ length: 40 }, (_, i) =>
  Array.from({ length: 1 + ((i * 7) % 60) }, (_, j) => `word${(i * j) % 97} of the river`).join(" "),
);

describe("batches", () => {
  it("give what each text gives alone, but for rounding", async () => {
    const backend = await open({ maxBatchTokens: 4096, maxPaddingShare: 0.9 });
    const together = rowsOf(await embed(backend, { inputs: texts }));
    for (const [i, text] of texts.entries()) {
      const [alone] = rowsOf(await embed(backend, { inputs: [text] }));
      expect(largestDifference(together[i]!, alone!)).toBeLessThan(unitVectorDifference);
    }
  });

  it("keep the order of the input whatever the schedule", async () => {
    const backend = await open({ maxBatchTokens: 64, maxPaddingShare: 0 });
    const forward = rowsOf(await embed(backend, { inputs: texts }));
    const backward = rowsOf(await embed(backend, { inputs: texts.toReversed() })).toReversed();
    for (const [i, row] of forward.entries()) {
      expect(largestDifference(row, backward[i]!)).toBeLessThan(unitVectorDifference);
    }
  });

  it("serve many requests at once, each with its own vectors", async () => {
    const backend = await open({ maxBatchTokens: 1024 });
    const expected = rowsOf(await embed(backend, { inputs: texts }));
    const answers = await Promise.all(texts.slice(0, 30).map((text) => embed(backend, { inputs: [text, "a"] })));
    for (const [i, answer] of answers.entries()) {
      expect(largestDifference(rowsOf(answer)[0]!, expected[i]!)).toBeLessThan(unitVectorDifference);
    }
  });
});
