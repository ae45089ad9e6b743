// Builds a BERT encoder as llama.cpp's architecture `bert`, from the weights of the ONNX model under ggml's names. They are not drawn anew,
// so that both formats hold the same numbers whatever bert.ts does.

import { readSource } from "../formats/byte-source.ts";
import { type GgufModel, type GgufTensor, type MetadataValue } from "../formats/gguf.ts";
import { type Tensor } from "../formats/onnx.ts";
import { type FloatSource, floatsOf } from "../formats/weights.ts";
import { type WordPieceTokenizer } from "../tokenizers/wordpiece-gguf.ts";
import { bertModel, type BertShape } from "./bert.ts";

/** Format of the matrices and of the word table; positions, token types, norms and biases are float32 in every file. */
export type BertGgufType = "f32" | "q8_0";

export interface BertGgufOptions {
  readonly name: string;
  /** As for `bertModel`, and so the same weights. */
  readonly seed: number;
  readonly shape: BertShape;
  readonly type: BertGgufType;
  readonly tokenizer: WordPieceTokenizer;
  /** As for `bertModel`. @default 1 */
  readonly layerGain?: number;
}

/** Values of `llama_ftype`, which readers show as the file's format. */
const fileTypes: Readonly<Record<BertGgufType, number>> = { f32: 0, q8_0: 7 };
/** Value of `llama_pooling_type`. */
const meanPooling = 1;
/** Value of `token_type` for ids that no token has. */
const unusedToken = 5;

/** ggml's names by PyTorch's, as llama.cpp's conversion maps them. */
const tableNames: Readonly<Record<string, string>> = {
  "embeddings.word_embeddings": "token_embd",
  "embeddings.position_embeddings": "position_embd",
  "embeddings.token_type_embeddings": "token_types",
  "embeddings.LayerNorm": "token_embd_norm",
};
const layerNames: Readonly<Record<string, string>> = {
  "attention.self.query": "attn_q",
  "attention.self.key": "attn_k",
  "attention.self.value": "attn_v",
  "attention.output.dense": "attn_output",
  "attention.output.LayerNorm": "attn_output_norm",
  "intermediate.dense": "ffn_up",
  "output.dense": "ffn_down",
  "output.LayerNorm": "layer_output_norm",
};

/** @throws RangeError where the tokenizer has more words than the model. */
export function bertGgufModel(options: BertGgufOptions): GgufModel {
  const { seed, shape, tokenizer, layerGain = 1 } = options;
  if (tokenizer.tokens.length > shape.vocabulary) {
    throw new RangeError(`${tokenizer.tokens.length} tokens for a model of ${shape.vocabulary}`);
  }
  const { initializers } = bertModel({ seed, shape, layerGain });
  const weights = initializers.filter(({ name }) => /\.(?:weight|bias)$/.test(name));
  return { metadata: metadata(options), tensors: weights.map((tensor) => toGguf(tensor, options.type)) };
}

function toGguf(tensor: Tensor, type: BertGgufType): GgufTensor {
  const name = ggmlName(tensor.name);
  const [rows = 1, columns] = tensor.dims;
  if (columns === undefined) return { name, dims: [rows], type: "f32", values: floatsFrom(tensor) };
  // Tables are [count, size] in both. Matrices are [inputs, outputs] in ONNX; ggml wants each output's inputs together.
  if (tensor.name.startsWith("embeddings.")) {
    const tableType = name.startsWith("token_embd.") ? type : "f32";
    return { name, dims: [columns, rows], type: tableType, values: floatsFrom(tensor) };
  }
  return { name, dims: [rows, columns], type, values: transposed(tensor, { rows, columns }) };
}

function ggmlName(name: string): string {
  const end = name.lastIndexOf(".");
  const [module, kind] = [name.slice(0, end), name.slice(end)];
  const layer = /^encoder\.layer\.(\d+)\.(.+)$/.exec(module);
  const known = layer === null ? tableNames[module] : layerNames[layer[2] ?? ""];
  if (known === undefined) throw new Error(`llama.cpp's bert has no place for ${name}`);
  return layer === null ? `${known}${kind}` : `blk.${layer[1]}.${known}${kind}`;
}

/** Read each time it is asked for: no two tensors lie in memory at once. */
function floatsFrom({ data }: Tensor): FloatSource {
  return {
    length: data.byteLength / Float32Array.BYTES_PER_ELEMENT,
    chunks: () => floatsOf(new Float32Array(readSource(data).buffer)).chunks(),
  };
}

/** [rows, columns] -> [columns, rows], both row-major. */
function transposed({ data }: Tensor, { rows, columns }: { rows: number; columns: number }): FloatSource {
  return {
    length: rows * columns,
    chunks() {
      const values = new Float32Array(readSource(data).buffer);
      const turned = new Float32Array(values.length);
      for (let row = 0; row < rows; row += 1) {
        for (let column = 0; column < columns; column += 1) {
          turned[column * rows + row] = values[row * columns + column]!;
        }
      }
      return floatsOf(turned).chunks();
    },
  };
}

function metadata({ name, shape, type, tokenizer }: BertGgufOptions): Map<string, MetadataValue> {
  const uint32 = (value: number): MetadataValue => ({ type: "uint32", value });
  const text = (value: string): MetadataValue => ({ type: "string", value });
  const { special } = tokenizer;
  const missing = shape.vocabulary - tokenizer.tokens.length;
  const fillers = Array.from({ length: missing }, (_, index) => `[PAD${tokenizer.tokens.length + index}]`);
  const tokens = [...tokenizer.tokens, ...fillers];
  const types = [...tokenizer.types, ...fillers.map(() => unusedToken)];
  return new Map<string, MetadataValue>([
    ["general.architecture", text("bert")],
    ["general.name", text(name)],
    ["general.license", text("mit")],
    ["general.file_type", uint32(fileTypes[type])],
    ["bert.context_length", uint32(shape.positions)],
    ["bert.embedding_length", uint32(shape.width)],
    ["bert.feed_forward_length", uint32(shape.feedForward)],
    ["bert.block_count", uint32(shape.layers)],
    ["bert.attention.head_count", uint32(shape.heads)],
    ["bert.attention.layer_norm_epsilon", { type: "float32", value: 1e-12 }],
    ["bert.attention.causal", { type: "bool", value: false }],
    ["bert.pooling_type", uint32(meanPooling)],
    ["tokenizer.ggml.model", text("bert")],
    ["tokenizer.ggml.pre", text("default")],
    ["tokenizer.ggml.token_type_count", uint32(2)],
    ["tokenizer.ggml.tokens", { type: "array", of: "string", values: tokens }],
    ["tokenizer.ggml.token_type", { type: "array", of: "int32", values: types }],
    // llama.cpp begins a text with the BOS token, whose id is 101 unless the file says otherwise; `cls` is for other readers.
    ["tokenizer.ggml.bos_token_id", uint32(special.cls)],
    ["tokenizer.ggml.cls_token_id", uint32(special.cls)],
    // The format spells it like this.
    ["tokenizer.ggml.seperator_token_id", uint32(special.separator)],
    ["tokenizer.ggml.padding_token_id", uint32(special.padding)],
    ["tokenizer.ggml.unknown_token_id", uint32(special.unknown)],
    ["tokenizer.ggml.mask_token_id", uint32(special.mask)],
    ["tokenizer.ggml.normalizer.lowercase", { type: "bool", value: tokenizer.lowercase }],
    ["tokenizer.ggml.normalizer.strip_accents", { type: "bool", value: tokenizer.stripAccents }],
  ]);
}
