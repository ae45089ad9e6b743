// POST /v1/embeddings and POST /v1/rerank.
import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { jsonHeaders } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";
import {
  fixtureFolder,
  goldenEncoder,
  readFixture,
  type GoldenCrossEncoder,
} from "../../support/reference-embeddings.ts";

const crossEncoder = "cross-encoder-xlm-roberta";
const api = useContractServer({
  flags: {
    model: [
      `org/cross-encoder=${fixtureFolder(crossEncoder)}`,
      `minilm=${fixtureFolder("bert")}`,
      `gemma=${fixtureFolder("embedding-gemma")}`,
      `openai-ids=${fixtureFolder("bert")},token_ids=cl100k`,
    ],
    alias: ["openai/text-embedding-3-small=minilm"],
    "default-embedding": ["tiny-embed"],
  },
});
const path = "/v1/embeddings";

function embed(body: Record<string, unknown>): Promise<OpenAI.CreateEmbeddingResponse> {
  return api.ok(path, { model: "tiny-embed", ...body });
}

async function vectorsOf(input: unknown, more: Record<string, unknown> = {}): Promise<number[][]> {
  return (await embed({ input, ...more })).data.map((entry) => entry.embedding);
}

function post(body: Record<string, unknown>): ReturnType<typeof api.send> {
  return api.send(path, { method: "POST", headers: jsonHeaders, body: JSON.stringify(body) });
}

function fromBase64(text: unknown): number[] {
  const bytes = Buffer.from(String(text), "base64");
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

describe("the shape of an answer", () => {
  it("is OpenAI's list, in the input's order", async () => {
    const answer = await embed({ model: "text-embedding-3-small", input: ["a", "bb", "ccc"] });
    expect(Object.keys(answer).sort()).toEqual(["data", "model", "object", "usage"]);
    expect(answer).toMatchObject({ object: "list", model: "text-embedding-3-small" });
    expect(answer.data.map((entry) => entry.index)).toEqual([0, 1, 2]);
    expect(answer.data.every((entry) => entry.object === "embedding" && entry.embedding.length === 128)).toBe(true);
    expect(answer.usage.prompt_tokens).toBeGreaterThan(0);
    expect(answer.usage.total_tokens).toBe(answer.usage.prompt_tokens);
    expect(Object.keys(answer.usage).sort()).toEqual(["prompt_tokens", "total_tokens"]);
  });

  it("names the default model when the request names none", async () => {
    const answer = await api.ok<OpenAI.CreateEmbeddingResponse>(path, { input: "hello" });
    expect(answer.model).toBe("tiny-embed");
    expect((await api.ok<OpenAI.CreateEmbeddingResponse>(path, { input: "hello", model: null })).model).toBe(
      "tiny-embed",
    );
  });

  it("has unit vectors, the same for the same text alone and among others", async () => {
    const [alone] = await vectorsOf("The food was delicious.");
    const among = await vectorsOf(["Something else entirely, and longer.", "The food was delicious.", "x"]);
    expect(Math.hypot(...(alone ?? []))).toBeCloseTo(1, 5);
    for (const [index, value] of (alone ?? []).entries()) expect(among[1]?.[index]).toBeCloseTo(value, 5);
    expect(among[0]).not.toEqual(among[1]);
  });

  it("adds up usage over all inputs", async () => {
    const [one, two, both] = [
      await embed({ input: "one" }),
      await embed({ input: "two words" }),
      await embed({ input: ["one", "two words"] }),
    ];
    expect(both.usage.prompt_tokens).toBe(one.usage.prompt_tokens + two.usage.prompt_tokens);
  });
});

describe("encoding_format", () => {
  it("is float by default, and for null", async () => {
    for (const encoding_format of [undefined, null, "float"]) {
      const answer = await embed({ input: "x", encoding_format });
      expect(Array.isArray(answer.data[0]?.embedding)).toBe(true);
    }
  });

  it("base64 is little-endian float32 and agrees with float bit for bit", async () => {
    const input = ["first text", "second text"];
    const [floats, texts] = [await embed({ input }), await embed({ input, encoding_format: "base64" })];
    for (const [index, entry] of floats.data.entries()) {
      expect(typeof texts.data[index]?.embedding).toBe("string");
      expect(fromBase64(texts.data[index]?.embedding)).toEqual(entry.embedding.map(Math.fround));
    }
  });

  it.each(["int8", "FLOAT", "", 5, ["float"]])("refuses %j", async (encoding_format) => {
    await api.refused(path, { model: "tiny-embed", input: "x", encoding_format }, { param: "encoding_format" });
  });
});

describe("inputs", () => {
  it("may be token ids or lists of them", async () => {
    const ids = [
      [500, 600, 700],
      [800, 900],
    ];
    const both = await embed({ input: ids });
    expect(both.data).toHaveLength(2);
    const [first] = await vectorsOf(ids[0]);
    for (const [index, value] of (first ?? []).entries()) expect(both.data[0]?.embedding[index]).toBeCloseTo(value, 5);
  });

  it("may number 2,048 and not 2,049", async () => {
    const input = Array.from({ length: 2048 }, (_, index) => `t${index % 50}`);
    const answer = await embed({ input, encoding_format: "base64" });
    expect(answer.data).toHaveLength(2048);
    expect(answer.data.at(-1)?.index).toBe(2047);
    const error = await api.refused(path, { model: "tiny-embed", input: [...input, "one more"] }, { param: "input" });
    expect(error.message).toContain("2048");
  });

  it.each([
    ["input", undefined],
    ["input", null],
    ["input", ""],
    ["input", []],
    ["input", [""]],
    ["input", [[]]],
    ["input", 5],
    ["input", {}],
    ["input", true],
    ["input[1]", ["a", ""]],
    ["input[1]", ["a", 5]],
    ["input[1]", ["a", null]],
    ["input[0]", [null]],
    ["input[1]", [1, "a"]],
    ["input[0]", [-1]],
    ["input[0]", [1.5]],
    ["input[1]", [1, 99_999_999]],
    ["input[1][1]", [[1], [2, 99_999_999]]],
  ])("name %s when %j is at fault", async (param, input) => {
    const error = await api.refused(path, { model: "tiny-embed", input }, { param });
    expect(error.type).toBe("invalid_request_error");
  });

  it("longer than the model reads are cut, as configured, and counted after the cut", async () => {
    const answer = await embed({ input: "word ".repeat(3000) });
    expect(answer.usage.prompt_tokens).toBeLessThanOrEqual(512);
    expect(answer.data[0]?.embedding).toHaveLength(128);
  });

  it("of odd characters give finite numbers", async () => {
    const input = [" ", "\u0000", "\ud800", "👩‍👩‍👧‍👦", "\u202E", "ﷺ".repeat(50), "\n\n\t"];
    for (const vector of await vectorsOf(input)) expect(vector.every((value) => Number.isFinite(value))).toBe(true);
  });
});

describe("token ids of OpenAI's, as LangChain sends them", () => {
  // cl100k_base of "Hello world".
  const ids = [[9906, 1917]];
  const warningsOf = (headers: Headers): unknown => headers.get("x-hearth-warnings");

  it.each([
    ["a name of OpenAI's", "openai/text-embedding-3-small"],
    ["a model that is configured so", "openai-ids"],
  ])("give the text's own vector under %s", async (_, model) => {
    const [expected] = await vectorsOf("Hello world", { model: "minilm" });
    const answer = await post({ model, input: ids });
    const { data } = answer.body as OpenAI.CreateEmbeddingResponse;
    expect(data[0]?.embedding).toEqual(expected);
    expect(warningsOf(answer.headers)).toBeNull();
  });

  it("come from LangChain for Python as lists of ids, and from LangChain.js as texts, both in base64", async () => {
    const model = "openai/text-embedding-3-small";
    const [expected = []] = await vectorsOf("Hello world", { model: "minilm" });
    for (const input of [ids, ["Hello world"]]) {
      const answer = await embed({ model, input, encoding_format: "base64" });
      expect(fromBase64(answer.data[0]?.embedding)).toEqual(expected.map(Math.fround));
    }
  });

  it("are the model's own under its own name, which a header says", async () => {
    const answer = await post({ model: "minilm", input: [[40, 707]] });
    expect(answer.status).toBe(200);
    expect(String(warningsOf(answer.headers))).toContain(
      "Token ids in input were read as ids of this model's own tokenizer.",
    );
    expect(warningsOf((await post({ model: "minilm", input: ["text"] })).headers)).toBeNull();
  });

  it("that are outside of a model's own vocabulary are refused, with what to do", async () => {
    const error = await api.refused(path, { model: "minilm", input: ids }, { param: "input[0]" });
    expect(error.message).toContain("token_ids is cl100k");
  });
});

describe("prompts", () => {
  it("are asked for by role or by name, and nothing comes before a text without either", async () => {
    const { prompts, texts } = goldenEncoder("embedding-gemma");
    const [plain] = texts;
    const near = (vector: readonly number[] = [], expected: readonly number[] = []): void => {
      for (const [index, value] of vector.entries()) expect(value).toBeCloseTo(expected[index] ?? Number.NaN, 5);
    };
    near((await vectorsOf(plain?.text, { model: "gemma" }))[0], plain?.vector);
    for (const { promptName, text, vector } of prompts) {
      near((await vectorsOf(text, { model: "gemma", prompt_name: promptName }))[0], vector);
    }
    const query = prompts.find(({ promptName }) => promptName === "query");
    near((await vectorsOf(query?.text, { model: "gemma", input_type: "query" }))[0], query?.vector);
  });

  it("that a model does not have are refused, with those it has", async () => {
    const error = await api.refused(path, { model: "gemma", input: "x", prompt_name: "q" }, { param: "prompt_name" });
    expect(error.message).toContain("its prompts are 'query', 'document', 'STS'");
    await api.refused(
      path,
      { model: "gemma", input: "x", prompt_name: "STS", input_type: "query" },
      { param: "prompt_name" },
    );
  });
});

describe("dimensions and other fields", () => {
  it("cuts and scales to length 1", async () => {
    const [whole] = await vectorsOf("some text");
    const [cut] = await vectorsOf("some text", { dimensions: 32 });
    expect(cut).toHaveLength(32);
    expect(Math.hypot(...(cut ?? []))).toBeCloseTo(1, 5);
    const norm = Math.hypot(...(whole ?? []).slice(0, 32));
    for (const [index, value] of (cut ?? []).entries()) expect(value).toBeCloseTo((whole?.[index] ?? 0) / norm, 5);
    expect((await vectorsOf("x", { dimensions: 128 }))[0]).toHaveLength(128);
  });

  it.each([0, -1, 1.5, "8", 4, 4096, true])("refuses dimensions %j", async (dimensions) => {
    await api.refused(path, { model: "tiny-embed", input: "x", dimensions }, { param: "dimensions" });
  });

  it("takes user, nulls and unknown fields", async () => {
    const odd = await embed({ input: "x", user: "u", dimensions: null, encoding_format: null, frobnicate: 1 });
    expect(odd.data[0]?.embedding).toEqual((await vectorsOf("x"))[0]);
  });

  it("refuses a model that makes no embeddings, by name", async () => {
    const error = await api.refused(path, { model: "tiny-chat", input: "x" }, { param: "model" });
    expect(error.message).toContain("tiny-chat");
    await api.refused(path, { model: "nobody", input: "x" }, { status: 404, code: "model_not_found" });
  });
});

describe("rerank", () => {
  const documents = ["Paris is in France.", "Bananas are yellow.", "The capital of France is Paris."];
  const request = { model: "org/cross-encoder", query: "capital of France", documents };
  interface Reranked {
    readonly model: string;
    readonly results: readonly { index: number; relevance_score: number; document?: { text: string } }[];
    readonly usage: { prompt_tokens: number; total_tokens: number };
  }

  async function rerank(body: Record<string, unknown>): Promise<Reranked> {
    const answer = await api.send<Reranked>("/v1/rerank", {
      method: "POST",
      headers: jsonHeaders,
      body: JSON.stringify({ ...request, ...body }),
    });
    expect(answer.status, answer.text).toBe(200);
    return answer.body;
  }

  it("sorts every document by its score", async () => {
    const answer = await rerank({});
    expect(answer.model).toBe("org/cross-encoder");
    expect(answer.results.map((result) => result.index).toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
    const scores = answer.results.map((result) => result.relevance_score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
    expect(answer.results[0]).not.toHaveProperty("document");
    expect(answer.usage.total_tokens).toBe(answer.usage.prompt_tokens);
  });

  it("gives the model's own scores, and raw ones where they are asked for", async () => {
    const { pairs } = readFixture(crossEncoder, "golden.json") as GoldenCrossEncoder;
    const { query = "", document = "", score = 0, logits: [logit = 0] = [] } = pairs[0] ?? {};
    const asked = { query, documents: [document] };
    expect((await rerank(asked)).results[0]?.relevance_score).toBeCloseTo(score, 5);
    expect((await rerank({ ...asked, raw_scores: true })).results[0]?.relevance_score).toBeCloseTo(logit, 5);
  });

  it("honours top_n and return_documents, and takes documents as objects", async () => {
    const answer = await rerank({ top_n: 2, return_documents: true, documents: documents.map((text) => ({ text })) });
    expect(answer.results).toHaveLength(2);
    for (const result of answer.results) expect(result.document?.text).toBe(documents[result.index]);
    expect((await rerank({ top_n: 50 })).results).toHaveLength(3);
  });

  it.each([
    ["query", { query: undefined }],
    ["query", { query: "" }],
    ["documents", { documents: [] }],
    ["documents", { documents: "x" }],
    ["documents[1]", { documents: ["a", 5] }],
    ["top_n", { top_n: 0 }],
    ["model", { model: "tiny-embed" }],
  ])("names %s when it is at fault", async (param, body) => {
    await api.refused("/v1/rerank", { ...request, ...body }, { param });
  });
});
