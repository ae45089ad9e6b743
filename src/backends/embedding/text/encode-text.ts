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
  /** How many of the first ids are those of a prompt and of the special tokens before it; 0 without a prompt. */
  readonly promptTokens: number;
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

/** The query of a request, which is paired with many documents. */
export interface EncodedQuery extends EncodedBody {
  /** Tokens of the whole text, counted at the first call. */
  readonly countTokens: () => Promise<number>;
}

interface EncodingContext {
  readonly settings: EncodingSettings;
  readonly slices: TimeSlices;
}

/** Encodes as much of a query as can be used beside the shortest document. */
export async function encodeQuery(text: string, { settings, slices }: EncodingContext): Promise<EncodedQuery> {
  const body = await encodeBody(text, { limit: settings.maxTokens, settings, slices });
  let count: Promise<number> | undefined;
  return { ...body, countTokens: () => (count ??= countTokens(text, { settings, slices })) };
}

/**
 * Encodes query and document `index` for a cross-encoder. Where the pair is too long, the longer of the two is cut
 * first (`longest_first` of the Python original).
 * @throws ServerError `context_length_exceeded` for a pair that is too long where `truncation` is `error`
 */
export async function encodePair(
  query: EncodedQuery,
  { document, index, settings, slices }: EncodingContext & { readonly document: string; readonly index: number },
): Promise<EncodedText> {
  const { before, between, after } = settings.tokenizer.pair;
  const specials = before.length + between.length + after.length;
  const limit = settings.maxTokens - specials;
  const body = await encodeBody(document, { limit, settings, slices });
  const tokens = query.tokens + body.tokens;
  if (tokens > limit && settings.truncation === "error") {
    throw new ServerError("context_length_exceeded", {
      message:
        `Query and document have ${tokens + specials} tokens, special tokens included; this model takes at most ` +
        `${settings.maxTokens}.`,
      param: `documents[${index}]`,
    });
  }
  const lengths = { first: query.tokens, second: body.tokens };
  // Of two texts that were not read to their ends it matters which is longer only for the odd token.
  const isOpen = query.isLowerBound === true || body.isLowerBound === true;
  if (isOpen && limit % 2 === 1 && Math.min(query.tokens, body.tokens) > limit) {
    lengths.first = await query.countTokens();
    lengths.second = await countTokens(document, { settings, slices });
  }
  const { first, second } = longestFirst({ ...lengths, limit });
  const head = [...before, ...query.ids.slice(0, first), ...between];
  return {
    ids: Int32Array.from([...head, ...body.ids.slice(0, second), ...after]),
    secondAt: head.length,
    promptTokens: 0,
  };
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
    trusted = 0,
  }: EncodingContext & {
    readonly limit: number;
    /** Characters of a prompt at the beginning, whose special tokens are tokens. */
    readonly trusted?: number;
  },
): Promise<EncodedBody> {
  await slices.pauseIfDue();
  let characters = (limit + cutMarginTokens) * charactersPerToken;
  let end = cutPoint(text, characters);
  let ids = settings.tokenizer.encode(text.slice(0, end), trusted);
  while (end < text.length && ids.length < limit + cutMarginTokens) {
    await slices.pauseIfDue();
    characters *= 2;
    end = cutPoint(text, characters);
    ids = settings.tokenizer.encode(text.slice(0, end), trusted);
  }
  if (end === text.length) return { ids, tokens: ids.length };
  if (settings.truncation === "truncate") return { ids, tokens: ids.length, isLowerBound: true };
  const rest = await countTokens(text.slice(end), { settings, slices });
  return { ids, tokens: ids.length + rest };
}

/** Tokens of a whole text, in pieces, so that the number may differ slightly from its own. */
async function countTokens(text: string, { settings, slices }: EncodingContext): Promise<number> {
  let tokens = 0;
  for (let start = 0; start < text.length;) {
    await slices.pauseIfDue();
    const end = start + cutPoint(text.slice(start), countStepCharacters);
    tokens += settings.tokenizer.encode(text.slice(start, end)).length;
    start = end;
  }
  return tokens;
}

/** The place to cut a text near `characters`: at a space within the last 256 characters, else between code points. */
function cutPoint(text: string, characters: number): number {
  if (text.length <= characters) return text.length;
  const space = text.lastIndexOf(" ", characters);
  if (space > characters - 256 && space > 0) return space;
  const unit = text.charCodeAt(characters);
  return unit >= 0xdc00 && unit <= 0xdfff ? characters - 1 : characters;
}
