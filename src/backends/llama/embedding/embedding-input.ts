// From one input of an embedding request to the tokens that are evaluated: prefix, special tokens around it, length. The rules
// are those of the ONNX engine (backends/embedding/encode-text.ts), so that both kinds of file answer alike.
import type { EmbeddingInput, EmbeddingRequest } from "../../../domain/embedding.ts";
import { ServerError } from "../../../domain/errors.ts";
import type { TextModelOptions } from "../../../domain/model.ts";
import { assertTokensInVocabulary } from "../tokens/token-limits.ts";
import { TextTokenizer, TokenLimitError } from "../tokens/tokenizer.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

type InputOptions = TextModelOptions["embeddingOptions"];

export interface InputReaderParts {
  readonly vocabulary: Vocabulary;
  readonly options: InputOptions;
  /** Longest input, tokens, special tokens included. */
  readonly maxTokens: number;
  /** The vocabulary knows no accented letters. */
  readonly stripsAccents: boolean;
}

export interface InputPlace {
  readonly inputType: EmbeddingRequest["inputType"];
  /** Place of the input in the request, for errors. */
  readonly param: string;
  readonly signal: AbortSignal;
}

interface Body {
  readonly tokens: readonly number[];
  /** It has more than `tokens` shows. */
  readonly isLowerBound?: boolean;
  readonly count: number;
}

/** Reads the inputs of one model. */
export class InputReader {
  readonly #parts: InputReaderParts;
  readonly #tokenizer: TextTokenizer;

  constructor(parts: InputReaderParts) {
    this.#parts = parts;
    this.#tokenizer = new TextTokenizer(parts.vocabulary);
  }

  /**
   * The tokens of one input. Truncation cuts the text, never the special tokens around it.
   * @throws ServerError `invalid_value` for an empty input or a token id that is not the model's, `context_length_exceeded` by
   * policy; the signal's reason.
   */
  async read(input: EmbeddingInput, place: InputPlace): Promise<readonly number[]> {
    const { vocabulary, options, maxTokens } = this.#parts;
    const { param } = place;
    if (input.length === 0) throw new ServerError("invalid_value", { message: `${param} must not be empty.`, param });
    const { start, end } = vocabulary.frame;
    const around = start.length + end.length;
    const room = maxTokens - around;
    const body =
      typeof input === "string" ? await this.#readText(input, { place, room }) : this.#readTokens(input, place);
    if (body.count > room && options.truncation === "error") {
      const count = `${body.isLowerBound === true ? "at least " : ""}${body.count + around}`;
      throw new ServerError("context_length_exceeded", {
        message: `This model's maximum context length is ${maxTokens} tokens, however you requested ${count} tokens. Please reduce your input.`,
        param,
      });
    }
    const tokens = [...start, ...body.tokens.slice(0, room), ...end];
    if (tokens.length === 0) throw new ServerError("invalid_value", { message: "The input has no tokens.", param });
    return tokens;
  }

  /** Special tokens that a text spells are read as such, as the Python originals read them. */
  async #readText(input: string, { place, room }: { place: InputPlace; room: number }): Promise<Body> {
    const { options, maxTokens, stripsAccents } = this.#parts;
    const { inputType, signal } = place;
    const prefixed = withPrefix(input, { inputType, options });
    // llama.cpp takes the first code point of what a character decomposes to, which is half of nothing for Hangul; what is
    // decomposed already it leaves alone.
    const text = stripsAccents ? prefixed.normalize("NFD") : prefixed;
    const parseSpecial = true;
    if (options.truncation === "truncate") {
      const tokens = await this.#tokenizer.tokenizeBeginning(text, { count: room, parseSpecial, signal });
      return { tokens, count: tokens.length };
    }
    try {
      const tokens = await this.#tokenizer.tokenize(text, { parseSpecial, contextSize: maxTokens, signal });
      return { tokens, count: tokens.length };
    } catch (error) {
      if (!(error instanceof TokenLimitError)) throw error;
      return { tokens: [], count: error.atLeast, isLowerBound: true };
    }
  }

  /** Token ids are the model's own; special tokens around them may be there already, and so may the prefix. */
  #readTokens(input: readonly number[], { inputType, param }: InputPlace): Body {
    const { vocabulary, options } = this.#parts;
    assertTokensInVocabulary(input, { vocabularySize: vocabulary.size, param });
    const { start, end } = vocabulary.frame;
    const isFramed =
      input.length >= start.length + end.length &&
      startsWith(input, start) &&
      startsWith(input.slice(input.length - end.length), end);
    const body = isFramed ? input.slice(start.length, input.length - end.length) : input;
    const tokensOf = (prefix: string): number[] => vocabulary.tokenize(prefix.trimEnd(), { parseSpecial: true });
    const prefix = tokensOf(prefixFor(inputType, options));
    const isWritten = writtenPrefixes(inputType, options).some((written) => {
      const tokens = tokensOf(written);
      return tokens.length > 0 && startsWith(body, tokens);
    });
    const tokens = isWritten ? body : [...prefix, ...body];
    return { tokens, count: tokens.length };
  }
}

function prefixFor(inputType: EmbeddingRequest["inputType"], options: InputOptions): string {
  const role = inputType ?? options.defaultInputType;
  return role === "query" ? options.queryPrefix : role === "passage" ? options.passagePrefix : "";
}

/** What counts as a prefix of the caller's own: that of the role, or any where the request names none. */
function writtenPrefixes(inputType: EmbeddingRequest["inputType"], options: InputOptions): string[] {
  const prefix = prefixFor(inputType, options);
  const prefixes = inputType === undefined ? [options.queryPrefix, options.passagePrefix, prefix] : [prefix];
  return prefixes.filter((written) => written !== "");
}

/** A prefix that the caller wrote is not doubled; spaces after it do not matter. */
function withPrefix(
  text: string,
  { inputType, options }: { readonly inputType: EmbeddingRequest["inputType"]; readonly options: InputOptions },
): string {
  const isWritten = writtenPrefixes(inputType, options).some((written) => text.startsWith(written.trimEnd()));
  return isWritten ? text : prefixFor(inputType, options) + text;
}

function startsWith(tokens: readonly number[], run: readonly number[]): boolean {
  return run.every((token, index) => tokens[index] === token);
}
