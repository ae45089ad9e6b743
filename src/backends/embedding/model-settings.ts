// Reads an encoder's settings from its own files: pooling, longest text, size of the vocabulary, kind. The server's configuration comes
// first; a file counts only where that says `auto` or 0.
import { join } from "node:path";
import type { EmbeddingModelOptions } from "../../domain/model.ts";
import { ServerError } from "../../domain/errors.ts";
import type { PoolingMode } from "./pooling.ts";
import { positiveInteger, readJsonFile, readJsonObject, type JsonObject } from "../../model-files/json-file.ts";
import { isRecord } from "../../util/is-record.ts";

export interface ModelSettings {
  readonly pooling: PoolingMode;
  /** Tokens of one text, special tokens included. */
  readonly maxTokens: number;
  /** First value of the `position_ids` input, for graphs that have it: 0, or one past the padding token's id. */
  readonly firstPosition: number;
  /** Token ids are below this; `undefined` = the tokenizer's number. */
  readonly vocabularySize: number | undefined;
  /** Width of the hidden states, if config.json states it. */
  readonly hiddenSize: number | undefined;
  /** True for a cross-encoder that scores a pair of texts. */
  readonly isCrossEncoder: boolean;
  readonly modelType: string;
  /** For the operator's log: settings in the files that are not followed, or not in full. */
  readonly notes: readonly string[];
}

/** Models that count positions from the padding token's id + 1, and never use the first rows of their position table. */
const offsetPositionModels: ReadonlySet<string> = new Set([
  "roberta",
  "xlm-roberta",
  "xlm-roberta-xl",
  "camembert",
  "mpnet",
  "longformer",
  "data2vec-text",
]);

/** For a model that states no length: BERT's. */
const fallbackMaxTokens = 512;

/**
 * Reads `config.json`, `modules.json`, `1_Pooling/config.json`, `sentence_bert_config.json`, `tokenizer_config.json`
 * and `config_sentence_transformers.json`; all but the first may be absent.
 * @throws ServerError `model_load_failed` for a pooling that is not supported, or a missing configuration
 */
export async function readModelSettings(folder: string, options: EmbeddingModelOptions): Promise<ModelSettings> {
  const config = await readJsonObject(join(folder, "config.json"));
  if (config === undefined) {
    throw new ServerError(
      "model_load_failed",
      `Expected a Hugging Face model folder with config.json; ${folder} has none.`,
    );
  }
  const notes: string[] = [];
  const modelType = typeof config["model_type"] === "string" ? config["model_type"] : "unknown";
  const firstPosition = offsetPositionModels.has(modelType) ? (paddingId(config) ?? 1) + 1 : 0;
  const modules = await readModules(folder);
  const pooling = options.pooling === "auto" ? await readPooling(folder, modules) : options.pooling;
  notes.push(...(await unfollowedModules(folder, { options, modules })));
  return {
    pooling: pooling ?? "mean",
    maxTokens: await readMaxTokens(folder, { options, config, firstPosition, notes }),
    firstPosition,
    vocabularySize: positiveInteger(config["vocab_size"]),
    hiddenSize: positiveInteger(config["hidden_size"]) ?? positiveInteger(config["dim"]),
    isCrossEncoder: architectures(config).some((name) => name.endsWith("ForSequenceClassification")),
    modelType,
    notes,
  };
}

interface ModuleEntry {
  readonly path: string;
  /** Last part of the class name, such as `Pooling`. */
  readonly type: string;
}

/** The modules of a sentence-transformers folder, in order; `undefined` for another kind of folder. */
async function readModules(folder: string): Promise<readonly ModuleEntry[] | undefined> {
  const modules = await readJsonFile(join(folder, "modules.json"));
  if (!Array.isArray(modules)) return undefined;
  return modules.filter(isRecord).map((entry) => ({
    path: typeof entry["path"] === "string" ? entry["path"] : "",
    type: typeof entry["type"] === "string" ? (entry["type"].split(".").at(-1) ?? "") : "",
  }));
}

/** Pooling in sentence-transformers' format: a flag for each mode, since version 5 also one name. */
async function readPooling(
  folder: string,
  modules: readonly ModuleEntry[] | undefined,
): Promise<PoolingMode | undefined> {
  const path = modules?.find((module) => module.type === "Pooling")?.path ?? "1_Pooling";
  const name = `${path}/config.json`;
  const file = await readJsonObject(join(folder, name));
  if (file === undefined) return undefined;
  const named = typeof file["pooling_mode"] === "string" ? [file["pooling_mode"]] : [];
  const flagged = Object.keys(file)
    .filter((key) => key.startsWith("pooling_mode_") && file[key] === true)
    .map((key) => key.slice("pooling_mode_".length));
  const modes = [...new Set([...named, ...flagged].map(poolingName))];
  const [mode] = modes;
  if (modes.length === 1 && (mode === "mean" || mode === "cls" || mode === "last")) return mode;
  throw new ServerError(
    "model_load_failed",
    `${name} asks for pooling '${modes.join(" + ")}'; supported are mean, cls and last. Set 'pooling' to override it.`,
  );
}

function poolingName(written: string): string {
  const names: Readonly<Record<string, string>> = {
    mean_tokens: "mean",
    cls_token: "cls",
    lasttoken: "last",
    last_token: "last",
  };
  return names[written] ?? written;
}

/** Notes on what sentence-transformers would do and this server does not, or only if it is configured. */
async function unfollowedModules(
  folder: string,
  {
    options,
    modules,
  }: { readonly options: EmbeddingModelOptions; readonly modules: readonly ModuleEntry[] | undefined },
): Promise<string[]> {
  const notes: string[] = [];
  const dense = modules?.find((module) => module.type === "Dense");
  if (dense !== undefined) {
    notes.push(
      `modules.json ends in a Dense layer (${dense.path}) that is applied only where the graph has it inside (output sentence_embedding).`,
    );
  }
  if (modules !== undefined && !options.normalize && modules.some((module) => module.type === "Normalize")) {
    notes.push("The model normalises its vectors; 'normalize: false' turns that off.");
  }
  const prompts = (await readJsonObject(join(folder, "config_sentence_transformers.json")))?.["prompts"];
  const promptTexts = isRecord(prompts) ? Object.values(prompts).filter((text) => text !== "") : [];
  if (promptTexts.length > 0 && options.queryPrefix === "" && options.passagePrefix === "") {
    notes.push(
      `The model was trained with prompts (${JSON.stringify(prompts)}); set queryPrefix and passagePrefix to use them.`,
    );
  }
  return notes;
}

/**
 * The first of: the server's configuration, `sentence_bert_config.json`, `model_max_length` of the tokenizer, the rows of the position
 * table. The last also bounds the others: a position outside the table would crash the graph.
 */
async function readMaxTokens(
  folder: string,
  {
    options,
    config,
    firstPosition,
    notes,
  }: {
    readonly options: EmbeddingModelOptions;
    readonly config: JsonObject;
    readonly firstPosition: number;
    readonly notes: string[];
  },
): Promise<number> {
  const sentence = await readJsonObject(join(folder, "sentence_bert_config.json"));
  const tokenizer = await readJsonObject(join(folder, "tokenizer_config.json"));
  const positions = positiveInteger(config["max_position_embeddings"]);
  const positionLimit = positions === undefined ? undefined : positions - firstPosition;
  const stated =
    positiveInteger(options.maxTokens) ??
    positiveInteger(sentence?.["max_seq_length"]) ??
    positiveInteger(tokenizer?.["model_max_length"]) ??
    positionLimit ??
    fallbackMaxTokens;
  if (positionLimit === undefined || stated <= positionLimit) return stated;
  notes.push(`${stated} tokens are more than the model has positions for; ${positionLimit} are used.`);
  return positionLimit;
}

function paddingId(config: JsonObject): number | undefined {
  const id = config["pad_token_id"];
  return typeof id === "number" && Number.isInteger(id) ? id : undefined;
}

function architectures(config: JsonObject): string[] {
  const value = config["architectures"];
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}
