// Builds BERT encoders of any size, with the layout and names of Hugging Face's ONNX exports.

import { attention, dimensionOf, paddingMask } from "../graph/attention.ts";
import { createGraph, type FloatType, type Graph, type Value, type WeightStorage } from "../graph/builder.ts";
import { embedding, gelu, layerNorm, linear } from "../graph/layers.ts";
import { type OnnxModel } from "../formats/onnx.ts";

export interface BertShape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  /** Rows of the position table. */
  readonly positions: number;
}

export interface BertOptions {
  readonly seed: number;
  readonly shape: BertShape;
  /** `logits` adds pooler and classifier: a cross-encoder with one score, [batch, 1]. @default "last_hidden_state" */
  readonly output?: "last_hidden_state" | "logits";
  readonly dtype?: FloatType;
  readonly storage?: WeightStorage;
  readonly int8?: boolean;
  /** Factor on what each layer adds. Below 1 a random encoder keeps more of its words: texts with common words stay near. @default 1 */
  readonly layerGain?: number;
}

/** The sizes of published models. */
export const bertShapes = {
  "e5-small": { layers: 12, width: 384, heads: 12, feedForward: 1536, vocabulary: 30_522, positions: 512 },
  "e5-base": { layers: 12, width: 768, heads: 12, feedForward: 3072, vocabulary: 30_522, positions: 512 },
  "e5-large": { layers: 24, width: 1024, heads: 16, feedForward: 4096, vocabulary: 30_522, positions: 512 },
} as const satisfies Record<string, BertShape>;

/** input_ids, attention_mask [, token_type_ids], all [batch, sequence] -> last_hidden_state [batch, sequence, width] or logits. */
export function bertModel(options: BertOptions): OnnxModel {
  const { shape, output = "last_hidden_state", layerGain = 1 } = options;
  const graph = createGraph({
    name: "bert",
    seed: options.seed,
    dtype: options.dtype ?? "float32",
    int8: options.int8 ?? false,
    ...(options.storage === undefined ? {} : { storage: options.storage }),
  });
  const dims = ["batch_size", "sequence_length"];
  const inputIds = graph.input("input_ids", "int64", dims);
  const attentionMask = graph.input("attention_mask", "int64", dims);
  const tables = [
    embedding(graph, "embeddings.word_embeddings", inputIds, { count: shape.vocabulary, size: shape.width }),
    positionRows(graph, inputIds, shape),
  ];
  const typeIds = graph.input("token_type_ids", "int64", dims);
  tables.push(embedding(graph, "embeddings.token_type_embeddings", typeIds, { count: 2, size: shape.width, std: 0.1 }));
  const sum = tables.reduce((total, table) => graph.node("Add", [total, table]));
  let hidden = layerNorm(graph, "embeddings.LayerNorm", sum, { size: shape.width, epsilon: 1e-12 });
  const mask = paddingMask(graph, attentionMask);
  for (let index = 0; index < shape.layers; index += 1) {
    hidden = encoderLayer(graph, `encoder.layer.${index}`, hidden, { shape, mask, layerGain });
  }
  if (output === "logits")
    graph.output("logits", crossEncoderHead(graph, hidden, shape.width), { dims: ["batch_size", 1] });
  else graph.output("last_hidden_state", hidden, { dims: [...dims, shape.width] });
  return graph.build();
}

function positionRows(graph: Graph, inputIds: Value, shape: BertShape): Value {
  const length = graph.node("Squeeze", [dimensionOf(graph, inputIds, 1)]);
  const positions = graph.node("Range", [graph.int64Scalar(0), length, graph.int64Scalar(1)]);
  const table = { count: shape.positions, size: shape.width, std: 0.1 };
  return embedding(graph, "embeddings.position_embeddings", positions, table);
}

interface LayerOptions {
  readonly shape: BertShape;
  readonly mask: Value;
  readonly layerGain: number;
}

function encoderLayer(graph: Graph, name: string, x: Value, { shape, mask, layerGain }: LayerOptions): Value {
  const { width, heads, feedForward } = shape;
  const attended = attention(graph, `${name}.attention`, x, {
    width,
    heads,
    mask,
    outputGain: layerGain,
    names: { query: "self.query", key: "self.key", value: "self.value", output: "output.dense" },
  });
  const first = layerNorm(graph, `${name}.attention.output.LayerNorm`, graph.node("Add", [attended, x]), {
    size: width,
    epsilon: 1e-12,
  });
  const wide = gelu(graph, linear(graph, `${name}.intermediate.dense`, first, { inputs: width, outputs: feedForward }));
  const narrow = linear(graph, `${name}.output.dense`, wide, { inputs: feedForward, outputs: width, gain: layerGain });
  return layerNorm(graph, `${name}.output.LayerNorm`, graph.node("Add", [narrow, first]), {
    size: width,
    epsilon: 1e-12,
  });
}

/** The first token's vector through a tanh layer and one output. */
function crossEncoderHead(graph: Graph, hidden: Value, width: number): Value {
  const first = graph.node("Gather", [hidden, graph.int64Scalar(0)], { axis: 1 });
  const pooled = graph.node("Tanh", [linear(graph, "pooler.dense", first, { inputs: width, outputs: width })]);
  return linear(graph, "classifier", pooled, { inputs: width, outputs: 1, gain: 3 });
}
