// What a sentence-transformers folder says comes after the encoder: `modules.json` and the folders of the modules. Everything is followed
// or refused by name; a module that is left out would give vectors that nobody trained.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ServerError } from "../../domain/errors.ts";
import type { EmbeddingModelOptions } from "../../domain/model.ts";
import { isRecord } from "../../util/is-record.ts";
import {
  peekJsonObject,
  positiveInteger,
  readJsonFileSync,
  readJsonObjectSync,
  textOr,
  type JsonObject,
} from "../json-file.ts";
import { readSafetensorsHead, type StoredTensor } from "../safetensors.ts";

/** How the vectors of a text's tokens become one, as sentence-transformers' Pooling defines the modes. */
export type PoolingMode = Exclude<EmbeddingModelOptions["pooling"], "auto">;

export interface Pooling {
  /** More than one are set side by side, in this order. */
  readonly modes: readonly PoolingMode[];
  /** The tokens of a prompt count. */
  readonly includesPrompt: boolean;
}

export type Activation = "identity" | "tanh" | "relu" | "gelu" | "sigmoid" | "silu";

export interface DenseModule {
  readonly kind: "dense";
  /** The module's folder, for messages. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: Activation;
  /** Of its weights. */
  readonly file: string;
  readonly weight: StoredTensor;
  readonly bias: StoredTensor | undefined;
}

export interface LayerNormModule {
  readonly kind: "layer_norm";
  readonly name: string;
  readonly width: number;
  readonly file: string;
  readonly weight: StoredTensor;
  readonly bias: StoredTensor;
}

export interface NormalizeModule {
  readonly kind: "normalize";
}

/** What is done to one vector. */
export type VectorModule = DenseModule | LayerNormModule | NormalizeModule;

export interface EncoderModules {
  readonly pooling: Pooling;
  readonly after: readonly VectorModule[];
}

/**
 * `configured`: the mode in place of the folder's own. `fallback`: the mode of a folder that says nothing about pooling.
 * @throws ServerError `model_load_failed` for a module that is not followed, or one whose files do not fit its configuration
 */
export function readModules(
  folder: string,
  { configured, fallback }: { readonly configured: PoolingMode | undefined; readonly fallback: PoolingMode },
): EncoderModules {
  const entries = readEntries(folder);
  const path = entries?.find(({ type }) => type === "Pooling")?.path ?? "1_Pooling";
  const after = (entries ?? []).flatMap((entry, index) => readModule(folder, { entry, index }));
  return { pooling: readPooling(folder, { path, configured, fallback }), after };
}

/** The last Dense of the folder, whose outputs are the vector's dimensions; no more of the modules is read or checked. */
export function peekLastDense(folder: string): { readonly name: string; readonly outputs: number } | undefined {
  const entry = readEntries(folder)?.findLast(({ type }) => type === "Dense");
  const outputs =
    entry === undefined ? undefined : peekJsonObject(join(folder, entry.path, "config.json"))?.["out_features"];
  return entry === undefined || typeof outputs !== "number" ? undefined : { name: entry.path, outputs };
}

interface ModuleEntry {
  readonly path: string;
  /** Last part of the class name, such as `Pooling`. */
  readonly type: string;
  /** The whole class name. */
  readonly name: string;
}

/** The modules in order; `undefined` for another kind of folder. */
function readEntries(folder: string): readonly ModuleEntry[] | undefined {
  const modules = readJsonFileSync(join(folder, "modules.json"));
  if (modules === undefined) return undefined;
  if (!Array.isArray(modules)) throw new ServerError("model_load_failed", "modules.json must hold a list of modules.");
  return modules.filter(isRecord).map((entry) => {
    const name = typeof entry["type"] === "string" ? entry["type"] : "";
    const path = typeof entry["path"] === "string" ? entry["path"] : "";
    return { path, type: name.split(".").at(-1) ?? "", name };
  });
}

function readModule(
  folder: string,
  { entry, index }: { readonly entry: ModuleEntry; readonly index: number },
): VectorModule[] {
  switch (entry.type) {
    case "Transformer":
      if (index === 0) return [];
      break;
    case "Pooling":
      if (index === 1) return [];
      break;
    // Only in training.
    case "Dropout":
      return [];
    case "Dense":
      return [readDense(folder, entry)];
    case "LayerNorm":
      return [readLayerNorm(folder, entry)];
    case "Normalize":
      return [{ kind: "normalize" }];
    default:
  }
  throw new ServerError(
    "model_load_failed",
    `modules.json asks for ${entry.name} as module ${index}, which is not supported. Supported are a Transformer, Pooling after ` +
      "it, then Dense, LayerNorm, Normalize and Dropout, or a graph that has them inside (output sentence_embedding).",
  );
}

/** In the order in which sentence-transformers concatenates those of the older form. */
const poolingNames: readonly (readonly [string, PoolingMode])[] = [
  ["cls_token", "cls"],
  ["max_tokens", "max"],
  ["mean_tokens", "mean"],
  ["mean_sqrt_len_tokens", "mean_sqrt_len"],
  ["weightedmean_tokens", "weightedmean"],
  ["lasttoken", "last"],
];

/** Two forms: a flag for each mode, or (since 5.7) one name or a list of names. */
function readPooling(
  folder: string,
  {
    path,
    configured,
    fallback,
  }: { readonly path: string; readonly configured: PoolingMode | undefined; readonly fallback: PoolingMode },
): Pooling {
  const name = `${path}/config.json`;
  const file = readJsonObjectSync(join(folder, name));
  const includesPrompt = file?.["include_prompt"] !== false;
  if (configured !== undefined) return { modes: [configured], includesPrompt };
  if (file === undefined) return { modes: [fallback], includesPrompt };
  const written = file["pooling_mode"];
  const names = written === undefined ? undefined : Array.isArray(written) ? written : [written];
  const modes =
    names === undefined
      ? poolingNames.filter(([flag]) => file[`pooling_mode_${flag}`] === true).map(([, mode]) => mode)
      : names.map((mode) => poolingNamed(String(mode), name));
  // A flag that is not known here is one that a later version has.
  const unknown = Object.keys(file).find(
    (key) =>
      key.startsWith("pooling_mode_") && file[key] === true && !poolingNames.some(([flag]) => key.endsWith(flag)),
  );
  if (names === undefined && unknown !== undefined) throw unknownPooling(unknown.slice("pooling_mode_".length), name);
  return { modes: modes.length === 0 ? ["mean"] : modes, includesPrompt };
}

function poolingNamed(written: string, file: string): PoolingMode {
  const found = poolingNames.find(([name, mode]) => written === name || written === mode);
  const [, mode] = found ?? [];
  if (mode === undefined) throw unknownPooling(written, file);
  return mode;
}

function unknownPooling(written: string, file: string): ServerError {
  const supported = poolingNames.map(([, mode]) => mode).join(", ");
  return new ServerError(
    "model_load_failed",
    `${file} asks for pooling '${written}'; supported are ${supported}. Set 'pooling' to override it.`,
  );
}

const activations: Readonly<Record<string, Activation>> = {
  Identity: "identity",
  Tanh: "tanh",
  ReLU: "relu",
  GELU: "gelu",
  Sigmoid: "sigmoid",
  SiLU: "silu",
};

function readDense(folder: string, { path }: ModuleEntry): DenseModule {
  const config = requiredConfig(folder, path);
  for (const key of ["module_input_name", "module_output_name"]) {
    const value = config[key];
    if (value === undefined || value === null || value === "sentence_embedding") continue;
    throw new ServerError(
      "model_load_failed",
      `${path} works on '${textOr(value, "?")}', not on the text's one vector.`,
    );
  }
  const inputs = requiredSize(config, { path, key: "in_features" });
  const outputs = requiredSize(config, { path, key: "out_features" });
  const className = textOr(config["activation_function"], "torch.nn.modules.activation.Tanh");
  const activation = activations[className.split(".").at(-1) ?? ""];
  if (activation === undefined) {
    throw new ServerError(
      "model_load_failed",
      `${path} asks for the activation ${className}; supported are ${Object.keys(activations).join(", ")}.`,
    );
  }
  const { file, tensor } = readWeights(folder, path);
  const bias = config["bias"] === false ? undefined : tensor("linear.bias", [outputs]);
  return {
    kind: "dense",
    name: path,
    inputs,
    outputs,
    activation,
    file,
    weight: tensor("linear.weight", [outputs, inputs]),
    bias,
  };
}

function readLayerNorm(folder: string, { path }: ModuleEntry): LayerNormModule {
  const width = requiredSize(requiredConfig(folder, path), { path, key: "dimension" });
  const { file, tensor } = readWeights(folder, path);
  const [weight, bias] = [tensor("norm.weight", [width]), tensor("norm.bias", [width])];
  return { kind: "layer_norm", name: path, width, file, weight, bias };
}

function requiredConfig(folder: string, path: string): JsonObject {
  const config = readJsonObjectSync(join(folder, path, "config.json"));
  if (config !== undefined) return config;
  throw new ServerError("model_load_failed", `modules.json names ${path}, which has no config.json.`);
}

function requiredSize(config: JsonObject, { path, key }: { readonly path: string; readonly key: string }): number {
  const size = positiveInteger(config[key]);
  if (size !== undefined) return size;
  throw new ServerError("model_load_failed", `${path}/config.json says no '${key}'.`);
}

interface Weights {
  readonly file: string;
  /** @throws ServerError `model_load_failed` where it is absent or of another shape or type */
  readonly tensor: (name: string, shape: readonly number[]) => StoredTensor;
}

const floatTypes = new Set(["F32", "F16", "BF16"]);

function readWeights(folder: string, path: string): Weights {
  const file = join(folder, path, "model.safetensors");
  if (!existsSync(file)) {
    const hint = existsSync(join(folder, path, "pytorch_model.bin"))
      ? "; its pytorch_model.bin is not read, convert it (sentence-transformers saves safetensors)"
      : "";
    throw new ServerError(
      "model_load_failed",
      `modules.json names ${path}, whose weights are expected in ${path}/model.safetensors${hint}.`,
    );
  }
  const head = readSafetensorsHead(file);
  return {
    file,
    tensor(name, shape) {
      const found = head.get(name);
      const fits = found !== undefined && found.shape.join() === shape.join() && floatTypes.has(found.type);
      if (fits) return found;
      const what = found === undefined ? "no such tensor" : `${found.type} [${found.shape.join(", ")}]`;
      throw new ServerError(
        "model_load_failed",
        `${path}/model.safetensors must have '${name}' as floats [${shape.join(", ")}]; found ${what}.`,
      );
    },
  };
}
