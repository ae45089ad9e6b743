// Reads an encoder's settings from its own files: longest text, size of the vocabulary, what its first position is. The server's
// configuration comes first; a file counts only where that says `auto` or 0.
import { join } from "node:path";
import type { EmbeddingModelOptions } from "../../domain/model.ts";
import { ServerError } from "../../domain/errors.ts";
import { positiveInteger, readJsonObjectSync, type JsonObject } from "../json-file.ts";

export interface EncoderSettings {
  /** Tokens of one text, special tokens included. */
  readonly maxTokens: number;
  /** First value of the `position_ids` input, for graphs that have it: 0, or one past the padding token's id. */
  readonly firstPosition: number;
  /** Token ids are below this; `undefined` = the tokenizer's number. */
  readonly vocabularySize: number | undefined;
  /** Width of the hidden states, if config.json states it. */
  readonly hiddenSize: number | undefined;
  /** Each token sees only those before it, so that the last one stands for the text. */
  readonly isDecoder: boolean;
  /** Texts are lowered before the tokenizer sees them. */
  readonly lowercase: boolean;
  /** Heads and their width in a decoder's cache, for graphs that leave them open. */
  readonly cacheHeads: number | undefined;
  readonly cacheWidth: number | undefined;
  readonly modelType: string;
  /** For the operator's log: what of the files is not followed in full. */
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

/** Architectures of language models, whose tokens see only those before them. */
const decoderModels: ReadonlySet<string> = new Set(
  (
    "bloom cohere exaone falcon gemma gemma2 gemma3_text gpt2 gpt_bigcode gpt_neo gpt_neox gptj granite internlm2 llama mistral mixtral " +
    "mpt olmo olmo2 opt phi phi3 qwen2 qwen2_moe qwen3 qwen3_moe smollm3 stablelm starcoder2"
  ).split(" "),
);

/** For a model that states no length: BERT's. */
const fallbackMaxTokens = 512;

/** The names under which sentence-transformers has saved the settings of its first module. */
const sentenceFiles = ["bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"].map(
  (name) => `sentence_${name}_config.json`,
);

/** @throws ServerError `model_load_failed` for a missing config.json, or a first module that gives something else than token vectors */
export function readEncoderSettings(
  folder: string,
  options: Pick<EmbeddingModelOptions, "maxTokens">,
): EncoderSettings {
  const config = readConfig(folder);
  const notes: string[] = [];
  const modelType = typeof config["model_type"] === "string" ? config["model_type"] : "unknown";
  const firstPosition = offsetPositionModels.has(modelType) ? (paddingId(config) ?? 1) + 1 : 0;
  const sentence = readSentenceConfig(folder);
  const heads = positiveInteger(config["num_attention_heads"]);
  const hiddenSize =
    positiveInteger(config["hidden_size"]) ??
    positiveInteger(config["dim"]) ??
    positiveInteger(config["d_model"]) ??
    positiveInteger(config["n_embd"]);
  return {
    maxTokens: readMaxTokens(folder, { options, config, sentence, firstPosition, notes }),
    firstPosition,
    vocabularySize: positiveInteger(config["vocab_size"]),
    hiddenSize,
    isDecoder: isDecoder(config, modelType),
    lowercase: sentence?.["do_lower_case"] === true,
    cacheHeads: positiveInteger(config["num_key_value_heads"]) ?? heads,
    cacheWidth:
      positiveInteger(config["head_dim"]) ??
      (hiddenSize === undefined || heads === undefined ? undefined : Math.floor(hiddenSize / heads)),
    modelType,
    notes,
  };
}

export function readConfig(folder: string): JsonObject {
  const config = readJsonObjectSync(join(folder, "config.json"));
  if (config !== undefined) return config;
  throw new ServerError(
    "model_load_failed",
    `Expected a Hugging Face model folder with config.json; ${folder} has none.`,
  );
}

export function architecturesOf(config: JsonObject): string[] {
  const value = config["architectures"];
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}

/** EmbeddingGemma is a decoder that was taught to look both ways, and says so. */
function isDecoder(config: JsonObject, modelType: string): boolean {
  if (config["use_bidirectional_attention"] === true || config["is_causal"] === false) return false;
  return decoderModels.has(modelType) || architecturesOf(config).some((name) => name.endsWith("ForCausalLM"));
}

function readSentenceConfig(folder: string): JsonObject | undefined {
  for (const name of sentenceFiles) {
    const file = readJsonObjectSync(join(folder, name));
    if (file !== undefined) return file;
  }
  return undefined;
}

/**
 * The first of: the server's configuration, sentence-transformers' `max_seq_length`, `model_max_length` of the tokenizer, the rows of the
 * position table. The last also bounds the others: a position outside the table would crash the graph.
 */
function readMaxTokens(
  folder: string,
  {
    options,
    config,
    sentence,
    firstPosition,
    notes,
  }: {
    readonly options: Pick<EmbeddingModelOptions, "maxTokens">;
    readonly config: JsonObject;
    readonly sentence: JsonObject | undefined;
    readonly firstPosition: number;
    readonly notes: string[];
  },
): number {
  const tokenizer = readJsonObjectSync(join(folder, "tokenizer_config.json"));
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
