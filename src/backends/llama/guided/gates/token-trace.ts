// The answer so far as a gate sees it: its tokens, and the text that they join to.
import { Utf8Assembler } from "../../../../util/utf8-assembler.ts";
import type { MarkupTokens } from "../../tokens/markup-tokens.ts";
import type { Vocabulary } from "../../tokens/vocabulary.ts";

/** The generated tokens as text, markup signed and control tokens included, with the place where each token begins. */
export class TokenTrace {
  readonly #vocabulary: Vocabulary;
  readonly #markup: MarkupTokens;
  readonly #assembler = new Utf8Assembler();
  readonly tokens: number[] = [];
  readonly starts: number[] = [];
  text = "";

  constructor(vocabulary: Vocabulary, markup: MarkupTokens) {
    this.#vocabulary = vocabulary;
    this.#markup = markup;
  }

  push(token: number): void {
    this.tokens.push(token);
    this.starts.push(this.text.length);
    const { bytes, text = "" } = this.#vocabulary.piece(token);
    this.text += this.#markup.has(token)
      ? this.#assembler.flush() + this.#markup.sign(text)
      : this.#assembler.push(bytes);
  }

  /** Index of the token in which the character at `offset` stands. */
  tokenAt(offset: number): number {
    let index = this.starts.length - 1;
    while (index > 0 && (this.starts[index] as number) > offset) index -= 1;
    return index;
  }
}
