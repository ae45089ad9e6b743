// Reads the facts of a GGUF file before the native library opens it, so that a broken or hostile file is refused with a reason and
// never reaches native code.
import { stat } from "node:fs/promises";
import { ServerError } from "../../domain/errors.ts";
import { readGgufHead, type GgufHead } from "./gguf-reader.ts";

export interface GgufFacts {
  readonly name: string;
  readonly architecture: string;
  readonly trainedContextSize: number;
  /** Positions to which some layers attend at most; `undefined` = the file tells none. */
  readonly slidingWindow: number | undefined;
  readonly embeddingSize: number;
  readonly vocabularySize: number;
  /** Such as `Q4_K_M`. */
  readonly quantization: string;
  readonly chatTemplate: string | undefined;
  /** Templates for other purposes by name, such as `tool_use`. */
  readonly namedTemplates: Readonly<Record<string, string>>;
  readonly preTokenizer: string | undefined;
  /** The tokens that an embedding is made from: the last one, which has attended to all others, or all. */
  readonly pooling: "last" | "all";
  /** The tokenizer removes accents, as that of an uncased BERT does. */
  readonly stripsAccents: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** @throws ServerError `model_load_failed` with the reason where the file is no GGUF that can be loaded */
export async function readGguf(path: string): Promise<GgufFacts> {
  const file = await stat(path).catch(() => undefined);
  if (file === undefined) throw loadFailure(path, "there is no such file");
  if (!file.isFile()) throw loadFailure(path, "it is not a file");
  const head = readHead(path);
  const architecture = text(head, "general.architecture");
  if (architecture === undefined || architecture === "") throw loadFailure(path, "it names no architecture");
  const vocabularySize = head.arrayLengths.get("tokenizer.ggml.tokens") ?? 0;
  if (vocabularySize === 0) throw loadFailure(path, "it has no vocabulary");
  const namedTemplates = findTemplates(head);
  return {
    name: text(head, "general.name") ?? "",
    architecture,
    trainedContextSize: positiveInteger(head, `${architecture}.context_length`) ?? 2048,
    slidingWindow: positiveInteger(head, `${architecture}.attention.sliding_window`),
    embeddingSize: positiveInteger(head, `${architecture}.embedding_length`) ?? 0,
    vocabularySize,
    quantization: nameQuantization(head),
    chatTemplate: text(head, "tokenizer.chat_template") ?? namedTemplates["default"],
    namedTemplates,
    preTokenizer: text(head, "tokenizer.ggml.pre"),
    pooling: choosePooling(head, architecture),
    stripsAccents: stripsAccents(head),
    sizeBytes: file.size,
    modifiedMs: file.mtimeMs,
  };
}

function readHead(path: string): GgufHead {
  try {
    return readGgufHead(path);
  } catch (error) {
    throw loadFailure(path, error instanceof Error ? error.message : String(error));
  }
}

export function loadFailure(path: string, reason: string): ServerError {
  return new ServerError("model_load_failed", `The model file '${path}' cannot be loaded: ${reason}.`);
}

function text({ values }: GgufHead, key: string): string | undefined {
  const value = values.get(key);
  return typeof value === "string" ? value : undefined;
}

function positiveInteger({ values }: GgufHead, key: string): number | undefined {
  const value = Number(values.get(key));
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** Values of `llama_pooling_type` that pool by one token: none, where the last is taken, and last. */
const singleTokenPooling: ReadonlySet<number> = new Set([0, 3]);

function choosePooling({ values }: GgufHead, architecture: string): "last" | "all" {
  if (values.get(`${architecture}.attention.causal`) === false) return "all";
  const type = values.get(`${architecture}.pooling_type`);
  return type === undefined || singleTokenPooling.has(Number(type)) ? "last" : "all";
}

/** As llama.cpp: WordPiece lower-cases unless the file says otherwise, and strips accents if it lower-cases, unless it says otherwise. */
function stripsAccents({ values }: GgufHead): boolean {
  if (values.get("tokenizer.ggml.model") !== "bert") return false;
  const lowercase = values.get("tokenizer.ggml.normalizer.lowercase") ?? true;
  return (values.get("tokenizer.ggml.normalizer.strip_accents") ?? lowercase) === true;
}

const namedTemplatePrefix = "tokenizer.chat_template.";

function findTemplates({ values }: GgufHead): Record<string, string> {
  const templates: Record<string, string> = {};
  for (const [key, value] of values) {
    if (!key.startsWith(namedTemplatePrefix) || typeof value !== "string") continue;
    templates[key.slice(namedTemplatePrefix.length)] = value;
  }
  return templates;
}

/** Names of `llama_ftype` by number. */
const fileTypes: Readonly<Record<number, string>> = {
  0: "F32",
  1: "F16",
  2: "Q4_0",
  3: "Q4_1",
  7: "Q8_0",
  8: "Q5_0",
  9: "Q5_1",
  10: "Q2_K",
  11: "Q3_K_S",
  12: "Q3_K_M",
  13: "Q3_K_L",
  14: "Q4_K_S",
  15: "Q4_K_M",
  16: "Q5_K_S",
  17: "Q5_K_M",
  18: "Q6_K",
  19: "IQ2_XXS",
  20: "IQ2_XS",
  21: "Q2_K_S",
  22: "IQ3_XS",
  23: "IQ3_XXS",
  24: "IQ1_S",
  25: "IQ4_NL",
  26: "IQ3_S",
  27: "IQ3_M",
  28: "IQ2_S",
  29: "IQ2_M",
  30: "IQ4_XS",
  31: "IQ1_M",
  32: "BF16",
  36: "TQ1_0",
  37: "TQ2_0",
  38: "MXFP4",
  39: "NVFP4",
};

/** Names of the common `ggml_type`s by number, for files that do not say how they were quantised. */
const tensorTypes: Readonly<Record<number, string>> = {
  0: "F32",
  1: "F16",
  2: "Q4_0",
  3: "Q4_1",
  6: "Q5_0",
  7: "Q5_1",
  8: "Q8_0",
  10: "Q2_K",
  11: "Q3_K",
  12: "Q4_K",
  13: "Q5_K",
  14: "Q6_K",
  20: "IQ4_NL",
  23: "IQ4_XS",
  30: "BF16",
  39: "MXFP4",
};

/** The type that the file names, else that of most of its weights. */
function nameQuantization({ values, elementsByType }: GgufHead): string {
  const declared = fileTypes[Number(values.get("general.file_type") ?? Number.NaN)];
  if (declared !== undefined) return declared;
  const [most] = [...elementsByType].toSorted(([, first], [, second]) => second - first);
  return most === undefined ? "unknown" : (tensorTypes[most[0]] ?? `type ${most[0]}`);
}
