// Writes a Stable Diffusion folder of any family: graphs, configurations, tokenizers and scheduler in diffusers' layout.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { type FloatType, type WeightStorage } from "../graph/builder.ts";
import { type OnnxModel, writeOnnx, type WriteOnnxOptions } from "../formats/onnx.ts";
import { type BpeVocabulary } from "../tokenizers/bpe.ts";
import { clipTextModel, type ClipTextOptions } from "./clip-text.ts";
import { schedulerConfiguration, type SchedulerOptions } from "./scheduler-configuration.ts";
import { unetModel } from "./unet.ts";
import { type UnetOptions } from "./unet-options.ts";
import { vaeDecoderModel, vaeEncoderModel, type VaeShape } from "./vae.ts";

type Without<Options> = Omit<Options, "seed" | "dtype" | "storage">;

export interface TextEncoderPart extends Omit<Without<ClipTextOptions>, "name"> {
  /** The token that pads a prompt to 77 tokens. @default "<|endoftext|>" */
  readonly padding?: "<|endoftext|>" | "!";
}

export interface DiffusionOptions {
  readonly seed: number;
  /** Class name in model_index.json. */
  readonly pipeline: string;
  readonly vocabulary: BpeVocabulary;
  readonly textEncoder: TextEncoderPart;
  /** SDXL's second encoder, with `projection` and `hiddenStates`. */
  readonly textEncoder2?: TextEncoderPart;
  readonly unet: Without<UnetOptions>;
  readonly vae: VaeShape;
  /** @default 0.18215 */
  readonly scalingFactor?: number;
  readonly scheduler: SchedulerOptions;
  /** Latents of the model's native size: pixels / 8. @default 64 */
  readonly sampleSize?: number;
  /** @default "float32" */
  readonly dtype?: FloatType;
  /** Type of the weights in the files. @default `dtype` */
  readonly storage?: WeightStorage;
  /** The autoencoder's own type, since float16 decoders overflow in some published models. @default `dtype` */
  readonly vaeDtype?: FloatType;
  /** Weight file of the UNet (and the text encoders), for example `model.onnx_data`. @default inside the model */
  readonly externalData?: string;
  /** Further fields of model_index.json, for example `force_zeros_for_empty_prompt`. */
  readonly indexFields?: Readonly<Record<string, unknown>>;
}

/** Writes the whole folder. */
export function writeDiffusionFolder(folder: string, options: DiffusionOptions): void {
  const { seed, dtype = "float32", vaeDtype = dtype, scalingFactor = 0.18215 } = options;
  const storage = options.storage ?? dtype;
  const vaeStorage = options.storage ?? vaeDtype;
  const external: WriteOnnxOptions = options.externalData === undefined ? {} : { externalData: options.externalData };
  const part = (
    name: string,
    model: OnnxModel,
    { config, write = {} }: { config: object; write?: WriteOnnxOptions },
  ): void => {
    writeText(join(folder, name, "config.json"), json(config));
    writeOnnx(join(folder, name, "model.onnx"), model, write);
  };
  const encoder = (suffix: string, { padding = "<|endoftext|>", ...text }: TextEncoderPart): void => {
    const name = `text_encoder${suffix}`;
    for (const [file, content] of clipTokenizerFiles(options.vocabulary, padding, text.shape.positions)) {
      writeText(join(folder, `tokenizer${suffix}`, file), content);
    }
    part(name, clipTextModel({ ...text, name, seed, dtype, storage }), {
      config: textConfiguration(text),
      write: external,
    });
  };

  writeText(join(folder, "model_index.json"), json(modelIndex(options)));
  encoder("", options.textEncoder);
  if (options.textEncoder2 !== undefined) encoder("_2", options.textEncoder2);
  part("unet", unetModel({ ...options.unet, seed, dtype, storage }), {
    config: unetConfiguration(options),
    write: external,
  });
  const vaeConfig = vaeConfiguration(options.vae, scalingFactor);
  const vae = { seed, shape: options.vae, dtype: vaeDtype, storage: vaeStorage };
  part("vae_decoder", vaeDecoderModel(vae), { config: vaeConfig });
  part("vae_encoder", vaeEncoderModel(vae), { config: vaeConfig });
  writeText(join(folder, "scheduler/scheduler_config.json"), json(schedulerConfiguration(options.scheduler)));
}

/** vocab.json, merges.txt and the two configuration files of a CLIP tokenizer. */
export function clipTokenizerFiles(vocabulary: BpeVocabulary, padding: string, positions: number): Map<string, string> {
  const special = {
    bos_token: "<|startoftext|>",
    eos_token: "<|endoftext|>",
    unk_token: "<|endoftext|>",
    pad_token: padding,
  };
  const config = {
    ...special,
    add_prefix_space: false,
    do_lower_case: true,
    errors: "replace",
    model_max_length: positions,
    tokenizer_class: "CLIPTokenizer",
  };
  return new Map([
    ["vocab.json", json(Object.fromEntries(vocabulary.tokens.map((token, id) => [token, id])))],
    ["merges.txt", `#version: 0.2\n${vocabulary.merges.join("\n")}\n`],
    ["tokenizer_config.json", json(config)],
    ["special_tokens_map.json", json(special)],
  ]);
}

function modelIndex(options: DiffusionOptions): object {
  const xl = options.textEncoder2 !== undefined;
  return {
    _class_name: options.pipeline,
    _diffusers_version: "0.30.0",
    ...options.indexFields,
    scheduler: ["diffusers", options.scheduler.className],
    text_encoder: ["diffusers", "OnnxRuntimeModel"],
    ...(xl ? { text_encoder_2: ["diffusers", "OnnxRuntimeModel"] } : {}),
    tokenizer: ["transformers", "CLIPTokenizer"],
    ...(xl ? { tokenizer_2: ["transformers", "CLIPTokenizer"] } : {}),
    unet: ["diffusers", "OnnxRuntimeModel"],
    vae_decoder: ["diffusers", "OnnxRuntimeModel"],
    vae_encoder: ["diffusers", "OnnxRuntimeModel"],
    ...(xl ? {} : { feature_extractor: [null, null], safety_checker: [null, null] }),
  };
}

function textConfiguration({ shape, projection, activation = "quick_gelu" }: Omit<TextEncoderPart, "padding">): object {
  return {
    architectures: [projection === undefined ? "CLIPTextModel" : "CLIPTextModelWithProjection"],
    model_type: "clip_text_model",
    hidden_act: activation,
    hidden_size: shape.width,
    intermediate_size: shape.feedForward,
    layer_norm_eps: 1e-5,
    max_position_embeddings: shape.positions,
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    projection_dim: projection ?? shape.width,
    bos_token_id: shape.vocabulary - 2,
    eos_token_id: shape.vocabulary - 1,
    vocab_size: shape.vocabulary,
  };
}

function unetConfiguration({ unet, sampleSize = 64 }: DiffusionOptions): object {
  const { shape, addedText } = unet;
  const kind = (index: number): string => (shape.attentionDepths[index]! > 0 ? "CrossAttn" : "");
  const levels = shape.channels.map((_, index) => index);
  return {
    _class_name: "UNet2DConditionModel",
    sample_size: sampleSize,
    in_channels: 4,
    out_channels: 4,
    block_out_channels: shape.channels,
    layers_per_block: shape.layersPerLevel,
    down_block_types: levels.map((index) => `${kind(index)}DownBlock2D`),
    up_block_types: levels.reverse().map((index) => `${kind(index)}UpBlock2D`),
    attention_head_dim: shape.heads,
    transformer_layers_per_block: shape.attentionDepths.map((depth) => Math.max(1, depth)),
    cross_attention_dim: shape.contextWidth,
    norm_num_groups: shape.groups,
    use_linear_projection: true,
    addition_embed_type: addedText === undefined ? null : "text_time",
    addition_time_embed_dim: addedText?.timeIdWidth ?? null,
    projection_class_embeddings_input_dim:
      addedText === undefined ? null : addedText.pooledWidth + 6 * addedText.timeIdWidth,
    time_cond_proj_dim: null,
  };
}

function vaeConfiguration(shape: VaeShape, scalingFactor: number): object {
  return {
    _class_name: "AutoencoderKL",
    in_channels: 3,
    out_channels: 3,
    latent_channels: 4,
    block_out_channels: shape.channels,
    layers_per_block: shape.layersPerLevel,
    norm_num_groups: shape.groups,
    scaling_factor: scalingFactor,
    sample_size: 512,
  };
}

function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
