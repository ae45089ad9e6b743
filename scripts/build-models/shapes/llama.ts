// Builds llama models of any size in GGUF, with random weights.

import { type GgufModel, type GgufTensor, type GgufTensorType, type MetadataValue } from "../formats/gguf.ts";
import { constantFloats, type FloatSource, mapFloats, randomNormal } from "../formats/weights.ts";

export interface LlamaShape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly feedForward: number;
  /** Longest sequence in tokens. */
  readonly context: number;
}

export interface LlamaTokenizer {
  /** `gpt2` is byte-level BPE, `llama` is SentencePiece, which begins every text with BOS. @default "gpt2" */
  readonly model?: "gpt2" | "llama";
  readonly tokens: readonly string[];
  /** Of byte-level BPE. */
  readonly merges: readonly string[];
  /** Of SentencePiece: one for each token, the highest is joined first. */
  readonly scores?: readonly number[];
  /** 1 ordinary, 2 unknown, 3 control, 4 user-defined, 6 byte; one for each token. */
  readonly types: readonly number[];
  /** Name of the pre-tokenizer as llama.cpp knows it. */
  readonly preTokenizer: string;
  readonly endOfSequence: string;
  /** Further special tokens by metadata key, for example `tokenizer.ggml.fim_pre_token_id`. */
  readonly special: Readonly<Record<string, string>>;
  readonly chatTemplate?: string;
}

export interface LlamaOptions {
  readonly name: string;
  readonly seed: number;
  readonly shape: LlamaShape;
  readonly tokenizer: LlamaTokenizer;
  /** Format of all matrices between the embeddings. */
  readonly type: GgufTensorType;
  /** Format of the two vocabulary tables. @default `type`, or q8_0 where that has only four bits, as published files have it */
  readonly tableType?: GgufTensorType;
  /**
   * Added to each token's logit, whatever the context. Llama has no such bias: the first channel of the embeddings is a
   * constant that no layer reads or writes, and the output table weighs it.
   */
  readonly logitBias?: Float32Array;
  /** Standard deviation of the logits over the vocabulary, about. @default 1 */
  readonly logitSpread?: number;
}

/** The sizes that benchmarks use. */
export const llamaShapes = {
  "140m": { layers: 30, width: 576, heads: 9, keyValueHeads: 3, feedForward: 1536, context: 4096 },
  "1b": { layers: 22, width: 2048, heads: 32, keyValueHeads: 4, feedForward: 5632, context: 4096 },
} as const satisfies Record<string, LlamaShape>;

/** ggml's names and order of dimensions: the first is contiguous. */
export function llamaModel(options: LlamaOptions): GgufModel {
  const { shape, seed, tokenizer, type } = options;
  const tableType = options.tableType ?? (type === "q4_0" || type === "q4_K" ? "q8_0" : type);
  const { width, feedForward } = shape;
  const headWidth = width / shape.heads;
  const keyValueWidth = headWidth * shape.keyValueHeads;
  const vocabulary = tokenizer.tokens.length;
  const bias = options.logitBias;
  const tensors: GgufTensor[] = [];
  const matrix = (name: string, [inputs, outputs]: readonly [number, number], writesChannels = false): void => {
    const values = randomNormal(`${seed}/${name}`, { length: inputs * outputs, std: 1 / Math.sqrt(inputs) });
    // Row 0 of a matrix that adds to the residual stream is the constant channel's.
    const kept =
      bias !== undefined && writesChannels ? mapFloats(values, (value, index) => (index < inputs ? 0 : value)) : values;
    // As llama.cpp's quantiser does where rows do not divide into super-blocks, but at the same size.
    const fitting = type === "q4_K" && inputs % 256 !== 0 ? "q4_0" : type;
    tensors.push({ name, dims: [inputs, outputs], type: fitting, values: kept });
  };
  const norm = (name: string): void => {
    const ones = constantFloats(width, 1);
    const values = bias === undefined ? ones : mapFloats(ones, (value, index) => (index === 0 ? 0 : value));
    tensors.push({ name, dims: [width], type: "f32", values });
  };

  const tables = vocabularyTables(options, vocabulary);
  tensors.push({ name: "token_embd.weight", dims: [width, vocabulary], type: tableType, values: tables.embeddings });
  for (let layer = 0; layer < shape.layers; layer += 1) {
    const prefix = `blk.${layer}`;
    norm(`${prefix}.attn_norm.weight`);
    matrix(`${prefix}.attn_q.weight`, [width, width]);
    matrix(`${prefix}.attn_k.weight`, [width, keyValueWidth]);
    matrix(`${prefix}.attn_v.weight`, [width, keyValueWidth]);
    matrix(`${prefix}.attn_output.weight`, [width, width], true);
    norm(`${prefix}.ffn_norm.weight`);
    matrix(`${prefix}.ffn_gate.weight`, [width, feedForward]);
    matrix(`${prefix}.ffn_up.weight`, [width, feedForward]);
    matrix(`${prefix}.ffn_down.weight`, [feedForward, width], true);
  }
  tensors.push({ name: "output_norm.weight", dims: [width], type: "f32", values: tables.finalNorm });
  tensors.push({ name: "output.weight", dims: [width, vocabulary], type: tableType, values: tables.output });
  return { metadata: metadata(options, headWidth), tensors };
}

function vocabularyTables(
  options: LlamaOptions,
  vocabulary: number,
): Record<"embeddings" | "finalNorm" | "output", FloatSource> {
  const { seed, shape, logitBias, logitSpread = 1 } = options;
  const { width } = shape;
  const length = width * vocabulary;
  const embeddings = randomNormal(`${seed}/token_embd.weight`, { length, std: 1 });
  const output = randomNormal(`${seed}/output.weight`, { length, std: 1 / Math.sqrt(width) });
  const finalNorm = constantFloats(width, logitSpread);
  if (logitBias === undefined) return { embeddings, finalNorm, output };
  // With a constant of root(width) the last normalisation sees half constant, half content when content has variance one;
  // attention and feed-forward add a little, so the constant comes out near 0.6 * root(width).
  const constant = Math.sqrt(width);
  const seen = 0.6 * constant;
  return {
    embeddings: mapFloats(embeddings, (value, index) => (index % width === 0 ? constant : value)),
    finalNorm: mapFloats(finalNorm, (value, index) => (index === 0 ? 1 : value)),
    output: mapFloats(output, (value, index) => (index % width === 0 ? logitBias[index / width]! / seen : value)),
  };
}

function metadata({ name, shape, tokenizer }: LlamaOptions, headWidth: number): Map<string, MetadataValue> {
  const uint32 = (value: number): MetadataValue => ({ type: "uint32", value });
  const text = (value: string): MetadataValue => ({ type: "string", value });
  const idOf = (token: string): number => {
    const id = tokenizer.tokens.indexOf(token);
    if (id === -1) throw new RangeError(`the vocabulary has no ${token}`);
    return id;
  };
  const { model = "gpt2" } = tokenizer;
  const entries: [string, MetadataValue][] = [
    ["general.architecture", text("llama")],
    ["general.name", text(name)],
    ["general.license", text("mit")],
    ["llama.context_length", uint32(shape.context)],
    ["llama.embedding_length", uint32(shape.width)],
    ["llama.block_count", uint32(shape.layers)],
    ["llama.feed_forward_length", uint32(shape.feedForward)],
    ["llama.attention.head_count", uint32(shape.heads)],
    ["llama.attention.head_count_kv", uint32(shape.keyValueHeads)],
    ["llama.attention.layer_norm_rms_epsilon", { type: "float32", value: 1e-5 }],
    ["llama.rope.dimension_count", uint32(headWidth)],
    ["llama.rope.freq_base", { type: "float32", value: 10_000 }],
    ["llama.vocab_size", uint32(tokenizer.tokens.length)],
    ["tokenizer.ggml.model", text(model)],
    ["tokenizer.ggml.pre", text(tokenizer.preTokenizer)],
    ["tokenizer.ggml.tokens", { type: "array", of: "string", values: tokenizer.tokens }],
    ["tokenizer.ggml.token_type", { type: "array", of: "int32", values: tokenizer.types }],
    tokenizer.scores === undefined
      ? ["tokenizer.ggml.merges", { type: "array", of: "string", values: tokenizer.merges }]
      : ["tokenizer.ggml.scores", { type: "array", of: "float32", values: tokenizer.scores }],
    ["tokenizer.ggml.eos_token_id", uint32(idOf(tokenizer.endOfSequence))],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: model === "llama" }],
    ...Object.entries(tokenizer.special).map(([key, token]): [string, MetadataValue] => [key, uint32(idOf(token))]),
  ];
  if (tokenizer.chatTemplate !== undefined) entries.push(["tokenizer.chat_template", text(tokenizer.chatTemplate)]);
  return new Map(entries);
}
