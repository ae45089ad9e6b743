// Writes an encoder's folder, as sentence-transformers and transformers.js expect it.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { type OnnxModel, writeOnnx, type WriteOnnxOptions } from "../formats/onnx.ts";
import { type BertShape } from "./bert.ts";

export interface EmbeddingFolderOptions {
  readonly model: OnnxModel;
  readonly shape: BertShape;
  /** Contents by file name. */
  readonly tokenizer: ReadonlyMap<string, string>;
  /** One score instead of vectors: no pooling is declared. @default false */
  readonly crossEncoder?: boolean;
  /** Name within `onnx/`. @default "model.onnx" */
  readonly fileName?: string;
  /** @default the longest text the positions allow */
  readonly maximumTokens?: number;
  readonly write?: WriteOnnxOptions;
}

/** Writes configuration, tokenizer, pooling and `onnx/model.onnx`. */
export function writeEmbeddingFolder(folder: string, options: EmbeddingFolderOptions): void {
  const { model, shape, tokenizer, crossEncoder = false, fileName = "model.onnx" } = options;
  const maximumTokens = options.maximumTokens ?? shape.positions;
  const files = new Map<string, unknown>([["config.json", configuration(shape, crossEncoder)]]);
  if (!crossEncoder) {
    files.set("sentence_bert_config.json", { max_seq_length: maximumTokens, do_lower_case: false });
    files.set("modules.json", sentenceModules);
    files.set("1_Pooling/config.json", {
      word_embedding_dimension: shape.width,
      pooling_mode_cls_token: false,
      pooling_mode_mean_tokens: true,
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
    });
  }
  mkdirSync(join(folder, "onnx"), { recursive: true });
  for (const [name, content] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  }
  for (const [name, content] of tokenizer) writeFileSync(join(folder, name), content);
  writeOnnx(join(folder, "onnx", fileName), model, options.write);
}

const sentenceModules = [
  { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
  { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
  { idx: 2, name: "2", path: "2_Normalize", type: "sentence_transformers.models.Normalize" },
];

function configuration(shape: BertShape, crossEncoder: boolean): object {
  return {
    architectures: [crossEncoder ? "BertForSequenceClassification" : "BertModel"],
    model_type: "bert",
    hidden_act: "gelu",
    hidden_size: shape.width,
    intermediate_size: shape.feedForward,
    layer_norm_eps: 1e-12,
    max_position_embeddings: shape.positions,
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    pad_token_id: 0,
    position_embedding_type: "absolute",
    type_vocab_size: 2,
    vocab_size: shape.vocabulary,
    ...(crossEncoder ? { id2label: { "0": "LABEL_0" }, label2id: { LABEL_0: 0 } } : {}),
  };
}
