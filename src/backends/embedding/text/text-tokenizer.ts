// Loads a model's tokenizer by @huggingface/transformers, for what embedding needs: the ids of a text without special tokens, and the
// special tokens around a text and a pair. The library's truncation is not used, as it cuts the final [SEP] off, nor its padding, so the
// fixed padding in some tokenizer.json has no effect.
//
// Its dependency @huggingface/tokenizers alone would load in 8 ms and 1 MB instead of 190 ms and 42 MB, once per runner, but lacks the
// tokenizer classes with the model families' corrections.
import { join } from "node:path";
import { AutoTokenizer, env, type PreTrainedTokenizer } from "@huggingface/transformers";
import { ServerError } from "../../../domain/errors.ts";
import { readJsonObject } from "../../../model-files/json-file.ts";

/** The special tokens around one text. */
export interface SingleTemplate {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** The special tokens around a pair, with the segment that `token_type_ids` gives to each part. */
export interface PairTemplate {
  readonly before: readonly number[];
  readonly between: readonly number[];
  readonly after: readonly number[];
  /** Segment of the second text and of what follows it; the first text is segment 0. */
  readonly secondSegment: number;
}

export interface TextTokenizer {
  /** Ids of the text alone. Synchronous: about 1.4 s for a megabyte, so callers cut long texts first. */
  encode(text: string): number[];
  readonly single: SingleTemplate;
  readonly pair: PairTemplate;
  readonly padId: number;
  /** Number of tokens in the vocabulary. */
  readonly vocabularySize: number;
}

/**
 * Loads the tokenizer of a folder. Nothing is ever downloaded.
 * @throws ServerError `model_load_failed` where the folder has no tokenizer.json with tokenizer_config.json
 */
export async function loadTextTokenizer(folder: string): Promise<TextTokenizer> {
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    if ((await readJsonObject(join(folder, name))) === undefined) {
      throw new ServerError(
        "model_load_failed",
        `Expected tokenizer.json and tokenizer_config.json in ${folder}; ${name} is missing.`,
      );
    }
  }
  env.allowRemoteModels = false;
  env.useFSCache = false;
  const tokenizer = await AutoTokenizer.from_pretrained(folder, { local_files_only: true });
  const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false });
  return {
    encode,
    single: readSingleTemplate(tokenizer, encode),
    pair: readPairTemplate(tokenizer, encode),
    padId: typeof tokenizer.pad_token_id === "number" ? tokenizer.pad_token_id : 0,
    vocabularySize: tokenizer.get_vocab().size,
  };
}

/** Words whose ids are known: the special tokens are the ids around them. */
const firstProbe = "hello";
const secondProbe = "world";

function readSingleTemplate(tokenizer: PreTrainedTokenizer, encode: (text: string) => number[]): SingleTemplate {
  const body = encode(firstProbe);
  const whole = tokenizer.encode(firstProbe);
  const at = findRun(whole, { run: body, from: 0 });
  return { before: whole.slice(0, at), after: whole.slice(at + body.length) };
}

function readPairTemplate(tokenizer: PreTrainedTokenizer, encode: (text: string) => number[]): PairTemplate {
  const first = encode(firstProbe);
  const second = encode(secondProbe);
  const { input_ids: whole, token_type_ids: segments } = tokenizer(firstProbe, {
    text_pair: secondProbe,
    return_tensor: false,
    return_token_type_ids: true,
  });
  const firstAt = findRun(whole, { run: first, from: 0 });
  const secondAt = findRun(whole, { run: second, from: firstAt + first.length });
  return {
    before: whole.slice(0, firstAt),
    between: whole.slice(firstAt + first.length, secondAt),
    after: whole.slice(secondAt + second.length),
    secondSegment: segments?.[secondAt] ?? 0,
  };
}

function findRun(
  ids: readonly number[],
  { run, from }: { readonly run: readonly number[]; readonly from: number },
): number {
  for (let at = from; at + run.length <= ids.length; at++) {
    if (run.every((id, i) => ids[at + i] === id)) return at;
  }
  throw new ServerError(
    "model_load_failed",
    "The tokenizer changes a text when it adds special tokens; such tokenizers are not supported.",
  );
}
