import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EmbeddingResult } from "../../../../../src/domain/embedding.ts";
import { embeddingResponseParts, toEmbeddingRequest } from "../../../../../src/wire/openai/embeddings/map.ts";
import { parseRequest } from "../../../../../src/wire/contract/parse-request.ts";
import { embeddingContract, embeddingResponse } from "../../../../../src/wire/openai/embeddings/contract.ts";
import { faultsOf, openAiDocument } from "../../support/openai-document.ts";

function result(values: readonly number[], dimensions: number): EmbeddingResult {
  return {
    vectors: Float32Array.from(values),
    dimensions,
    promptTokens: 7,
    timings: { queueMs: 0, tokenizeMs: 0, inferenceMs: 0 },
  };
}

function answer(of: EmbeddingResult, encoding: "float" | "base64") {
  const parts = [...embeddingResponseParts(of, { model: 'e5 "large"', encoding })];
  return {
    parts,
    body: embeddingResponse()
      .strict()
      .parse(JSON.parse(parts.join(""))),
  };
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function map(fields: Record<string, unknown>) {
  return toEmbeddingRequest(parseRequest(embeddingContract, fields));
}

describe("toEmbeddingRequest", () => {
  it.each<[unknown, unknown]>([
    ["a", ["a"]],
    [
      ["a", "b"],
      ["a", "b"],
    ],
    [[1, 2], [[1, 2]]],
    [
      [[1], [2]],
      [[1], [2]],
    ],
  ])("reads the input %j", (input, inputs) => {
    expect(map({ input })).toEqual({ inputs });
  });

  it("passes the role and the dimensions", () => {
    expect(map({ input: "a", input_type: "query", dimensions: 8 })).toEqual({
      inputs: ["a"],
      inputType: "query",
      dimensions: 8,
    });
  });

  it.each<[unknown, string]>([
    ["", "input"],
    [[], "input"],
    [[""], "input"],
    [["a", ""], "input[1]"],
    [["a", 1], "input[1]"],
    [[1, "a"], "input[1]"],
    [[[1], []], "input[1]"],
    [[[1], [2, 0.5]], "input[1][1]"],
    [{}, "input"],
    [undefined, "input"],
    [Array.from({ length: 2049 }, () => "x"), "input"],
  ])("refuses the input %j", (input, param) => {
    expect(() => map({ input })).toThrow(expect.objectContaining({ param }));
  });

  it("takes 2,048 inputs", () => {
    expect(map({ input: Array.from({ length: 2048 }, () => "x") }).inputs).toHaveLength(2048);
  });
});

describe("embeddingResponseParts", () => {
  it("answers one embedding per row, in order", () => {
    const { body } = answer(result([1, 0.5, -0.25, 0], 2), "float");
    expect(body).toEqual({
      object: "list",
      data: [
        { object: "embedding", index: 0, embedding: [1, 0.5] },
        { object: "embedding", index: 1, embedding: [-0.25, 0] },
      ],
      model: 'e5 "large"',
      usage: { prompt_tokens: 7, total_tokens: 7 },
    });
  });

  it("writes floats and base64 that agree bit for bit", () => {
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 40 }), (values) => {
        const floats = answer(result(values, values.length), "float").body.data[0]?.embedding;
        const base64 = answer(result(values, values.length), "base64").body.data[0]?.embedding;
        const decoded = Buffer.from(typeof base64 === "string" ? base64 : "", "base64");
        const fromBase64 = Float32Array.from(values, (_, index) => decoded.readFloatLE(index * 4));
        expect(bits(Float32Array.from(Array.isArray(floats) ? floats : []))).toEqual(bits(fromBase64));
        // Only the sign of zero may differ from what the model said.
        expect(bits(fromBase64)).toEqual(bits(Float32Array.from(values, (value) => value + 0)));
      }),
      { numRuns: 500 },
    );
  });

  it("writes a float32 in the nine digits that it has, not in the seventeen of a double", () => {
    expect(answer(result([Math.fround(0.1)], 1), "float").parts.join("")).toContain("[0.100000001]");
  });

  it("comes in several pieces when it is large, which join to one list", () => {
    const { parts, body } = answer(
      result(
        Array.from({ length: 200 * 384 }, (_, i) => Math.sin(i)),
        384,
      ),
      "float",
    );
    expect(parts.length).toBeGreaterThan(3);
    expect(body.data.map((entry) => entry.index)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it("throws on a vector that is not finite, rather than write null", () => {
    expect(() => answer(result([Number.NaN], 1), "float")).toThrow("not finite");
  });

  it.skipIf(!openAiDocument.isMet)(`answers what OpenAI's document describes${openAiDocument.note}`, () => {
    expect(faultsOf("CreateEmbeddingResponse", answer(result([1, 2], 2), "float").body)).toEqual([]);
  });
});
