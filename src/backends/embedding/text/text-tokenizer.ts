// Loads a model's tokenizer from its folder, for what embedding needs: the ids of a text without special tokens, and the special tokens
// around a text and a pair. The truncation and the padding that some tokenizer.json ask for have no effect: `encode-text.ts` and the graph
// do both.
import { join } from "node:path";
import { ServerError } from "../../../domain/errors.ts";
import { readJsonObject, type JsonObject } from "../../../model-files/json-file.ts";
import { isRecord } from "../../../util/is-record.ts";
import type { PairTemplate, SingleTemplate } from "./tokenizer/frame.ts";
import { createTokenizer } from "./tokenizer/tokenizer.ts";

export interface TextTokenizer {
  /**
   * Ids of the text alone. `trusted`: special tokens that its first so many characters spell are tokens; elsewhere they are text.
   * Synchronous: about a second for a megabyte, so callers cut long texts first.
   */
  encode(text: string, trusted?: number): number[];
  readonly single: SingleTemplate;
  readonly pair: PairTemplate;
  readonly padId: number;
  /** Ids are below this. */
  readonly vocabularySize: number;
}

/**
 * Loads the tokenizer of a folder.
 * @throws ServerError `model_load_failed` where the folder has no tokenizer.json with tokenizer_config.json, or one that is not supported
 */
export async function loadTextTokenizer(
  folder: string,
  { lowercase = false }: { readonly lowercase?: boolean } = {},
): Promise<TextTokenizer> {
  const file = await requiredFile(folder, "tokenizer.json");
  const config = await requiredFile(folder, "tokenizer_config.json");
  const tokenizer = createTokenizer(file, { lowercase });
  const { single, pair } = tokenizer.frame;
  const padding = contentOf(config["pad_token"]) ?? contentOf(config["eos_token"]);
  return {
    encode: (text, trusted) => tokenizer.encode(text, trusted),
    single,
    pair,
    padId: (padding === undefined ? undefined : tokenizer.idOf(padding)) ?? 0,
    vocabularySize: tokenizer.vocabularySize,
  };
}

async function requiredFile(folder: string, name: string): Promise<JsonObject> {
  const file = await readJsonObject(join(folder, name));
  if (file !== undefined) return file;
  throw new ServerError(
    "model_load_failed",
    `Expected tokenizer.json and tokenizer_config.json in ${folder}; ${name} is missing.`,
  );
}

/** A special token is written as its content, or as an object that has it. */
function contentOf(token: unknown): string | undefined {
  const content = isRecord(token) ? token["content"] : token;
  return typeof content === "string" ? content : undefined;
}
