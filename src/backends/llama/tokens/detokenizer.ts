// Turns generated tokens into text of whole code points, and holds text back until no stop string can begin in it. Log-probabilities
// are released together with the text they belong to.
import type { TokenLogprob } from "../../../domain/text.ts";
import { StopMatcher } from "../../../util/stop-matcher.ts";
import { Utf8Assembler } from "../../../util/utf8-assembler.ts";
import type { TokenScore } from "../native/context.ts";
import { MarkupTokens } from "./markup-tokens.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Turns the tokens of one choice into text. Control tokens are not text, unless they are markup, which is signed. */
export class TokenText {
  readonly #vocabulary: Vocabulary;
  readonly #markup: MarkupTokens;
  readonly #assembler = new Utf8Assembler();

  constructor(vocabulary: Vocabulary, markup = MarkupTokens.none) {
    this.#vocabulary = vocabulary;
    this.#markup = markup;
  }

  push(token: number): string {
    const piece = this.#vocabulary.piece(token);
    if (this.#markup.has(token)) return this.#assembler.flush() + this.#markup.sign(piece.text ?? "");
    if (piece.isControl) return "";
    if (piece.text !== undefined && this.#assembler.isWhole) return piece.text;
    return this.#assembler.push(piece.bytes);
  }

  flush(): string {
    return this.#assembler.flush();
  }
}

/** Text that may be sent. */
export interface ReleasedText {
  readonly text: string;
  /** Those of the tokens whose text is now released to its end. */
  readonly logprobs: readonly TokenLogprob[];
  /** The stop string that has come. */
  readonly stop: string | undefined;
}

/** Holds back text that may be the beginning of a stop string, and the log-probabilities of its tokens. */
export class ReleaseBuffer {
  readonly #matcher: StopMatcher;
  /** Tokens in order; `end` = offset in the choice's text at which the token's text ends, `undefined` until that is known. */
  #pending: { readonly logprob: TokenLogprob; end: number | undefined }[] = [];
  #pushedLength = 0;
  #releasedLength = 0;

  constructor(stops: readonly string[]) {
    this.#matcher = new StopMatcher(stops);
  }

  /** `logprobs` = those of the tokens that made `text`; they may be more than one, or come before their text does. */
  push(text: string, logprobs: readonly TokenLogprob[]): ReleasedText {
    for (const logprob of logprobs) this.#pending.push({ logprob, end: undefined });
    if (text === "") return { text: "", logprobs: [], stop: undefined };
    this.#pushedLength += text.length;
    for (const token of this.#pending) token.end ??= this.#pushedLength;
    const match = this.#matcher.push(text);
    this.#releasedLength += match.text.length;
    const released = this.#release(this.#releasedLength);
    // Log-probabilities must not show a token that the stop string removes from the text.
    if (match.stop !== undefined) this.#pending = [];
    return { text: match.text, logprobs: released, stop: match.stop };
  }

  /** The text is over without a stop string. */
  flush(): ReleasedText {
    const text = this.#matcher.flush();
    const logprobs = this.#release(Infinity);
    return { text, logprobs, stop: undefined };
  }

  #release(length: number): TokenLogprob[] {
    let count = 0;
    while (count < this.#pending.length && (this.#pending[count]?.end ?? length) <= length) count += 1;
    return this.#pending.splice(0, count).map((token) => token.logprob);
  }
}

/** A token and its score as the domain's log-probability. */
export function toTokenLogprob(
  vocabulary: Vocabulary,
  { token, score }: { token: number; score: TokenScore | undefined },
): TokenLogprob {
  return {
    ...describe(vocabulary, token),
    logprob: score === undefined ? null : score.logprob,
    top: (score?.top ?? []).map(([id, logprob]) => ({ ...describe(vocabulary, id), logprob })),
  };
}

const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

function describe(vocabulary: Vocabulary, id: number): { id: number; text: string; bytes: readonly number[] } {
  const piece = vocabulary.piece(id);
  return { id, text: piece.text ?? lenientDecoder.decode(piece.bytes), bytes: Array.from(piece.bytes) };
}
