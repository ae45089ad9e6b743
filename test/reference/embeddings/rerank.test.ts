// Scores of cross-encoders against those of sentence-transformers' CrossEncoder, on the same weights: with one logit, whose activation the
// model's configuration names or does not, and with two.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../src/domain/backend.ts";
import { openEmbedding, rerank } from "../../support/embedding.ts";
import {
  copyFixture,
  crossEncoderFamilies,
  fixtureFolder,
  readFixture,
  type GoldenCrossEncoder,
} from "../../support/reference-embeddings.ts";

/** Logits are sums of some dozen products. */
const tolerance = 5e-6;

const backends: Backend[] = [];
afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

async function open(...args: Parameters<typeof openEmbedding>): Promise<Backend> {
  const backend = await openEmbedding(...args);
  backends.push(backend);
  return backend;
}

describe.each(crossEncoderFamilies)("scores of %s", (family) => {
  const { pairs } = readFixture(family, "golden.json") as GoldenCrossEncoder;
  let backend: Backend;
  beforeAll(async () => {
    backend = await open(fixtureFolder(family));
  });

  it("are the reference's, after the model's own activation, and so are the tokens", async () => {
    for (const { query, document, ids, score } of pairs) {
      const { scores, promptTokens } = await rerank(backend, { query, documents: [document] });
      expect(promptTokens, query).toBe(ids.length);
      expect(Math.abs(scores[0]! - score), query).toBeLessThan(tolerance);
    }
  });

  it("are logits where they are asked for raw: of two labels, the second's lead over the first", async () => {
    for (const { query, document, logits } of pairs) {
      const { scores } = await rerank(backend, { query, documents: [document], rawScores: true });
      const [first = 0, second] = logits;
      const expected = second === undefined ? first : second - first;
      expect(Math.abs(scores[0]! - expected), query).toBeLessThan(tolerance);
    }
  });

  it("are the same for many documents at once", async () => {
    const [{ query } = { query: "" }] = pairs;
    const asked = pairs.filter((pair) => pair.query === query);
    const { scores } = await rerank(backend, { query, documents: asked.map(({ document }) => document) });
    for (const [i, { score }] of asked.entries()) expect(Math.abs(scores[i]! - score)).toBeLessThan(tolerance);
  });
});

describe("what is applied to a logit", () => {
  it.each([
    ["cross-encoder", "none"],
    ["cross-encoder-xlm-roberta", "sigmoid"],
    ["cross-encoder-two-labels", "softmax of the second label"],
  ] as const)("is told among the facts: %s", async (family, activation) => {
    expect((await open(fixtureFolder(family))).description.facts).toMatchObject({ score_activation: activation });
  });

  it("is what files of sentence-transformers before version 4 name", async () => {
    const folder = copyFixture("cross-encoder-xlm-roberta");
    const config = readFixture("cross-encoder-xlm-roberta", "config.json") as object;
    const named = { ...config, sbert_ce_default_activation_function: "torch.nn.modules.linear.Identity" };
    writeFileSync(join(folder, "config.json"), JSON.stringify(named));
    expect((await open(folder)).description.facts).toMatchObject({ score_activation: "none" });
  });
});
