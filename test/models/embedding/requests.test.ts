// What the embeddings backend accepts, refuses and counts, on the bundled model and on encoders that the references wrote.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadTextTokenizer } from "../../../src/backends/embedding/text/text-tokenizer.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import { ServerError } from "../../../src/domain/errors.ts";
import { embed, largestDifference, openEmbedding, rerank, rowsOf, tinyEmbedFolder } from "../../support/embedding.ts";
import { copyFixture, fixtureFolder } from "../../support/reference-embeddings.ts";
import { roundingDifference, unitVectorDifference } from "../../support/tolerances.ts";

const backends: Backend[] = [];
afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

async function open(...args: Parameters<typeof openEmbedding>): Promise<Backend> {
  const backend = await openEmbedding(...args);
  backends.push(backend);
  return backend;
}

const e5 = { queryPrefix: "query: ", passagePrefix: "passage: ", defaultPrefix: "query: " } as const;

describe("the bundled model", () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await open(tinyEmbedFolder, { options: { ...e5, dimensions: 32 } });
  });

  it("describes itself", () => {
    expect(backend.description).toMatchObject({
      operations: ["embedding"],
      device: "cpu",
      facts: { context_length: 512, embedding_dimensions: 128, pooling: "mean", precision: "fp32" },
    });
    expect(backend.description.deviceNote).toBeUndefined();
  });

  it("gives unit vectors in the order of the inputs and counts prefix and special tokens", async () => {
    const inputs = ["the river", "a much longer text about the river and the sea and the hills", "the river"];
    const result = await embed(backend, { inputs });
    const rows = rowsOf(result);
    for (const row of rows) expect(Math.hypot(...row)).toBeCloseTo(1, 6);
    expect(largestDifference(rows[0] as Float32Array, rows[2] as Float32Array)).toBeLessThan(unitVectorDifference);
    const tokenizer = await loadTextTokenizer(tinyEmbedFolder);
    const tokens = inputs.map((text) => tokenizer.encode(`query: ${text}`).length + 2);
    expect(result.promptTokens).toBe(tokens.reduce((a, b) => a + b, 0));
  });

  it("gives the same vector for a text and for its token ids", async () => {
    const tokenizer = await loadTextTokenizer(tinyEmbedFolder);
    const ids = tokenizer.encode("the river and the sea");
    const [text, fromIds] = rowsOf(await embed(backend, { inputs: ["the river and the sea", ids] }));
    expect(largestDifference(text as Float32Array, fromIds as Float32Array)).toBeLessThan(unitVectorDifference);
  });

  it("tells roles apart and does not double a written prefix", async () => {
    const of = async (text: string, inputType?: "query" | "passage" | "none"): Promise<Float32Array> => {
      const request = { inputs: [text], ...(inputType === undefined ? {} : { inputType }) };
      return (await embed(backend, request)).vectors;
    };
    const query = await of("the river");
    expect(largestDifference(query, await of("the river", "query"))).toBe(0);
    expect(largestDifference(query, await of("query: the river", "query"))).toBe(0);
    expect(largestDifference(query, await of("the river", "passage"))).toBeGreaterThan(1e-3);
    expect(largestDifference(await of("query: the river", "none"), query)).toBe(0);
  });

  it("cuts dimensions and brings the vectors back to unit length", async () => {
    const [full] = rowsOf(await embed(backend, { inputs: ["the river"] }));
    const cut = await embed(backend, { inputs: ["the river"], dimensions: 48 });
    const start = (full as Float32Array).slice(0, 48);
    const length = Math.hypot(...start);
    expect(cut.dimensions).toBe(48);
    expect(
      largestDifference(
        cut.vectors,
        start.map((value) => value / length),
      ),
    ).toBeLessThan(unitVectorDifference);
  });

  it.each([31, 129, 0, 40.5])("refuses dimensions %d and says what is allowed", async (dimensions) => {
    await expect(embed(backend, { inputs: ["a"], dimensions })).rejects.toMatchObject({
      kind: "invalid_value",
      param: "dimensions",
      message: expect.stringContaining("32 to 128"),
    });
  });

  it("refuses no inputs, an empty text and an id outside the vocabulary", async () => {
    await expect(embed(backend, { inputs: [] })).rejects.toMatchObject({ kind: "invalid_value", param: "inputs" });
    await expect(embed(backend, { inputs: ["a", ""] })).rejects.toMatchObject({ param: "inputs[1]" });
    await expect(embed(backend, { inputs: [[5, 2048]] })).rejects.toMatchObject({
      param: "inputs[0][1]",
      message: expect.stringContaining("Token id 2048 is outside this model's vocabulary, whose ids are 0 to 2047"),
    });
  });

  it("refuses another operation by name", async () => {
    await expect(rerank(backend, { query: "a", documents: ["b"] })).rejects.toMatchObject({
      kind: "unsupported_operation",
    });
  });

  it("embeds 2,048 inputs of one request", async () => {
    const inputs = Array.from({ length: 2048 }, (_, i) => `text ${i % 50}`);
    const rows = rowsOf(await embed(backend, { inputs }));
    expect(rows).toHaveLength(2048);
    expect(largestDifference(rows[7] as Float32Array, rows[1007] as Float32Array)).toBeLessThan(unitVectorDifference);
  });

  it("embeds odd strings without a fault", async () => {
    const inputs = [
      " ",
      "\u0000",
      "\ud800",
      "😀".repeat(400),
      "\u200b",
      "ا".repeat(3000),
      "日本語".repeat(900),
      "\n\t",
    ];
    const { vectors, promptTokens } = await embed(backend, { inputs });
    expect(vectors.every((value) => Number.isFinite(value))).toBe(true);
    expect(promptTokens).toBeLessThanOrEqual(inputs.length * 512);
  });
});

describe("without declared dimensions", () => {
  it("allows the model's own number only", async () => {
    const backend = await open(tinyEmbedFolder);
    expect((await embed(backend, { inputs: ["a"], dimensions: 128 })).dimensions).toBe(128);
    await expect(embed(backend, { inputs: ["a"], dimensions: 64 })).rejects.toMatchObject({
      kind: "unsupported_parameter",
      message: expect.stringContaining("have 128 and cannot be cut"),
    });
  });
});

describe("length", () => {
  it("is cut at the model's longest, and counted after the cut", async () => {
    const backend = await open(tinyEmbedFolder);
    const { promptTokens } = await embed(backend, { inputs: ["river ".repeat(5000)] });
    expect(promptTokens).toBe(512);
  });

  it("is refused where `truncation` is `error`, with counts and place", async () => {
    const backend = await open(tinyEmbedFolder, { options: { truncation: "error", maxTokens: 16 } });
    await expect(embed(backend, { inputs: ["a", "a ".repeat(100)] })).rejects.toMatchObject({
      kind: "context_length_exceeded",
      param: "inputs[1]",
      message: expect.stringMatching(/maximum context length is 16 tokens.*102 tokens/),
    });
  });
});

describe("cancellation", () => {
  it("ends a request at the next micro-batch with the signal's reason, and the model goes on", async () => {
    const backend = await open(tinyEmbedFolder, { options: { maxBatchTokens: 64 } });
    const abort = new AbortController();
    const inputs = Array.from({ length: 500 }, (_, i) => `some words about number ${i} and the river`);
    const pending = embed(backend, { inputs }, abort.signal);
    const reason = new ServerError("cancelled", "gone");
    setImmediate(() => abort.abort(reason));
    await expect(pending).rejects.toBe(reason);
    expect((await embed(backend, { inputs: ["a"] })).vectors).toHaveLength(128);
  });

  it("ends running requests with shutting_down on disposal", async () => {
    const backend = await openEmbedding(tinyEmbedFolder, { options: { maxBatchTokens: 64 } });
    const outcome = embed(backend, { inputs: Array.from({ length: 500 }, () => "some words about the river") }).then(
      () => "done",
      (error: unknown) => error,
    );
    await new Promise((resolve) => setImmediate(resolve));
    await backend.dispose();
    await backend.dispose();
    expect(await outcome).toMatchObject({ kind: "shutting_down" });
  });
});

describe("overload", () => {
  it("refuses a request at once when the queue is full, with a retry time", async () => {
    const backend = await open(tinyEmbedFolder, { options: { maxQueue: 2 } });
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => embed(backend, { inputs: ["a"] })));
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused).toHaveLength(2);
    expect(refused[0]?.reason).toMatchObject({ kind: "overloaded", retryAfterSeconds: 1 });
  });
});

describe("reranking", () => {
  it("scores documents between 0 and 1, in order, the same alone and together", async () => {
    const backend = await open(fixtureFolder("cross-encoder-xlm-roberta"));
    expect(backend.description.operations).toEqual(["rerank"]);
    const documents = ["the river is long", "bread", "a very long story ".repeat(60), "", "the sea"];
    const { scores, promptTokens } = await rerank(backend, { query: "where is the river", documents });
    expect(scores).toHaveLength(5);
    for (const score of scores) expect(score > 0 && score < 1).toBe(true);
    expect(new Set(scores).size).toBe(5);
    for (const [i, document] of documents.entries()) {
      const alone = await rerank(backend, { query: "where is the river", documents: [document] });
      // The sigmoid is at most a quarter as steep as its argument, which is of the size of 1.
      const difference = Math.abs((alone.scores[0] as number) - (scores[i] as number));
      expect(difference).toBeLessThan(roundingDifference("float32", 512) / 4);
    }
    expect(promptTokens).toBeGreaterThan(60);
    await expect(embed(backend, { inputs: ["a"] })).rejects.toMatchObject({ kind: "unsupported_operation" });
    await expect(rerank(backend, { query: "", documents })).rejects.toMatchObject({ param: "query" });
    await expect(rerank(backend, { query: "a", documents: [] })).rejects.toMatchObject({ param: "documents" });
  });
});

describe("loading", () => {
  it("refuses a folder of another layout, saying what was expected and what was found", async () => {
    const folder = copyFixture("bert");
    rmSync(join(folder, "onnx"), { recursive: true });
    await expect(openEmbedding(folder)).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringMatching(/Expected onnx\/model\.onnx.*found no \.onnx file/),
    });
    await expect(openEmbedding(join(folder, "nowhere"))).rejects.toMatchObject({ kind: "model_load_failed" });
  });

  it("refuses a precision that the folder lacks, naming the graphs it has", async () => {
    const folder = copyFixture("bert");
    await expect(openEmbedding(folder, { options: { precision: "q4" } })).rejects.toMatchObject({
      message: expect.stringMatching(/onnx\/model_q4\.onnx.*found onnx\/model\.onnx/),
    });
  });

  it("takes the file that the configuration names", async () => {
    const backend = await open(fixtureFolder("bert"), { options: { modelFile: "model_int8" } });
    expect(backend.description.facts["graph"]).toBe("onnx/model_int8.onnx");
  });

  it("refuses a graph whose external weights are missing, naming the file", async () => {
    const folder = copyFixture("labse");
    rmSync(join(folder, "onnx/model.onnx_data"));
    await expect(openEmbedding(folder)).rejects.toMatchObject({
      message: expect.stringContaining("'model.onnx_data'"),
    });
  });

  it("refuses a folder without a tokenizer, and broken JSON, by name", async () => {
    const folder = copyFixture("bert");
    writeFileSync(join(folder, "tokenizer_config.json"), "{");
    await expect(openEmbedding(folder)).rejects.toMatchObject({
      message: expect.stringMatching(/tokenizer_config\.json is not valid JSON/),
    });
    rmSync(join(folder, "tokenizer_config.json"));
    await expect(openEmbedding(folder)).rejects.toMatchObject({
      message: expect.stringContaining("tokenizer_config.json is missing"),
    });
  });

  it("refuses a graph that is cut off", async () => {
    const folder = copyFixture("bert");
    const path = join(folder, "onnx/model.onnx");
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length / 2));
    await expect(openEmbedding(folder)).rejects.toMatchObject({ kind: "model_load_failed" });
  });

  it("falls back to the CPU where an execution provider does not work here, and says so", async () => {
    const lines: string[] = [];
    const backend = await open(tinyEmbedFolder, {
      options: { executionProviders: ["no-such-provider", "cpu"] },
      log: (level, message) => lines.push(`${level}: ${message}`),
    });
    expect(backend.description.device).toBe("cpu");
    expect(backend.description.deviceNote).toContain("no-such-provider");
    expect(lines.join("\n")).toMatch(/warn: .*no-such-provider/);
  });

  it("reads pooling from the model's own files and refuses one it does not have", async () => {
    const folder = copyFixture("bert");
    const path = join(folder, "1_Pooling/config.json");
    writeFileSync(path, JSON.stringify({ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }));
    expect((await open(folder)).description.facts["pooling"]).toBe("cls");
    writeFileSync(path, JSON.stringify({ pooling_mode_attention: true }));
    await expect(openEmbedding(folder)).rejects.toMatchObject({
      message: expect.stringContaining("pooling 'attention'"),
    });
    expect((await open(folder, { options: { pooling: "last" } })).description.facts["pooling"]).toBe("last");
  });

  it("reads the longest text from sentence_bert_config.json, within what the positions allow", async () => {
    const folder = copyFixture("bert");
    const longest = async (): Promise<unknown> => (await open(folder)).description.facts["context_length"];
    writeFileSync(join(folder, "sentence_bert_config.json"), JSON.stringify({ max_seq_length: 32 }));
    expect(await longest()).toBe(32);
    writeFileSync(join(folder, "sentence_bert_config.json"), JSON.stringify({ max_seq_length: 8192 }));
    expect(await longest()).toBe(64);
    rmSync(join(folder, "sentence_bert_config.json"));
    expect(await longest()).toBe(64);
    expect((await open(folder, { options: { maxTokens: 24 } })).description.facts["context_length"]).toBe(24);
  });

  it("refuses a length that its special tokens fill", async () => {
    await expect(openEmbedding(tinyEmbedFolder, { options: { maxTokens: 2 } })).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringContaining("leave no room"),
    });
  });

  it("changes the fingerprint with the weights", async () => {
    const [a, b] = [await open(fixtureFolder("labse")), await open(fixtureFolder("stack"))];
    expect(a.description.fingerprint).not.toBe(b.description.fingerprint);
  });
});
