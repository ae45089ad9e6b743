// Builds Stable Diffusion's conditional UNet at any width and depth, with the names of Hugging Face's ONNX exports.

import { createGraph, type Graph, type Value } from "../graph/builder.ts";
import { convolution, groupNorm, silu, upsampleTo } from "../graph/layers.ts";
import { type OnnxModel } from "../formats/onnx.ts";
import { residualBlock, spatialTransformer } from "./residual-blocks.ts";
import { timeEmbedding } from "./time-embedding.ts";
import { type UnetOptions, type UnetShape } from "./unet-options.ts";

const latentChannels = 4;

interface LevelContext {
  readonly shape: UnetShape;
  readonly time: { readonly value: Value; readonly width: number };
  readonly context: { readonly value: Value; readonly width: number };
}

/**
 * sample [batch, 4, height, width], timestep, encoder_hidden_states [batch, tokens, contextWidth] [, text_embeds, time_ids]
 * -> out_sample, shaped as sample. Height and width may be any number: what is halved with a remainder is brought back to the
 * size of the skip connection.
 */
export function unetModel(options: UnetOptions): OnnxModel {
  const { shape } = options;
  const graph = createGraph({
    name: "unet",
    seed: options.seed,
    dtype: options.dtype ?? "float32",
    ...(options.storage === undefined ? {} : { storage: options.storage }),
  });
  const dims = ["batch_size", latentChannels, "height", "width"];
  const sample = graph.input("sample", graph.dtype, dims);
  const time = timeEmbedding(graph, { baseWidth: shape.channels[0]!, options });
  const text = graph.input("encoder_hidden_states", graph.dtype, ["batch_size", "sequence_length", shape.contextWidth]);
  const level = { shape, time, context: { value: text, width: shape.contextWidth } };

  const first = convolution(graph, "conv_in", sample, { inputs: latentChannels, outputs: shape.channels[0]! });
  const { hidden: deepest, skips } = down(graph, first, level);
  const hidden = up(graph, middle(graph, deepest, level), { skips, level });
  const normal = groupNorm(graph, "conv_norm_out", hidden, { channels: shape.channels[0]!, groups: shape.groups });
  const out = convolution(graph, "conv_out", silu(graph, normal), {
    inputs: shape.channels[0]!,
    outputs: latentChannels,
  });
  graph.output("out_sample", out, { dims });
  return graph.build();
}

interface Skip {
  readonly value: Value;
  readonly channels: number;
}

function down(graph: Graph, x: Value, level: LevelContext): { hidden: Value; skips: Skip[] } {
  const { shape, time } = level;
  const skips: Skip[] = [{ value: x, channels: shape.channels[0]! }];
  let hidden = x;
  let inputs = shape.channels[0]!;
  for (const [index, outputs] of shape.channels.entries()) {
    const name = `down_blocks.${index}`;
    for (let layer = 0; layer < shape.layersPerLevel; layer += 1) {
      hidden = residualBlock(graph, `${name}.resnets.${layer}`, hidden, {
        inputs,
        outputs,
        groups: shape.groups,
        time,
      });
      hidden = attend(graph, `${name}.attentions.${layer}`, hidden, { index, level });
      inputs = outputs;
      skips.push({ value: hidden, channels: outputs });
    }
    if (index < shape.channels.length - 1) {
      hidden = convolution(graph, `${name}.downsamplers.0.conv`, hidden, { inputs, outputs, stride: 2 });
      skips.push({ value: hidden, channels: outputs });
    }
  }
  return { hidden, skips };
}

function middle(graph: Graph, x: Value, { shape, time, context }: LevelContext): Value {
  const channels = shape.channels.at(-1)!;
  const residual = { inputs: channels, outputs: channels, groups: shape.groups, time };
  const entered = residualBlock(graph, "mid_block.resnets.0", x, residual);
  const attended = spatialTransformer(graph, "mid_block.attentions.0", entered, {
    channels,
    groups: shape.groups,
    heads: shape.heads.at(-1)!,
    depth: Math.max(1, shape.attentionDepths.at(-1)!),
    context,
  });
  return residualBlock(graph, "mid_block.resnets.1", attended, residual);
}

function up(graph: Graph, x: Value, { skips, level }: { skips: Skip[]; level: LevelContext }): Value {
  const { shape, time } = level;
  let hidden = x;
  let inputs = shape.channels.at(-1)!;
  for (let index = shape.channels.length - 1; index >= 0; index -= 1) {
    const name = `up_blocks.${shape.channels.length - 1 - index}`;
    const outputs = shape.channels[index]!;
    for (let layer = 0; layer <= shape.layersPerLevel; layer += 1) {
      const skip = skips.pop()!;
      const joined = graph.node("Concat", [hidden, skip.value], { axis: 1 });
      const residual = { inputs: inputs + skip.channels, outputs, groups: shape.groups, time };
      hidden = residualBlock(graph, `${name}.resnets.${layer}`, joined, residual);
      hidden = attend(graph, `${name}.attentions.${layer}`, hidden, { index, level });
      inputs = outputs;
    }
    if (index > 0) {
      const larger = upsampleTo(graph, hidden, skips.at(-1)!.value);
      hidden = convolution(graph, `${name}.upsamplers.0.conv`, larger, { inputs: outputs, outputs });
    }
  }
  return hidden;
}

function attend(graph: Graph, name: string, x: Value, { index, level }: { index: number; level: LevelContext }): Value {
  const { shape, context } = level;
  const depth = shape.attentionDepths[index]!;
  if (depth === 0) return x;
  const channels = shape.channels[index]!;
  return spatialTransformer(graph, name, x, {
    channels,
    groups: shape.groups,
    heads: shape.heads[index]!,
    depth,
    context,
  });
}
