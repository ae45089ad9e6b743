// An independent forward pass of Stable Diffusion's UNet in float64 and plain loops, written from the papers and from the layout of
// diffusers' UNet2DConditionModel, not from any runtime: the engine's numbers are judged by it. Slow and exact on purpose.
// Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models" (2022); Ho et al., "Denoising Diffusion
// Probabilistic Models" (2020); Wu & He, "Group Normalization" (2018); Shazeer, "GLU Variants" (2020); Podell et al., "SDXL" (2023).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readSource } from "../../scripts/build-models/formats/byte-source.ts";
import { readOnnx } from "../../scripts/build-models/formats/onnx-read.ts";
import { decodeFloat16 } from "../../src/backends/onnx/float16.ts";
import { erf } from "./error-function.ts";

export interface ReferenceUnetInput {
  /** [4, height, width] */
  readonly sample: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
  readonly timestep: number;
  /** [tokens, contextWidth] */
  readonly context: ArrayLike<number>;
  /** SDXL. */
  readonly pooled?: ArrayLike<number>;
  /** SDXL: six numbers. */
  readonly timeIds?: ArrayLike<number>;
  /** LCM: what the UNet is told of the guidance. */
  readonly timestepCondition?: ArrayLike<number>;
}

interface Config {
  readonly block_out_channels: readonly number[];
  readonly layers_per_block: number;
  readonly down_block_types: readonly string[];
  /** Heads, in spite of its name. */
  readonly attention_head_dim: readonly number[];
  readonly norm_num_groups: number;
  readonly cross_attention_dim: number;
  readonly addition_time_embed_dim: number | null;
}

/** Channels of pixels, row by row. */
interface FeatureMap {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float64Array;
}

/** Rows of equal length. */
interface Sequence {
  readonly rows: number;
  readonly width: number;
  readonly data: Float64Array;
}

/** The UNet of a model folder; its weights are read by their names. */
export function createReferenceUnet(folder: string): (input: ReferenceUnetInput) => Float64Array {
  const config = JSON.parse(readFileSync(join(folder, "unet/config.json"), "utf8")) as Config;
  const weights = new Map<string, Float64Array>();
  for (const { name, type, data } of readOnnx(join(folder, "unet/model.onnx")).initializers) {
    const { buffer } = readSource(data);
    if (type === "float32") weights.set(name, Float64Array.from(new Float32Array(buffer)));
    // Stored in half precision and widened by the graph.
    else if (type === "float16")
      weights.set(name.replace(/\.stored$/, ""), Float64Array.from(decodeFloat16(new Uint16Array(buffer))));
  }
  const { block_out_channels: levels, layers_per_block: layers, norm_num_groups: groups } = config;
  const weight = (name: string): Float64Array => {
    const values = weights.get(name);
    if (values === undefined) throw new Error(`The UNet has no weight ${name}.`);
    return values;
  };

  function linear(x: Sequence, name: string): Sequence {
    const matrix = weight(`${name}.weight`);
    const bias = weights.get(`${name}.bias`);
    const width = matrix.length / x.width;
    const data = new Float64Array(x.rows * width);
    for (let row = 0; row < x.rows; row++) {
      for (let out = 0; out < width; out++) {
        let sum = bias?.[out] ?? 0;
        for (let i = 0; i < x.width; i++) sum += x.data[row * x.width + i]! * matrix[i * width + out]!;
        data[row * width + out] = sum;
      }
    }
    return { rows: x.rows, width, data };
  }

  function layerNorm(x: Sequence, name: string): Sequence {
    const gain = weight(`${name}.weight`);
    const bias = weight(`${name}.bias`);
    const data = new Float64Array(x.data.length);
    for (let row = 0; row < x.rows; row++) {
      const values = x.data.subarray(row * x.width, (row + 1) * x.width);
      const { mean, deviation } = moments(values, 1e-5);
      for (let i = 0; i < x.width; i++)
        data[row * x.width + i] = ((values[i]! - mean) / deviation) * gain[i]! + bias[i]!;
    }
    return { ...x, data };
  }

  function groupNorm(x: FeatureMap, name: string, epsilon: number): FeatureMap {
    const gain = weight(`${name}.weight`);
    const bias = weight(`${name}.bias`);
    const plane = x.height * x.width;
    const perGroup = x.channels / groups;
    const data = new Float64Array(x.data.length);
    for (let group = 0; group < groups; group++) {
      const start = group * perGroup * plane;
      const { mean, deviation } = moments(x.data.subarray(start, start + perGroup * plane), epsilon);
      for (let i = start; i < start + perGroup * plane; i++) {
        const channel = Math.floor(i / plane);
        data[i] = ((x.data[i]! - mean) / deviation) * gain[channel]! + bias[channel]!;
      }
    }
    return { ...x, data };
  }

  function convolution(x: FeatureMap, name: string, { kernel = 3, stride = 1 } = {}): FeatureMap {
    const matrix = weight(`${name}.weight`);
    const bias = weight(`${name}.bias`);
    const around = (kernel - 1) / 2;
    const height = Math.floor((x.height - 1) / stride) + 1;
    const width = Math.floor((x.width - 1) / stride) + 1;
    const data = new Float64Array(bias.length * height * width);
    for (let out = 0; out < bias.length; out++) {
      for (let y = 0; y < height; y++) {
        for (let column = 0; column < width; column++) {
          let sum = bias[out]!;
          for (let channel = 0; channel < x.channels; channel++) {
            for (let ky = 0; ky < kernel; ky++) {
              const sourceY = y * stride + ky - around;
              if (sourceY < 0 || sourceY >= x.height) continue;
              for (let kx = 0; kx < kernel; kx++) {
                const sourceX = column * stride + kx - around;
                if (sourceX < 0 || sourceX >= x.width) continue;
                const factor = matrix[((out * x.channels + channel) * kernel + ky) * kernel + kx]!;
                sum += factor * x.data[(channel * x.height + sourceY) * x.width + sourceX]!;
              }
            }
          }
          data[(out * height + y) * width + column] = sum;
        }
      }
    }
    return { channels: bias.length, height, width, data };
  }

  function residual(x: FeatureMap, name: string, time: Sequence): FeatureMap {
    const first = convolution(map(groupNorm(x, `${name}.norm1`, 1e-5), silu), `${name}.conv1`);
    const shift = linear(time, `${name}.time_emb_proj`);
    const plane = first.height * first.width;
    const shifted = { ...first, data: first.data.map((value, i) => value + shift.data[Math.floor(i / plane)]!) };
    const second = convolution(map(groupNorm(shifted, `${name}.norm2`, 1e-5), silu), `${name}.conv2`);
    const kept = x.channels === second.channels ? x : convolution(x, `${name}.conv_shortcut`, { kernel: 1 });
    return { ...second, data: add(second.data, kept.data) };
  }

  function attention(x: Sequence, name: string, { context, heads }: { context: Sequence; heads: number }): Sequence {
    const [query, key, value] = [
      linear(x, `${name}.to_q`),
      linear(context, `${name}.to_k`),
      linear(context, `${name}.to_v`),
    ];
    const size = query.width / heads;
    const mixed = new Float64Array(query.data.length);
    for (let head = 0; head < heads; head++) {
      for (let row = 0; row < query.rows; row++) {
        const scores = new Float64Array(key.rows);
        for (let other = 0; other < key.rows; other++) {
          let sum = 0;
          for (let i = head * size; i < (head + 1) * size; i++) {
            sum += query.data[row * query.width + i]! * key.data[other * key.width + i]!;
          }
          scores[other] = sum / Math.sqrt(size);
        }
        const highest = Math.max(...scores);
        const powers = scores.map((score) => Math.exp(score - highest));
        const total = powers.reduce((sum, power) => sum + power, 0);
        for (let other = 0; other < key.rows; other++) {
          const share = powers[other]! / total;
          for (let i = head * size; i < (head + 1) * size; i++) {
            mixed[row * query.width + i]! += share * value.data[other * value.width + i]!;
          }
        }
      }
    }
    return linear({ ...query, data: mixed }, `${name}.to_out.0`);
  }

  function transformer(
    x: FeatureMap,
    name: string,
    { context, heads }: { context: Sequence; heads: number },
  ): FeatureMap {
    let hidden = linear(toSequence(groupNorm(x, `${name}.norm`, 1e-6)), `${name}.proj_in`);
    for (let index = 0; weights.has(`${name}.transformer_blocks.${index}.norm1.weight`); index++) {
      const block = `${name}.transformer_blocks.${index}`;
      const normal = layerNorm(hidden, `${block}.norm1`);
      hidden = sum(attention(normal, `${block}.attn1`, { context: normal, heads }), hidden);
      hidden = sum(attention(layerNorm(hidden, `${block}.norm2`), `${block}.attn2`, { context, heads }), hidden);
      hidden = sum(feedForward(layerNorm(hidden, `${block}.norm3`), block), hidden);
    }
    const back = toFeatureMap(linear(hidden, `${name}.proj_out`), x);
    return { ...back, data: add(back.data, x.data) };
  }

  function feedForward(x: Sequence, block: string): Sequence {
    const both = linear(x, `${block}.ff.net.0.proj`);
    const half = both.width / 2;
    const gated = new Float64Array(both.rows * half);
    for (let row = 0; row < both.rows; row++) {
      for (let i = 0; i < half; i++) {
        gated[row * half + i] = both.data[row * both.width + i]! * gelu(both.data[row * both.width + half + i]!);
      }
    }
    return linear({ rows: both.rows, width: half, data: gated }, `${block}.ff.net.2`);
  }

  function timeEmbedding({ timestep, timestepCondition, pooled, timeIds }: ReferenceUnetInput): Sequence {
    let waves = toRow(sinusoids(timestep, levels[0]!));
    if (timestepCondition !== undefined) {
      waves = sum(waves, linear(toRow(timestepCondition), "time_embedding.cond_proj"));
    }
    let embedded = twoLayers(waves, "time_embedding");
    if (pooled !== undefined && timeIds !== undefined) {
      const ids = Array.from(timeIds).flatMap((id) => [...sinusoids(id, config.addition_time_embed_dim ?? 0)]);
      embedded = sum(embedded, twoLayers(toRow([...Array.from(pooled), ...ids]), "add_embedding"));
    }
    return { ...embedded, data: embedded.data.map(silu) };
  }

  function twoLayers(x: Sequence, name: string): Sequence {
    const first = linear(x, `${name}.linear_1`);
    return linear({ ...first, data: first.data.map(silu) }, `${name}.linear_2`);
  }

  return (input) => {
    const { height, width } = input;
    const contextWidth = config.cross_attention_dim;
    const context = {
      rows: input.context.length / contextWidth,
      width: contextWidth,
      data: Float64Array.from(input.context),
    };
    const time = timeEmbedding(input);
    const attends = (index: number): boolean => config.down_block_types[index]!.startsWith("CrossAttn");
    const maybeAttend = (x: FeatureMap, name: string, index: number): FeatureMap =>
      attends(index) ? transformer(x, name, { context, heads: config.attention_head_dim[index]! }) : x;

    let hidden = convolution({ channels: 4, height, width, data: Float64Array.from(input.sample) }, "conv_in");
    const skips = [hidden];
    for (let index = 0; index < levels.length; index++) {
      for (let layer = 0; layer < layers; layer++) {
        hidden = residual(hidden, `down_blocks.${index}.resnets.${layer}`, time);
        hidden = maybeAttend(hidden, `down_blocks.${index}.attentions.${layer}`, index);
        skips.push(hidden);
      }
      if (index === levels.length - 1) continue;
      hidden = convolution(hidden, `down_blocks.${index}.downsamplers.0.conv`, { stride: 2 });
      skips.push(hidden);
    }
    hidden = residual(hidden, "mid_block.resnets.0", time);
    hidden = transformer(hidden, "mid_block.attentions.0", { context, heads: config.attention_head_dim.at(-1)! });
    hidden = residual(hidden, "mid_block.resnets.1", time);
    for (let index = levels.length - 1; index >= 0; index--) {
      const name = `up_blocks.${levels.length - 1 - index}`;
      for (let layer = 0; layer <= layers; layer++) {
        hidden = residual(concatenate(hidden, skips.pop()!), `${name}.resnets.${layer}`, time);
        hidden = maybeAttend(hidden, `${name}.attentions.${layer}`, index);
      }
      if (index > 0) hidden = convolution(enlarge(hidden, skips.at(-1)!), `${name}.upsamplers.0.conv`);
    }
    return convolution(map(groupNorm(hidden, "conv_norm_out", 1e-5), silu), "conv_out").data;
  };
}

/** Cosines, then sines, of x times 10000^(-i / half). */
function sinusoids(x: number, width: number): Float64Array {
  const half = width / 2;
  return Float64Array.from({ length: width }, (_, i) => {
    const angle = x * 10_000 ** (-(i % half) / half);
    return i < half ? Math.cos(angle) : Math.sin(angle);
  });
}

function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

function gelu(x: number): number {
  return (x / 2) * (1 + erf(x / Math.SQRT2));
}

function moments(values: Float64Array, epsilon: number): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance + epsilon) };
}

function map(x: FeatureMap, change: (value: number) => number): FeatureMap {
  return { ...x, data: x.data.map(change) };
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!);
}

function sum(a: Sequence, b: Sequence): Sequence {
  return { ...a, data: add(a.data, b.data) };
}

function toRow(values: ArrayLike<number>): Sequence {
  return { rows: 1, width: values.length, data: Float64Array.from(values) };
}

function toSequence({ channels, height, width, data }: FeatureMap): Sequence {
  const rows = height * width;
  return {
    rows,
    width: channels,
    data: Float64Array.from(data, (_, i) => data[(i % channels) * rows + Math.floor(i / channels)]!),
  };
}

function toFeatureMap({ rows, width: channels, data }: Sequence, { height, width }: FeatureMap): FeatureMap {
  return {
    channels,
    height,
    width,
    data: Float64Array.from(data, (_, i) => data[(i % rows) * channels + Math.floor(i / rows)]!),
  };
}

function concatenate(a: FeatureMap, b: FeatureMap): FeatureMap {
  return { ...a, channels: a.channels + b.channels, data: Float64Array.from([...a.data, ...b.data]) };
}

/** Repeats pixels until the size is that of `like`. */
function enlarge(x: FeatureMap, { height, width }: FeatureMap): FeatureMap {
  const data = new Float64Array(x.channels * height * width);
  for (let channel = 0; channel < x.channels; channel++) {
    for (let y = 0; y < height; y++) {
      for (let column = 0; column < width; column++) {
        const source = (channel * x.height + Math.floor((y * x.height) / height)) * x.width;
        data[(channel * height + y) * width + column] = x.data[source + Math.floor((column * x.width) / width)]!;
      }
    }
  }
  return { channels: x.channels, height, width, data };
}
