// Builds the blocks that UNet and VAE share: residual convolutions, and attention over the pixels of an image.

import { attention } from "../graph/attention.ts";
import { type Graph, type Value } from "../graph/builder.ts";
import { convolution, gelu, groupNorm, layerNorm, linear, silu } from "../graph/layers.ts";

export interface ResidualOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly groups: number;
  /** Time embedding [batch or 1, width], already activated. */
  readonly time?: { readonly value: Value; readonly width: number };
  readonly epsilon?: number;
}

/** Norm, SiLU, convolution, plus time, norm, SiLU, convolution, plus the input (through a 1x1 where the width changes). */
export function residualBlock(graph: Graph, name: string, x: Value, options: ResidualOptions): Value {
  const { inputs, outputs, groups, time, epsilon = 1e-5 } = options;
  const normal = groupNorm(graph, `${name}.norm1`, x, { channels: inputs, groups, epsilon });
  let hidden = convolution(graph, `${name}.conv1`, silu(graph, normal), { inputs, outputs });
  if (time !== undefined) {
    const shift = linear(graph, `${name}.time_emb_proj`, time.value, { inputs: time.width, outputs });
    hidden = graph.node("Add", [hidden, graph.node("Unsqueeze", [shift, graph.int64([2, 3])])]);
  }
  const active = silu(graph, groupNorm(graph, `${name}.norm2`, hidden, { channels: outputs, groups, epsilon }));
  const added = convolution(graph, `${name}.conv2`, active, { inputs: outputs, outputs });
  const kept = inputs === outputs ? x : convolution(graph, `${name}.conv_shortcut`, x, { inputs, outputs, kernel: 1 });
  return graph.node("Add", [kept, added]);
}

export interface TransformerOptions {
  readonly channels: number;
  readonly groups: number;
  readonly heads: number;
  /** Blocks of self-attention, cross-attention and feed-forward. */
  readonly depth: number;
  readonly context: { readonly value: Value; readonly width: number };
}

/** Pixels as a sequence that attends to itself and to the text, [batch, channels, height, width] both ways. */
export function spatialTransformer(graph: Graph, name: string, x: Value, options: TransformerOptions): Value {
  const { channels, groups, depth } = options;
  const normal = groupNorm(graph, `${name}.norm`, x, { channels, groups, epsilon: 1e-6 });
  const flat = toSequence(graph, normal);
  let hidden = linear(graph, `${name}.proj_in`, flat, { inputs: channels, outputs: channels });
  for (let index = 0; index < depth; index += 1) {
    hidden = transformerBlock(graph, `${name}.transformer_blocks.${index}`, hidden, options);
  }
  const projected = linear(graph, `${name}.proj_out`, hidden, { inputs: channels, outputs: channels });
  return graph.node("Add", [toImage(graph, projected, x), x]);
}

/** Self-attention over pixels with one head, as in the middle of the VAE. */
export function pixelAttention(
  graph: Graph,
  name: string,
  x: Value,
  options: { channels: number; groups: number },
): Value {
  const { channels, groups } = options;
  const flat = toSequence(graph, groupNorm(graph, `${name}.group_norm`, x, { channels, groups, epsilon: 1e-6 }));
  const mixed = attention(graph, name, flat, { width: channels, heads: 1, names: attentionNames });
  return graph.node("Add", [toImage(graph, mixed, x), x]);
}

const attentionNames = { query: "to_q", key: "to_k", value: "to_v", output: "to_out.0" };

function transformerBlock(graph: Graph, name: string, x: Value, options: TransformerOptions): Value {
  const { channels: width, heads, context } = options;
  const shared = { width, heads, bias: false, names: attentionNames };
  const normal1 = layerNorm(graph, `${name}.norm1`, x, { size: width });
  const first = graph.node("Add", [attention(graph, `${name}.attn1`, normal1, shared), x]);
  const normal2 = layerNorm(graph, `${name}.norm2`, first, { size: width });
  const second = graph.node("Add", [attention(graph, `${name}.attn2`, normal2, { ...shared, context }), first]);
  const normal3 = layerNorm(graph, `${name}.norm3`, second, { size: width });
  const both = linear(graph, `${name}.ff.net.0.proj`, normal3, { inputs: width, outputs: width * 8 });
  const [linearHalf, gateHalf] = graph.nodes("Split", [both], { outputs: 2, attributes: { axis: -1 } }) as [
    Value,
    Value,
  ];
  const gated = graph.node("Mul", [linearHalf, gelu(graph, gateHalf)]);
  const narrow = linear(graph, `${name}.ff.net.2`, gated, { inputs: width * 4, outputs: width });
  return graph.node("Add", [narrow, second]);
}

/** [batch, channels, height, width] -> [batch, height * width, channels]. */
function toSequence(graph: Graph, x: Value): Value {
  return graph.node("Transpose", [graph.node("Reshape", [x, graph.int64([0, 0, -1])])], { perm: [0, 2, 1] });
}

/** The way back; `like` gives height and width. */
function toImage(graph: Graph, sequence: Value, like: Value): Value {
  const planes = graph.node("Transpose", [sequence], { perm: [0, 2, 1] });
  return graph.node("Reshape", [planes, graph.node("Shape", [like])]);
}
