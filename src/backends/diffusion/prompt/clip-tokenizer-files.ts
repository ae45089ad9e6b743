// Reads the tokenizer of a model folder in either layout: `tokenizer.json`, or `vocab.json` with `merges.txt`. Which tokens frame and pad
// a prompt stands in `special_tokens_map.json` and `tokenizer_config.json`; it differs between models that share one vocabulary.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MergeTable } from "./clip-tokenizer-bpe.ts";
import {
  ClipTokenizerError,
  createClipTokenizer,
  type ClipSpecialTokens,
  type ClipTokenizer,
  type ClipTokenizerDefinition,
} from "./clip-tokenizer.ts";

/** The texts of the files; absent ones are undefined. */
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
  const read = (name: string) => readIfPresent(join(directory, name), signal);
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
 * From the texts of the files. `vocab.json` with `merges.txt` go first where both layouts are given: they say the same.
 * @throws ClipTokenizerError where neither layout is complete, or a file does not hold what its name promises
 */
export function parseClipTokenizer(files: ClipTokenizerFiles): ClipTokenizerDefinition {
  const model = readModel(files);
  const special = readSpecialTokens(files);
  const named = [special.bos, special.eos, special.pad, special.unknown];
  const addedTokens = [...new Set([...named, ...model.added.map(([token]) => token)])];
  const vocabulary = new Map([...model.vocabulary, ...model.added]);
  return { vocabulary, merges: { ranks: model.ranks }, special, addedTokens };
}

interface Model {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly ranks: MergeTable["ranks"];
  readonly added: readonly (readonly [string, number])[];
}

function readModel({ tokenizerJson, vocabJson, mergesTxt }: ClipTokenizerFiles): Model {
  if (vocabJson !== undefined && mergesTxt !== undefined) {
    const vocabulary = readVocabulary(parseJson("vocab.json", vocabJson), "vocab.json");
    return { vocabulary, ranks: rankMerges(splitMerges(mergesTxt)), added: [] };
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
  return {
    vocabulary: readVocabulary(model["vocab"], "tokenizer.json"),
    ranks: rankMerges(merges.map(readMerge)),
    added: readAddedTokens(root["added_tokens"]),
  };
}

function readVocabulary(value: unknown, file: string): ReadonlyMap<string, number> {
  const entries = Object.entries(toRecord(value));
  if (entries.length === 0 || entries.some(([, id]) => typeof id !== "number")) {
    throw new ClipTokenizerError(`${file} must map symbols to ids`);
  }
  return new Map(entries as [string, number][]);
}

/** The first line is a version; OpenAI's file goes on past the merges that were used, which then name no symbol of the vocabulary. */
function splitMerges(text: string): string[] {
  return text
    .split(/\r?\n/)
    .filter((line, i) => line.trim() !== "" && !(i === 0 && line.startsWith("#version")))
    .map((line) => line.trim());
}

/** Older files write a merge as one string, newer ones as a pair. */
function readMerge(merge: unknown): string {
  if (typeof merge === "string") {
    return merge;
  }
  if (Array.isArray(merge) && merge.length === 2) {
    return merge.join(" ");
  }
  throw new ClipTokenizerError("tokenizer.json: model.merges must hold pairs");
}

function rankMerges(merges: readonly string[]): MergeTable["ranks"] {
  const ranks = new Map<string, number>();
  for (const [rank, merge] of merges.entries()) {
    // A merge that is listed twice keeps its last rank, as in the reference's dictionary.
    ranks.set(merge, rank);
  }
  return ranks;
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
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

async function readIfPresent(path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await readFile(path, { encoding: "utf8", signal });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
