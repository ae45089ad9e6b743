// From a text to the ids that the graph is fed: prefix, special tokens, length. Truncation cuts the text, never the
// special tokens around it, as the Python original does.
import { ServerError } from "../../../domain/errors.ts";
import type { EmbeddingModelOptions } from "../../../domain/model.ts";
import type { EmbeddingInput, EmbeddingRequest } from "../../../domain/embedding.ts";
import type { TextTokenizer } from "./text-tokenizer.ts";
import type { TimeSlices } from "../../../util/time-slice.ts";

/** What the graph is fed for one text, or one pair of texts. */
export interface EncodedText {
  readonly ids: Int32Array;
  /** Index in `ids` from which on the tokens belong to the second text of a pair; `ids.length` = there is none. */
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

export type PrefixOptions = Pick<EmbeddingModelOptions, "queryPrefix" | "passagePrefix" | "defaultInputType">;

/**
 * Characters that are tokenised per token that fits, before the rest of a text is looked at. Prose has 3 to 5
 * characters per token in any of the supported tokenizers, so this covers it three times over; where it does not (long
 * runs of spaces, words that are one unknown token) the text is read on, twice as far each time.
 */
const charactersPerToken = 16;

/** Tokens next to a cut that may differ from those of the whole text; they are never used. */
const cutMarginTokens = 16;

/** Characters per step when the tokens of an overlong text are counted. */
const countStepCharacters = 16_384;

/** The prefix of a request's role; a prefix the caller wrote is found later, per text. */
export function prefixFor(inputType: EmbeddingRequest["inputType"], options: PrefixOptions): string {
  switch (inputType ?? options.defaultInputType) {
    case "query":
      return options.queryPrefix;
    case "passage":
      return options.passagePrefix;
    case "none":
      return "";
  }
}

/**
 * The text with its prefix, unless it begins with one already: with the role's own, or, where the request names no
 * role, with any of the model's. Spaces after the prefix do not matter.
 */
export function withPrefix(
  text: string,
  { inputType, options }: { readonly inputType: EmbeddingRequest["inputType"]; readonly options: PrefixOptions },
): string {
  const prefix = prefixFor(inputType, options);
  const written = inputType === undefined ? [options.queryPrefix, options.passagePrefix, prefix] : [prefix];
  const isWritten = written.some((candidate) => candidate !== "" && text.startsWith(candidate.trimEnd()));
  return isWritten ? text : prefix + text;
}

/**
 * Encodes one input of an embedding request; `param` is its place in the request, for errors. Token ids are the model's own; special tokens around them are
 * accepted and added where they are missing, and the role's prefix is put before them as before a text.
 * @throws ServerError `invalid_value` for an empty input or an id outside the vocabulary, `context_length_exceeded` by policy
 */
export async function encodeInput(
  input: EmbeddingInput,
  {
    param,
    inputType,
    options,
    settings,
    slices,
  }: {
    readonly param: string;
    readonly inputType: EmbeddingRequest["inputType"];
    readonly options: PrefixOptions;
    readonly settings: EncodingSettings;
    readonly slices: TimeSlices;
  },
): Promise<EncodedText> {
  if (input.length === 0) throw new ServerError("invalid_value", { message: `${param} must not be empty.`, param });
  const { before, after } = settings.tokenizer.single;
  const limit = settings.maxTokens - before.length - after.length;
  const body =
    typeof input === "string"
      ? await encodeBody(withPrefix(input, { inputType, options }), { limit, settings, slices })
      : prefixIds(checkedIds(input, { param, settings }), { inputType, options, settings });
  if (body.tokens > limit && settings.truncation === "error") {
    throw tooLong(param, { tokens: body.tokens + before.length + after.length, settings });
  }
  const kept = body.ids.slice(0, limit);
  const ids = Int32Array.from([...before, ...kept, ...after]);
  return { ids, secondAt: ids.length };
}

/**
 * Encodes query and document `index` for a cross-encoder. Where the pair is too long, the longer of the two is cut
 * first (`longest_first` of the Python original).
 * @throws ServerError `context_length_exceeded` by policy
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
    throw tooLong(`documents[${index}]`, { tokens: tokens + specials, settings });
  }
  const { first, second } = longestFirst({ first: query.length, second: body.tokens, limit });
  const head = [...before, ...query.slice(0, first), ...between];
  return { ids: Int32Array.from([...head, ...body.ids.slice(0, second), ...after]), secondAt: head.length };
}

/**
 * Lengths of two texts after cutting the longer one until both fit into `limit`: the shorter keeps up to half. As the
 * Rust tokenizers' `truncate_encodings`, the odd token included, which goes to the longer (of equals to the second).
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

export interface EncodedBody {
  /** Ids without special tokens; where the text has more than the limit, at least the first `limit` of them. */
  readonly ids: readonly number[];
  /** Tokens of the whole text if they are counted (policy `error`); else those in `ids`. */
  readonly tokens: number;
}

/** Encodes as much of a text as can be used. A text of megabytes costs no more than its beginning. */
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

/** Where to cut a text near `characters`: at a space, where words are not torn, else between code points. */
function cutPoint(text: string, characters: number): number {
  if (text.length <= characters) return text.length;
  const space = text.lastIndexOf(" ", characters);
  if (space > characters - 256 && space > 0) return space;
  const unit = text.charCodeAt(characters);
  return unit >= 0xdc00 && unit <= 0xdfff ? characters - 1 : characters;
}

function checkedIds(
  ids: readonly number[],
  { param, settings }: { readonly param: string; readonly settings: EncodingSettings },
): readonly number[] {
  const at = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= settings.vocabularySize);
  if (at < 0) return ids;
  throw new ServerError("invalid_value", {
    message: `${param}[${at}] is ${ids[at]}; the token ids of this model are 0 to ${settings.vocabularySize - 1}. Token ids of another model's tokenizer cannot be used: send the text.`,
    param: `${param}[${at}]`,
  });
}

function prefixIds(
  ids: readonly number[],
  {
    inputType,
    options,
    settings,
  }: {
    readonly inputType: EmbeddingRequest["inputType"];
    readonly options: PrefixOptions;
    readonly settings: EncodingSettings;
  },
): EncodedBody {
  const { tokenizer } = settings;
  const { before, after } = tokenizer.single;
  const hasSpecials =
    ids.length >= before.length + after.length &&
    startsWith(ids, before) &&
    startsWith(ids.slice(-after.length), after);
  const body = hasSpecials ? ids.slice(before.length, ids.length - after.length) : ids;
  const idsOf = (prefix: string): number[] => tokenizer.encode(prefix.trimEnd());
  const prefix = idsOf(prefixFor(inputType, options));
  const written =
    inputType === undefined ? [idsOf(options.queryPrefix), idsOf(options.passagePrefix), prefix] : [prefix];
  const isWritten = written.some((candidate) => candidate.length > 0 && startsWith(body, candidate));
  const whole = isWritten ? body : [...prefix, ...body];
  return { ids: whole, tokens: whole.length };
}

function startsWith(ids: readonly number[], run: readonly number[]): boolean {
  return run.every((id, i) => ids[i] === id);
}

function tooLong(
  param: string,
  { tokens, settings }: { readonly tokens: number; readonly settings: EncodingSettings },
): ServerError {
  return new ServerError("context_length_exceeded", {
    message: `${param} has ${tokens} tokens, prefix and special tokens included; this model takes at most ${settings.maxTokens}.`,
    param,
  });
}
