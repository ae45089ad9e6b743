// Builds CLIP text encoders of any size, with the input and output names of Stable Diffusion's ONNX folders.

import { attention, causalMask, dimensionOf } from "../graph/attention.ts";
import { createGraph, type FloatType, type Graph, type Value, type WeightStorage } from "../graph/builder.ts";
import { cast, embedding, gelu, layerNorm, linear, quickGelu } from "../graph/layers.ts";
import { type OnnxModel } from "../formats/onnx.ts";

export interface ClipTextShape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  /** Tokens of a prompt, padding included. */
  readonly positions: number;
}

export interface ClipTextOptions {
  /** Name of the graph; it seeds the weights together with `seed`, so that two encoders differ. @default "text_encoder" */
  readonly name?: string;
  readonly seed: number;
  readonly shape: ClipTextShape;
  /** @default "quick_gelu" */
  readonly activation?: "quick_gelu" | "gelu";
  /** Width of the projected, pooled output `text_embeds`, which replaces `pooler_output` (SDXL's second encoder). */
  readonly projection?: number;
  /** Also give `hidden_states.0` to `hidden_states.LAYERS`. @default false */
  readonly hiddenStates?: boolean;
  readonly dtype?: FloatType;
  readonly storage?: WeightStorage;
}

/**
 * input_ids [batch, sequence] -> last_hidden_state [batch, sequence, width] and pooler_output or text_embeds [batch, width].
 * Pooling takes the state at the highest id: `<|endoftext|>` must be the last word of the vocabulary.
 */
export function clipTextModel(options: ClipTextOptions): OnnxModel {
  const { shape, activation = "quick_gelu" } = options;
  const graph = createGraph({
    name: options.name ?? "text_encoder",
    seed: options.seed,
    dtype: options.dtype ?? "float32",
    ...(options.storage === undefined ? {} : { storage: options.storage }),
  });
  const inputIds = graph.input("input_ids", "int64", ["batch_size", "sequence_length"]);
  const states = [embeddings(graph, inputIds, shape)];
  const mask = causalMask(graph, dimensionOf(graph, inputIds, 1));
  for (let index = 0; index < shape.layers; index += 1) {
    const name = `text_model.encoder.layers.${index}`;
    states.push(layer(graph, name, states[index]!, { shape, mask, activation }));
  }
  const last = layerNorm(graph, "text_model.final_layer_norm", states.at(-1)!, { size: shape.width });
  const pooled = endOfText(graph, inputIds, last);
  const sequence = ["batch_size", "sequence_length", shape.width];
  if (options.projection === undefined) {
    graph.output("last_hidden_state", last, { dims: sequence });
    graph.output("pooler_output", pooled, { dims: ["batch_size", shape.width] });
  } else {
    const projection = { inputs: shape.width, outputs: options.projection, bias: false };
    const projected = linear(graph, "text_projection", pooled, projection);
    graph.output("text_embeds", projected, { dims: ["batch_size", options.projection] });
    graph.output("last_hidden_state", last, { dims: sequence });
  }
  if (options.hiddenStates === true) {
    for (const [index, state] of states.entries()) graph.output(`hidden_states.${index}`, state, { dims: sequence });
  }
  return graph.build();
}

function embeddings(graph: Graph, inputIds: Value, shape: ClipTextShape): Value {
  const tokens = embedding(graph, "text_model.embeddings.token_embedding", inputIds, {
    count: shape.vocabulary,
    size: shape.width,
  });
  const length = graph.node("Squeeze", [dimensionOf(graph, inputIds, 1)]);
  const range = graph.node("Range", [graph.int64Scalar(0), length, graph.int64Scalar(1)]);
  const positions = embedding(graph, "text_model.embeddings.position_embedding", range, {
    count: shape.positions,
    size: shape.width,
    std: 0.3,
  });
  return graph.node("Add", [tokens, positions]);
}

interface LayerOptions {
  readonly shape: ClipTextShape;
  readonly mask: Value;
  readonly activation: "quick_gelu" | "gelu";
}

/** Normalise first, then attend or transform, then add: the order of GPT-2. */
function layer(graph: Graph, name: string, x: Value, { shape, mask, activation }: LayerOptions): Value {
  const { width, heads, feedForward } = shape;
  const attended = attention(graph, `${name}.self_attn`, layerNorm(graph, `${name}.layer_norm1`, x, { size: width }), {
    width,
    heads,
    mask,
    names: { query: "q_proj", key: "k_proj", value: "v_proj", output: "out_proj" },
  });
  const middle = graph.node("Add", [x, attended]);
  const normal = layerNorm(graph, `${name}.layer_norm2`, middle, { size: width });
  const wide = linear(graph, `${name}.mlp.fc1`, normal, { inputs: width, outputs: feedForward });
  const active = activation === "gelu" ? gelu(graph, wide) : quickGelu(graph, wide);
  return graph.node("Add", [middle, linear(graph, `${name}.mlp.fc2`, active, { inputs: feedForward, outputs: width })]);
}

/** The state at the first position of the highest id, [batch, width]. */
function endOfText(graph: Graph, inputIds: Value, states: Value): Value {
  const wide = cast(graph, inputIds, "int64");
  const position = graph.node("ArgMax", [wide], { axis: 1, keepdims: 1 });
  return graph.node("GatherND", [states, position], { batch_dims: 1 });
}
