// Builds Stable Diffusion's autoencoder at any width. With four levels its latents are eight times smaller than the picture, each way.

import { createGraph, type FloatType, type WeightStorage } from "../graph/builder.ts";
import { convolution, groupNorm, silu, upsampleTwice } from "../graph/layers.ts";
import { type OnnxModel } from "../formats/onnx.ts";
import { pixelAttention, residualBlock } from "./residual-blocks.ts";

export interface VaeShape {
  /** Channels of each level from the pixels down; each level but the first halves height and width. */
  readonly channels: readonly number[];
  readonly layersPerLevel: number;
  readonly groups: number;
  /** Self-attention in the middle; its cost grows with the fourth power of the picture's side. */
  readonly attention: boolean;
}

const latentChannels = 4;

export interface VaeOptions {
  readonly seed: number;
  readonly shape: VaeShape;
  readonly dtype?: FloatType;
  /** @default `dtype` */
  readonly storage?: WeightStorage;
}

/** latent_sample [batch, 4, height, width] -> sample [batch, 3, 8 * height, 8 * width], about -1 to 1. */
export function vaeDecoderModel({ seed, shape, dtype = "float32", storage = dtype }: VaeOptions): OnnxModel {
  const { groups, layersPerLevel } = shape;
  const graph = createGraph({ name: "vae_decoder", seed, dtype, storage });
  const latents = graph.input("latent_sample", dtype, ["batch_size", latentChannels, "height", "width"]);
  const levels = [...shape.channels].reverse();
  let channels = levels[0]!;
  let hidden = convolution(graph, "post_quant_conv", latents, {
    inputs: latentChannels,
    outputs: latentChannels,
    kernel: 1,
  });
  hidden = convolution(graph, "decoder.conv_in", hidden, { inputs: latentChannels, outputs: channels });
  hidden = middle("decoder");
  for (const [index, outputs] of levels.entries()) {
    for (let layer = 0; layer <= layersPerLevel; layer += 1) {
      const name = `decoder.up_blocks.${index}.resnets.${layer}`;
      hidden = residualBlock(graph, name, hidden, { inputs: channels, outputs, groups, epsilon: 1e-6 });
      channels = outputs;
    }
    if (index < levels.length - 1) {
      const name = `decoder.up_blocks.${index}.upsamplers.0.conv`;
      hidden = convolution(graph, name, upsampleTwice(graph, hidden), { inputs: channels, outputs: channels });
    }
  }
  const normal = groupNorm(graph, "decoder.conv_norm_out", hidden, { channels, groups, epsilon: 1e-6 });
  // A random picture should fill the range without clipping: the gain keeps nearly all pixels within -1 to 1.
  const pixels = convolution(graph, "decoder.conv_out", silu(graph, normal), {
    inputs: channels,
    outputs: 3,
    gain: 0.7,
  });
  graph.output("sample", pixels, { dims: ["batch_size", 3, "pixel_height", "pixel_width"] });
  return graph.build();

  function middle(name: string): string {
    const residual = { inputs: channels, outputs: channels, groups, epsilon: 1e-6 };
    let inner = residualBlock(graph, `${name}.mid_block.resnets.0`, hidden, residual);
    if (shape.attention) inner = pixelAttention(graph, `${name}.mid_block.attentions.0`, inner, { channels, groups });
    return residualBlock(graph, `${name}.mid_block.resnets.1`, inner, residual);
  }
}

/** sample [batch, 3, height, width] -> the mean of the latents, of an eighth of the size, not yet scaled. */
export function vaeEncoderModel({ seed, shape, dtype = "float32", storage = dtype }: VaeOptions): OnnxModel {
  const { groups, layersPerLevel } = shape;
  const graph = createGraph({ name: "vae_encoder", seed, dtype, storage });
  const pixels = graph.input("sample", dtype, ["batch_size", 3, "height", "width"]);
  let channels = shape.channels[0]!;
  let hidden = convolution(graph, "encoder.conv_in", pixels, { inputs: 3, outputs: channels });
  for (const [index, outputs] of shape.channels.entries()) {
    for (let layer = 0; layer < layersPerLevel; layer += 1) {
      const name = `encoder.down_blocks.${index}.resnets.${layer}`;
      hidden = residualBlock(graph, name, hidden, { inputs: channels, outputs, groups, epsilon: 1e-6 });
      channels = outputs;
    }
    if (index < shape.channels.length - 1) {
      const name = `encoder.down_blocks.${index}.downsamplers.0.conv`;
      const halving = { inputs: channels, outputs: channels, stride: 2, pads: [0, 0, 1, 1] } as const;
      hidden = convolution(graph, name, hidden, halving);
    }
  }
  const residual = { inputs: channels, outputs: channels, groups, epsilon: 1e-6 };
  hidden = residualBlock(graph, "encoder.mid_block.resnets.0", hidden, residual);
  if (shape.attention) hidden = pixelAttention(graph, "encoder.mid_block.attentions.0", hidden, { channels, groups });
  hidden = residualBlock(graph, "encoder.mid_block.resnets.1", hidden, residual);
  const normal = groupNorm(graph, "encoder.conv_norm_out", hidden, { channels, groups, epsilon: 1e-6 });
  const moments = latentChannels * 2;
  hidden = convolution(graph, "encoder.conv_out", silu(graph, normal), { inputs: channels, outputs: moments });
  const parameters = convolution(graph, "quant_conv", hidden, { inputs: moments, outputs: moments, kernel: 1 });
  const [mean] = graph.nodes("Split", [parameters], { outputs: 2, attributes: { axis: 1 } });
  graph.output("latent_sample", mean!, { dims: ["batch_size", latentChannels, "latent_height", "latent_width"] });
  return graph.build();
}
