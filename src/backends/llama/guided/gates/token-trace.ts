// The answer so far as a gate sees it: its tokens, and the text that they join to.
import { Utf8Assembler } from "../../../../util/utf8-assembler.ts";
import type { Vocabulary } from "../../tokens/vocabulary.ts";

/** The generated tokens as text, control tokens included, with the place where each token begins. */
export class TokenTrace {
  readonly #vocabulary: Vocabulary;
  readonly #assembler = new Utf8Assembler();
  readonly tokens: number[] = [];
  readonly starts: number[] = [];
  text = "";

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  push(token: number): void {
    this.tokens.push(token);
    this.starts.push(this.text.length);
    this.text += this.#assembler.push(this.#vocabulary.piece(token).bytes);
  }

  /** Index of the token in which the character at `offset` stands. */
  tokenAt(offset: number): number {
    let index = this.starts.length - 1;
    while (index > 0 && (this.starts[index] as number) > offset) index -= 1;
    return index;
  }
}
