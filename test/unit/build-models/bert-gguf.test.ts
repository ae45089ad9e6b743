// The encoder's GGUF: every weight of the ONNX model is there once, turned the right way, and the vocabulary is llama.cpp's.

import { describe, expect, it } from "vitest";

import { readSource } from "../../../scripts/build-models/formats/byte-source.ts";
import { readFloats } from "../../../scripts/build-models/formats/weights.ts";
import { bertGgufModel, type BertGgufOptions } from "../../../scripts/build-models/shapes/bert-gguf.ts";
import { bertModel, bertShapes } from "../../../scripts/build-models/shapes/bert.ts";
import { toGgufWordPiece } from "../../../scripts/build-models/tokenizers/wordpiece-gguf.ts";
import { wordPieceFiles } from "../../../scripts/build-models/tokenizers/wordpiece.ts";
import { readFixture } from "../../support/reference-embeddings.ts";

const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const tokens = [...special, "play", "##ing", "##", "é", "[unused0]"];
const tokenizer = toGgufWordPiece(wordPieceFiles({ tokens }, 16).get("tokenizer.json")!);
const shape = { layers: 2, width: 32, heads: 2, feedForward: 64, positions: 16, vocabulary: 12 };
const options: BertGgufOptions = { name: "x", seed: 9, shape, type: "q8_0", tokenizer, layerGain: 0.5 };

describe("the vocabulary", () => {
  it("marks the first piece of a word where WordPiece marks the others, and leaves control tokens alone", () => {
    expect(tokenizer.tokens).toEqual([...special, "▁play", "ing", "", "▁é", "▁[unused0]"]);
    expect(tokenizer.types).toEqual([3, 3, 3, 3, 3, 1, 1, 1, 1, 1]);
    expect(tokenizer.special).toEqual({ padding: 0, unknown: 1, cls: 2, separator: 3, mask: 4 });
    expect(tokenizer).toMatchObject({ lowercase: true, stripAccents: true });
  });

  it("is filled up to the model's size with tokens that no text has", () => {
    const { metadata } = bertGgufModel(options);
    expect(metadata.get("tokenizer.ggml.tokens")).toMatchObject({
      values: [...tokenizer.tokens, "[PAD10]", "[PAD11]"],
    });
    expect(metadata.get("tokenizer.ggml.token_type")).toMatchObject({ values: [...tokenizer.types, 5, 5] });
  });

  it("larger than the model is refused, and so is a tokenizer that is no WordPiece", () => {
    expect(() => bertGgufModel({ ...options, shape: { ...shape, vocabulary: 9 } })).toThrow(
      /10 tokens for a model of 9/,
    );
    const unigram = JSON.stringify(readFixture("t5", "tokenizer.json"));
    expect(() => toGgufWordPiece(unigram)).toThrow(/Unigram tokenizer is no WordPiece/);
  });
});

describe("the weights", () => {
  const onnx = new Map(
    bertModel({ seed: 9, shape, layerGain: 0.5 }).initializers.map((tensor) => [tensor.name, tensor]),
  );
  const gguf = new Map(bertGgufModel(options).tensors.map((tensor) => [tensor.name, tensor]));
  const onnxFloats = (name: string): number[] => [...new Float32Array(readSource(onnx.get(name)!.data).buffer)];

  it.each([
    ["token_embd.weight", "embeddings.word_embeddings.weight"],
    ["position_embd.weight", "embeddings.position_embeddings.weight"],
    ["token_types.weight", "embeddings.token_type_embeddings.weight"],
    ["blk.1.attn_v.bias", "encoder.layer.1.attention.self.value.bias"],
    ["blk.0.layer_output_norm.weight", "encoder.layer.0.output.LayerNorm.weight"],
  ])("%s is %s", (name, source) => {
    expect([...readFloats(gguf.get(name)!.values)]).toEqual(onnxFloats(source));
  });

  it("of a matrix lie with each output's inputs together", () => {
    const { dims, values } = gguf.get("blk.1.ffn_up.weight")!;
    expect(dims).toEqual([32, 64]);
    const turned = readFloats(values);
    const source = onnxFloats("encoder.layer.1.intermediate.dense.weight");
    for (const [input, output] of [
      [0, 0],
      [3, 60],
      [31, 1],
    ] as const) {
      expect(turned[output * 32 + input]).toBe(source[input * 64 + output]);
    }
  });

  it("are in blocks only where they are matrices or words", () => {
    const formats = [...gguf.values()].map(({ name, type }) => [name.replace(/^blk\.\d+\./, ""), type] as const);
    const blocks = new Set(formats.filter(([, type]) => type === "q8_0").map(([name]) => name));
    const matrices = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"];
    expect([...blocks].toSorted()).toEqual([...matrices, "token_embd"].map((name) => `${name}.weight`).toSorted());
  });

  it("at full size are as many as e5-small-v2 has without its pooler", () => {
    const { tensors } = bertGgufModel({ ...options, shape: bertShapes["e5-small"] });
    expect(tensors.reduce((sum, { values }) => sum + values.length, 0)).toBe(33_360_000 - 384 * 385);
  });
});
