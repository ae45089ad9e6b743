// Reads the tokenizer of a model folder in either layout: `tokenizer.json`, or `vocab.json` with `merges.txt`. The tokens that frame and
// pad a prompt differ between models of one vocabulary; `special_tokens_map.json` and `tokenizer_config.json` name them.
import { join } from "node:path";
import { readTextFile } from "../../../model-files/json-file.ts";
import { isRecord } from "../../../util/is-record.ts";
import {
  ClipTokenizerError,
  createClipTokenizer,
  type ClipSpecialTokens,
  type ClipTokenizer,
  type ClipTokenizerDefinition,
} from "./clip-tokenizer.ts";

/** The files' contents; undefined = absent. */
export interface ClipTokenizerFiles {
  readonly tokenizerJson?: string | undefined;
  readonly vocabJson?: string | undefined;
  readonly mergesTxt?: string | undefined;
  readonly specialTokensMapJson?: string | undefined;
  readonly tokenizerConfigJson?: string | undefined;
}

const startOfText = "<|startoftext|>";
const endOfText = "<|endoftext|>";

/**
 * The tokenizer of a folder such as `tokenizer/` or `tokenizer_2/`.
 * @throws ClipTokenizerError naming the files that were expected, or the one that is broken
 */
export async function loadClipTokenizer(
  directory: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<ClipTokenizer> {
  const read = (name: string) => readTextFile(join(directory, name), signal);
  const [vocabJson, mergesTxt, specialTokensMapJson, tokenizerConfigJson] = await Promise.all([
    read("vocab.json"),
    read("merges.txt"),
    read("special_tokens_map.json"),
    read("tokenizer_config.json"),
  ]);
  const tokenizerJson = vocabJson === undefined || mergesTxt === undefined ? await read("tokenizer.json") : undefined;
  try {
    return createClipTokenizer(
      parseClipTokenizer({ tokenizerJson, vocabJson, mergesTxt, specialTokensMapJson, tokenizerConfigJson }),
    );
  } catch (error) {
    if (error instanceof ClipTokenizerError) {
      throw new ClipTokenizerError(`${directory}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/**
 * A tokenizer from the files' contents. Of both layouts it takes `vocab.json` with `merges.txt`: they say the same.
 * @throws ClipTokenizerError where neither layout is complete, or a file does not hold what its name promises
 */
export function parseClipTokenizer(files: ClipTokenizerFiles): ClipTokenizerDefinition {
  const { vocabulary, merges, added } = readModel(files);
  const special = readSpecialTokens(files);
  const addedTokens = new Map(added);
  for (const token of [special.bos, special.eos, special.pad, special.unknown]) {
    const id = addedTokens.get(token) ?? (Object.hasOwn(vocabulary, token) ? vocabulary[token] : undefined);
    if (id === undefined) throw new ClipTokenizerError(`the tokenizer's vocabulary has no ${JSON.stringify(token)}`);
    addedTokens.set(token, id);
  }
  return { vocabulary, merges, special, addedTokens };
}

type Merge = readonly [left: string, right: string];

interface Model {
  readonly vocabulary: Readonly<Record<string, number>>;
  readonly merges: readonly Merge[];
  readonly added: readonly (readonly [string, number])[];
}

function readModel({ tokenizerJson, vocabJson, mergesTxt }: ClipTokenizerFiles): Model {
  if (vocabJson !== undefined && mergesTxt !== undefined) {
    const vocabulary = readVocabulary(parseJson("vocab.json", vocabJson), "vocab.json");
    return { vocabulary, merges: usedMerges(splitMerges(mergesTxt), vocabulary), added: [] };
  }
  if (tokenizerJson === undefined) {
    throw new ClipTokenizerError("expected vocab.json and merges.txt, or tokenizer.json");
  }
  const root = toRecord(parseJson("tokenizer.json", tokenizerJson));
  const model = toRecord(root["model"]);
  const merges = model["merges"];
  if (!Array.isArray(merges)) {
    throw new ClipTokenizerError("tokenizer.json holds no BPE model: model.merges is missing");
  }
  const vocabulary = readVocabulary(model["vocab"], "tokenizer.json");
  return {
    vocabulary,
    merges: usedMerges(merges.map(readMerge), vocabulary),
    added: readAddedTokens(root["added_tokens"]),
  };
}

function readVocabulary(value: unknown, file: string): Readonly<Record<string, number>> {
  const vocabulary = toRecord(value);
  const ids = Object.values(vocabulary);
  if (ids.length === 0 || ids.some((id) => typeof id !== "number")) {
    throw new ClipTokenizerError(`${file} must map symbols to ids`);
  }
  return vocabulary as Readonly<Record<string, number>>;
}

/** A first line may be a version. */
function splitMerges(text: string): Merge[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")))
    .map(splitMerge);
}

/** Older files write a merge as one string, newer ones as a pair. */
function readMerge(merge: unknown): Merge {
  if (typeof merge === "string") return splitMerge(merge);
  if (Array.isArray(merge) && merge.length === 2) return [String(merge[0]), String(merge[1])];
  throw new ClipTokenizerError("tokenizer.json: model.merges must hold pairs");
}

function splitMerge(written: string): Merge {
  const [left = "", right = ""] = written.split(" ");
  return [left, right];
}

/** The merges whose result has an id: OpenAI's file has more merges than its vocabulary. */
function usedMerges(merges: readonly Merge[], vocabulary: Readonly<Record<string, number>>): Merge[] {
  return merges.filter(([left, right]) => Object.hasOwn(vocabulary, left + right));
}

function readAddedTokens(value: unknown): (readonly [string, number])[] {
  if (!Array.isArray(value)) {
    return [];
  }
  return value.flatMap((item) => {
    const { content, id } = toRecord(item);
    return typeof content === "string" && typeof id === "number" ? [[content, id] as const] : [];
  });
}

function readSpecialTokens({ specialTokensMapJson, tokenizerConfigJson }: ClipTokenizerFiles): ClipSpecialTokens {
  const map =
    specialTokensMapJson === undefined ? {} : toRecord(parseJson("special_tokens_map.json", specialTokensMapJson));
  const config =
    tokenizerConfigJson === undefined ? {} : toRecord(parseJson("tokenizer_config.json", tokenizerConfigJson));
  const find = (key: string) => contentOf(map[key]) ?? contentOf(config[key]);
  const eos = find("eos_token") ?? endOfText;
  return {
    bos: find("bos_token") ?? startOfText,
    eos,
    pad: find("pad_token") ?? eos,
    unknown: find("unk_token") ?? eos,
  };
}

/** A token is written as a string or as an object with its content. */
function contentOf(value: unknown): string | undefined {
  if (typeof value === "string") {
    return value;
  }
  const { content } = toRecord(value);
  return typeof content === "string" ? content : undefined;
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ClipTokenizerError(`${file} is no JSON`, { cause: error });
  }
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
