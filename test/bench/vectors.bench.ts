// Vectors on their way out: npx vitest bench test/bench/vectors.bench.ts
import { bench, describe } from "vitest";
import { embeddingResponseParts } from "../../src/openai/map/embedding.ts";
import { decodeFloat32Base64, encodeFloat32Base64 } from "../../src/tensor/base64.ts";

const dimensions = 384;
const texts = 32;
const vectors = Float32Array.from({ length: dimensions * texts }, (_, index) => Math.sin(index) / 20);
const one = vectors.subarray(0, dimensions);
const text = encodeFloat32Base64(one);
const result = { vectors, dimensions, promptTokens: 1000, timings: { queueMs: 0, tokenizeMs: 0, inferenceMs: 0 } };

describe(`base64 of ${dimensions} float32`, () => {
  bench("encode", () => void encodeFloat32Base64(one));
  bench("decode", () => void decodeFloat32Base64(text));
});

describe(`an answer of ${texts} vectors of ${dimensions}`, () => {
  for (const encoding of ["float", "base64"] as const) {
    bench(encoding, () => void [...embeddingResponseParts(result, { model: "e5", encoding })].join(""));
  }
  bench("JSON.stringify of the numbers, for comparison", () => void JSON.stringify([...vectors]));
});
