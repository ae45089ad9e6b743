// Reads a Stable Diffusion folder in the layout of huggingface/diffusers' and optimum's ONNX exports: its graphs, family, sizes and
// scheduler. The parts that are there decide; the class name in model_index.json is only a hint.
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ServerError } from "../../../domain/errors.ts";
import { numberOr, readJsonObject, readTextFile, textOr, type JsonObject } from "../../../model-files/json-file.ts";
import { refusedPipeline } from "../../../model-files/refused-pipeline.ts";
import { parseSchedulerConfig, type SchedulerConfig } from "../schedulers/settings/scheduler-settings.ts";

export const graphNames = [
  "text_encoder",
  "text_encoder_2",
  "unet",
  "vae_decoder",
  "vae_encoder",
  "safety_checker",
] as const;
/** A part of the pipeline, by the name of its folder. */
export type GraphName = (typeof graphNames)[number];

export interface TextEncoderFolder {
  readonly graph: Extract<GraphName, "text_encoder" | "text_encoder_2">;
  readonly tokenizerDirectory: string;
  readonly hiddenLayers: number;
  /** Ids per chunk, frame tokens included. */
  readonly contextLength: number;
}

export interface DiffusionFolder {
  readonly path: string;
  /** `_class_name` of model_index.json; empty where there is none. */
  readonly className: string;
  readonly family: "sd" | "sdxl";
  /** How the model was distilled to fewer steps ({@link detectDistillation}). */
  readonly distillation: Distillation;
  /** Whether its pipeline is that of latent consistency models, whose image-to-image reads `strength` in its own way. */
  readonly latentConsistency: boolean;
  /** Paths of the graphs that the folder has. */
  readonly graphs: ReadonlyMap<GraphName, string>;
  readonly textEncoders: readonly TextEncoderFolder[];
  readonly schedulerConfig: SchedulerConfig;
  /** Channels of the UNet's input: 4, or 9 for inpainting. */
  readonly inputChannels: 4 | 9;
  /** Latent pixels of the model's native size. */
  readonly sampleSize: { readonly width: number; readonly height: number };
  /** Pixels of the picture per latent pixel, each way. */
  readonly vaeScale: number;
  /** Factor by which the UNet's lowest level is smaller, each way. */
  readonly unetScale: number;
  /** `unet/config.json`. */
  readonly unetConfig: JsonObject;
  /** `vae/config.json` and `vae_decoder/config.json` merged. */
  readonly vaeConfig: JsonObject;
  readonly latentScale: LatentScale;
  /** SDXL: where there is no negative prompt, zeros take the place of an empty text's encoding. */
  readonly zerosForNoNegative: boolean;
}

/** Latents as the UNet sees them are (encoded - shift) * factor; a value for each channel. */
export interface LatentScale {
  readonly factors: readonly number[];
  readonly shifts: readonly number[];
}

export type Distillation = "none" | "turbo" | "lightning" | "lcm";

const latentChannels = 4;
const required = ["text_encoder", "unet", "vae_decoder"] as const;
const layout =
  "a Stable Diffusion folder in ONNX: text_encoder/model.onnx, tokenizer/, unet/model.onnx, vae_decoder/model.onnx and " +
  "scheduler/scheduler_config.json, for SDXL also text_encoder_2/model.onnx and tokenizer_2/";

/** @throws ServerError `model_load_failed` saying what was expected and what was found */
export async function readModelFolder(path: string): Promise<DiffusionFolder> {
  const entries = await listFolder(path);
  const index = (await readJsonObject(join(path, "model_index.json"))) ?? {};
  const className = textOr(index["_class_name"], "");
  const refused = refusedPipeline(entries, className);
  if (refused !== undefined) throw new ServerError("model_load_failed", `${path} ${refused}`);
  const graphs = await findGraphs(path, { entries, className });
  const config = async (name: string): Promise<JsonObject> =>
    (await readJsonObject(join(path, name, "config.json"))) ?? {};
  const unetConfig = await config("unet");
  const vaeConfig = { ...(await config("vae")), ...(await config("vae_decoder")) };
  const family = graphs.has("text_encoder_2") ? "sdxl" : "sd";
  const schedulerConfig = await readScheduler(path);
  return {
    path,
    className,
    family,
    distillation: detectDistillation({ family, schedulerConfig, unetConfig, className, folderName: basename(path) }),
    latentConsistency: isLatentConsistency(className, unetConfig),
    graphs,
    textEncoders: await readTextEncoders(path, graphs),
    schedulerConfig,
    inputChannels: inputChannels(unetConfig),
    sampleSize: sampleSize(unetConfig),
    vaeScale: 2 ** Math.max(0, lengthOf(vaeConfig["block_out_channels"], 4) - 1),
    unetScale: 2 ** Math.max(0, lengthOf(unetConfig["block_out_channels"], family === "sdxl" ? 3 : 4) - 1),
    unetConfig,
    vaeConfig,
    latentScale: latentScale(vaeConfig, family),
    zerosForNoNegative: family === "sdxl" && index["force_zeros_for_empty_prompt"] !== false,
  };
}

/** By the pipeline's class, or where a folder names none, by a UNet that takes the guidance as an input. */
function isLatentConsistency(className: string, unetConfig: JsonObject): boolean {
  return className === "" ? isToldGuidance(unetConfig) : className.includes("LatentConsistency");
}

function isToldGuidance(unetConfig: JsonObject): boolean {
  return numberOr(unetConfig["time_cond_proj_dim"], undefined) !== undefined;
}

/**
 * 1. LCM has its scheduler, its pipeline class, or a UNet with the guidance as an input (`time_cond_proj_dim`).
 * 2. Models of few steps by adversarial or progressive distillation ship an Euler scheduler with trailing timesteps and epsilon:
 *    SDXL-Turbo the ancestral one, SD-Turbo and SDXL-Lightning the plain one. The latter is `turbo` if the folder's name says so.
 */
export function detectDistillation({
  family,
  schedulerConfig,
  unetConfig,
  className,
  folderName,
}: Pick<DiffusionFolder, "family" | "schedulerConfig" | "unetConfig" | "className"> & {
  readonly folderName: string;
}): Distillation {
  const scheduler = textOr(schedulerConfig["_class_name"], "");
  // 1.
  if (scheduler === "LCMScheduler" || className.includes("LatentConsistency")) return "lcm";
  if (isToldGuidance(unetConfig)) return "lcm";
  // 2.
  const trailing = schedulerConfig["timestep_spacing"] === "trailing";
  const epsilon = (schedulerConfig["prediction_type"] ?? "epsilon") === "epsilon";
  if (!trailing || !epsilon) return "none";
  if (scheduler === "EulerAncestralDiscreteScheduler") return "turbo";
  if (scheduler !== "EulerDiscreteScheduler") return "none";
  return family === "sd" || /turbo/i.test(folderName) ? "turbo" : "lightning";
}

async function listFolder(path: string): Promise<string[]> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isDirectory() === true) return (await readdir(path)).sort();
  const found = facts === undefined ? "nothing there" : "a file";
  throw new ServerError("model_load_failed", `Expected ${layout}; found ${found} at ${path}.`);
}

async function findGraphs(
  path: string,
  { entries, className }: { readonly entries: readonly string[]; readonly className: string },
): Promise<ReadonlyMap<GraphName, string>> {
  const graphs = new Map<GraphName, string>();
  for (const name of graphNames) {
    const file = entries.includes(name) ? await findGraph(join(path, name)) : undefined;
    if (file !== undefined) graphs.set(name, join(path, name, file));
  }
  const missing = required.filter((name) => !graphs.has(name));
  if (missing.length > 0) {
    const facts = [
      className === "" ? "" : `the pipeline class ${className}`,
      entries.length === 0 ? "an empty folder" : entries.join(", "),
      await describeForeignWeights(path, missing),
    ].filter((fact) => fact !== "");
    throw new ServerError(
      "model_load_failed",
      `Expected ${layout}. Missing: ${missing.map((name) => `${name}/model.onnx`).join(", ")}. Found in ${path}: ${facts.join("; ")}.`,
    );
  }
  return graphs;
}

/** Exporters' names of one graph in several precisions, preferred ones first. */
const graphFiles = ["model.onnx", "model_fp16.onnx", "model_int8.onnx", "model_quantized.onnx", "model_uint8.onnx"];

async function findGraph(folder: string): Promise<string | undefined> {
  const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".onnx")).sort();
  return graphFiles.find((name) => files.includes(name)) ?? files[0];
}

/** Says so if the folder is for another runtime, the likeliest mistake. */
async function describeForeignWeights(path: string, missing: readonly string[]): Promise<string> {
  for (const name of missing) {
    const files = await readdir(join(path, name)).catch(() => []);
    const weights = files.find((file) => /\.(safetensors|bin|msgpack|xml)$/.test(file));
    if (weights !== undefined) {
      return `${name}/${weights} is for another runtime, export the model with \`optimum-cli export onnx\``;
    }
  }
  return "";
}

async function readTextEncoders(path: string, graphs: ReadonlyMap<GraphName, string>): Promise<TextEncoderFolder[]> {
  const encoders: TextEncoderFolder[] = [];
  for (const [graph, tokenizer] of [
    ["text_encoder", "tokenizer"],
    ["text_encoder_2", "tokenizer_2"],
  ] as const) {
    if (!graphs.has(graph)) continue;
    const config = (await readJsonObject(join(path, graph, "config.json"))) ?? {};
    encoders.push({
      graph,
      tokenizerDirectory: join(path, tokenizer),
      hiddenLayers: numberOr(config["num_hidden_layers"], graph === "text_encoder" ? 12 : 32),
      contextLength: numberOr(config["max_position_embeddings"], 77),
    });
  }
  return encoders;
}

async function readScheduler(path: string): Promise<SchedulerConfig> {
  const file = join(path, "scheduler", "scheduler_config.json");
  const text = await readTextFile(file);
  if (text === undefined) {
    throw new ServerError("model_load_failed", `Expected ${layout}; ${file} is missing.`);
  }
  try {
    return parseSchedulerConfig(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ServerError("model_load_failed", `${file}: ${reason}`, { cause: error });
  }
}

function inputChannels(unetConfig: JsonObject): 4 | 9 {
  const channels = numberOr(unetConfig["in_channels"], 4);
  if (channels === 4 || channels === 9) return channels;
  throw new ServerError(
    "model_load_failed",
    `Expected a UNet with 4 input channels, or 9 for inpainting; its config.json says ${channels}.`,
  );
}

/** Means and deviations of the channels, where a VAE has both of them, stand beside the factor of all (Playground 2.5). */
function latentScale(vaeConfig: JsonObject, family: DiffusionFolder["family"]): LatentScale {
  const factor = numberOr(vaeConfig["scaling_factor"], family === "sdxl" ? 0.13025 : 0.18215);
  const [means, deviations] = [ofChannels(vaeConfig["latents_mean"]), ofChannels(vaeConfig["latents_std"])];
  if (means !== undefined && deviations !== undefined) {
    return { factors: deviations.map((deviation) => factor / deviation), shifts: means };
  }
  const shift = numberOr(vaeConfig["shift_factor"], 0);
  const alike = (value: number): number[] => Array.from({ length: latentChannels }, () => value);
  return { factors: alike(factor), shifts: alike(shift) };
}

function ofChannels(value: unknown): readonly number[] | undefined {
  const isUsable =
    Array.isArray(value) && value.length === latentChannels && value.every((entry) => typeof entry === "number");
  return isUsable ? value : undefined;
}

function sampleSize(unetConfig: JsonObject): { width: number; height: number } {
  const size = unetConfig["sample_size"];
  if (Array.isArray(size)) {
    return { height: numberOr(size[0], 64), width: numberOr(size[1], 64) };
  }
  const side = numberOr(size, 64);
  return { width: side, height: side };
}

function lengthOf(value: unknown, fallback: number): number {
  return Array.isArray(value) ? value.length : fallback;
}
