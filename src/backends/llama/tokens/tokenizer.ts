// Tokenises long texts piece by piece, into the same tokens as in one go, so that the decode loop runs in between: a megabyte takes a
// second, for which no stream may stand still. A text that no context could hold is not read to its end.
import { fewestTokens, findTextCuts, type TextCuts } from "./text-cuts.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The text has far more tokens than the context, and was not read to its end. */
export class TokenLimitError extends Error {
  /** Tokens that the text has at least. */
  readonly atLeast: number;

  constructor(atLeast: number) {
    super(`The text has at least ${atLeast} tokens.`);
    this.atLeast = atLeast;
  }
}

export interface TokenizeOptions {
  /** The text of a control token becomes that token. */
  readonly parseSpecial: boolean;
  /** Tokens that the model can take. Texts of up to four times as many are read to their end. */
  readonly contextSize: number;
  /** Tokens of the same prompt that were read before. @default 0 */
  readonly used?: number;
  readonly signal: AbortSignal;
}

/** UTF-16 units that are tokenised in one go: a few milliseconds. */
const sliceUnits = 4096;
/** Texts up to this length are not cut at all. */
const shortUnits = 2 * sliceUnits;
/** A stretch without a place to cut at is tokenised whole up to this length, whatever its number of tokens. */
const stretchUnits = 16 * sliceUnits;
/** What is longer than so many contexts is refused without an exact count. */
const countedContexts = 4;
/** Pieces of a stretch that was cut anywhere have some more tokens than the whole. */
const roughness = 1.25;

/** Tokeniser of one model for texts of any length. All callers together have one piece read per turn of the event loop. */
export class TextTokenizer {
  readonly #vocabulary: Vocabulary;
  #cuts: Promise<TextCuts> | undefined;
  #turn: Promise<void> = Promise.resolve();
  #unitsThisTurn = 0;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /**
   * The tokens of the text, without BOS, as {@link Vocabulary.tokenize} gives them.
   * @throws TokenLimitError when the text is far longer than `contextSize`; the signal's reason.
   */
  async tokenize(text: string, options: TokenizeOptions): Promise<readonly number[]> {
    const { parseSpecial, contextSize, used = 0, signal } = options;
    if (text.length <= shortUnits || !this.#vocabulary.joinsAtSpaces) {
      // A request may bring thousands of short texts.
      if (this.#unitsThisTurn + text.length > shortUnits) await this.#nextTurn();
      this.#unitsThisTurn += text.length;
      return this.#vocabulary.tokenize(text, { parseSpecial });
    }
    const cuts = await this.#findCuts();
    const tokens: number[] = [];
    for (let from = 0; from < text.length;) {
      await this.#nextTurn();
      signal.throwIfAborted();
      const to = await this.#pieceEnd(text, { from, cuts });
      if (to - from > stretchUnits) {
        const counted = await this.#countRoughly(text, { from, to, parseSpecial, signal });
        const total = used + tokens.length + counted;
        if (total > contextSize * roughness) throw new TokenLimitError(Math.floor(total / roughness));
      }
      for (const token of this.#tokenizePiece(text, { from, to, parseSpecial })) tokens.push(token);
      from = to;
      if (used + tokens.length > contextSize * countedContexts && from < text.length) {
        throw new TokenLimitError(used + tokens.length);
      }
    }
    return tokens;
  }

  /**
   * Refuses texts whose bytes alone show that they cannot fit, without tokenising them.
   * @throws TokenLimitError
   */
  async refuseHopeless(texts: readonly string[], { contextSize }: Pick<TokenizeOptions, "contextSize">): Promise<void> {
    const units = texts.reduce((sum, text) => sum + text.length, 0);
    if (units <= stretchUnits) return;
    const { longestTokenBytes } = await this.#findCuts();
    if (longestTokenBytes === undefined || units <= contextSize * longestTokenBytes) return;
    throw new TokenLimitError(fewestTokens(texts, longestTokenBytes));
  }

  /**
   * At least the first `count` tokens of the text, or all. A text of megabytes costs no more than its beginning.
   * @throws the signal's reason
   */
  async tokenizeBeginning(
    text: string,
    {
      count,
      parseSpecial,
      signal,
    }: { readonly count: number; readonly parseSpecial: boolean; readonly signal: AbortSignal },
  ): Promise<readonly number[]> {
    const contextSize = Number.MAX_SAFE_INTEGER;
    for (let units = (count + marginTokens) * unitsPerToken; ; units *= 2) {
      const isWhole = units >= text.length;
      const tokens = await this.tokenize(isWhole ? text : text.slice(0, units), { parseSpecial, contextSize, signal });
      // The last tokens before a cut may differ from those of the whole text.
      if (isWhole || tokens.length >= count + marginTokens) return tokens;
    }
  }

  async #pieceEnd(text: string, { from, cuts }: { from: number; cuts: TextCuts }): Promise<number> {
    if (text.length - from <= shortUnits) return text.length;
    const near = cuts.last(text, { from: from + sliceUnits / 2, to: from + sliceUnits });
    if (near !== undefined) return near;
    for (let start = from + sliceUnits; start < text.length; start += stretchUnits) {
      const far = cuts.first(text, { from: start, to: start + stretchUnits });
      if (far !== undefined) return far;
      await this.#nextTurn();
    }
    return text.length;
  }

  /** Tokens of a stretch that is cut anywhere: up to {@link roughness} times what it has. */
  async #countRoughly(
    text: string,
    { from, to, parseSpecial, signal }: { from: number; to: number; parseSpecial: boolean; signal: AbortSignal },
  ): Promise<number> {
    let count = 0;
    for (let start = from; start < to; start += sliceUnits) {
      await this.#nextTurn();
      signal.throwIfAborted();
      const piece = text.slice(start, Math.min(start + sliceUnits, to));
      count += this.#vocabulary.tokenize(piece, { parseSpecial }).length;
    }
    return count;
  }

  #tokenizePiece(
    text: string,
    { from, to, parseSpecial }: { from: number; to: number; parseSpecial: boolean },
  ): readonly number[] {
    const vocabulary = this.#vocabulary;
    if (from === 0 || !vocabulary.putsSpaceFirst) return vocabulary.tokenize(text.slice(from, to), { parseSpecial });
    // The space that the vocabulary puts before every text goes before the last character of the piece before, whose tokens
    // are taken off again: nothing joins it with what follows, or the text would not have been cut here.
    const start = isLowSurrogate(text, from - 1) ? from - 2 : from - 1;
    const lead = vocabulary.tokenize(text.slice(start, from), { parseSpecial });
    return vocabulary.tokenize(text.slice(start, to), { parseSpecial }).slice(lead.length);
  }

  #findCuts(): Promise<TextCuts> {
    this.#cuts ??= findTextCuts(this.#vocabulary, () => this.#nextTurn());
    return this.#cuts;
  }

  #nextTurn(): Promise<void> {
    this.#turn = this.#turn.then(yieldToEvents).then(() => {
      this.#unitsThisTurn = 0;
    });
    return this.#turn;
  }
}

/** Tokens next to a cut that are never used. */
const marginTokens = 16;
/** UTF-16 units that are read first for each token that is wanted of a text's beginning: prose has 3 to 5 per token. */
const unitsPerToken = 16;

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Resolves in the next turn of the event loop: messages that have arrived and native work that has ended are handled first. */
function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
