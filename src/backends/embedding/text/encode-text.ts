// Encodes texts of any length to ids, and pairs of query and document. Truncation cuts the text, never the special tokens around it, as
// the Python original does.
import { ServerError } from "../../../domain/errors.ts";
import type { EmbeddingModelOptions } from "../../../domain/model.ts";
import type { EncodedBody } from "../../common/embedding-policy.ts";
import type { TextTokenizer } from "./text-tokenizer.ts";
import type { TimeSlices } from "../../../util/time-slice.ts";

/** The ids of one text, or of one pair of texts, special tokens included. */
export interface EncodedText {
  readonly ids: Int32Array;
  /** Index in `ids` at which the second text of a pair begins; `ids.length` = there is none. */
  readonly secondAt: number;
}

export interface EncodingSettings {
  readonly tokenizer: TextTokenizer;
  /** Tokens of one text, special tokens included. */
  readonly maxTokens: number;
  /** Ids are below this. */
  readonly vocabularySize: number;
  readonly truncation: EmbeddingModelOptions["truncation"];
}

/**
 * Characters that are tokenised at first for each token that fits. Prose has 3 to 5 characters per token, so that is three times enough;
 * where it is not (long runs of spaces, words that are one unknown token), twice as many are tokenised each time.
 */
const charactersPerToken = 16;

/** Tokens before a cut, which may differ from those of the whole text and are never used. */
const cutMarginTokens = 16;

/** Characters per step when the tokens of an overlong text are counted. */
const countStepCharacters = 16_384;

/**
 * Encodes query and document `index` for a cross-encoder. Where the pair is too long, the longer of the two is cut
 * first (`longest_first` of the Python original).
 * @throws ServerError `context_length_exceeded` for a pair that is too long where `truncation` is `error`
 */
export async function encodePair(
  query: readonly number[],
  {
    document,
    index,
    settings,
    slices,
  }: {
    readonly document: string;
    readonly index: number;
    readonly settings: EncodingSettings;
    readonly slices: TimeSlices;
  },
): Promise<EncodedText> {
  const { before, between, after } = settings.tokenizer.pair;
  const specials = before.length + between.length + after.length;
  const limit = settings.maxTokens - specials;
  const body = await encodeBody(document, { limit, settings, slices });
  const tokens = query.length + body.tokens;
  if (tokens > limit && settings.truncation === "error") {
    throw new ServerError("context_length_exceeded", {
      message:
        `Query and document have ${tokens + specials} tokens, special tokens included; this model takes at most ` +
        `${settings.maxTokens}.`,
      param: `documents[${index}]`,
    });
  }
  const { first, second } = longestFirst({ first: query.length, second: body.tokens, limit });
  const head = [...before, ...query.slice(0, first), ...between];
  return { ids: Int32Array.from([...head, ...body.ids.slice(0, second), ...after]), secondAt: head.length };
}

/**
 * Lengths of two texts after cutting the longer one until both fit into `limit`; the shorter keeps up to half. As `truncate_encodings` of
 * the Rust tokenizers: an odd token goes to the longer text, or to the second of equals.
 */
export function longestFirst({
  first,
  second,
  limit,
}: {
  readonly first: number;
  readonly second: number;
  readonly limit: number;
}): { readonly first: number; readonly second: number } {
  if (first + second <= limit) return { first, second };
  const shorter = Math.min(first, second, Math.floor(limit / 2));
  const longer = limit - shorter;
  return first > second ? { first: longer, second: shorter } : { first: shorter, second: longer };
}

/**
 * Encodes a text, of which it tokenises no more than is needed: its beginning if `truncation` is `truncate`, else all of it, in pieces.
 * Then `tokens` of a text that is cut in pieces may differ slightly from its own number.
 */
export async function encodeBody(
  text: string,
  {
    limit,
    settings,
    slices,
  }: { readonly limit: number; readonly settings: EncodingSettings; readonly slices: TimeSlices },
): Promise<EncodedBody> {
  await slices.pauseIfDue();
  let characters = (limit + cutMarginTokens) * charactersPerToken;
  let end = cutPoint(text, characters);
  let ids = settings.tokenizer.encode(text.slice(0, end));
  while (end < text.length && ids.length < limit + cutMarginTokens) {
    await slices.pauseIfDue();
    characters *= 2;
    end = cutPoint(text, characters);
    ids = settings.tokenizer.encode(text.slice(0, end));
  }
  if (end === text.length || settings.truncation === "truncate") return { ids, tokens: ids.length };
  let tokens = ids.length;
  for (let start = end; start < text.length; start = end) {
    await slices.pauseIfDue();
    end = start + cutPoint(text.slice(start), countStepCharacters);
    tokens += settings.tokenizer.encode(text.slice(start, end)).length;
  }
  return { ids, tokens };
}

/** The place to cut a text near `characters`: at a space within the last 256 characters, else between code points. */
function cutPoint(text: string, characters: number): number {
  if (text.length <= characters) return text.length;
  const space = text.lastIndexOf(" ", characters);
  if (space > characters - 256 && space > 0) return space;
  const unit = text.charCodeAt(characters);
  return unit >= 0xdc00 && unit <= 0xdfff ? characters - 1 : characters;
}
