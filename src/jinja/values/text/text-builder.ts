// Puts a string together from pieces of either origin.
import type { Budget } from "../../limits.ts";
import { marked, plain, pushMarks, type PyString } from "./text.ts";

export class TextBuilder {
  #text = "";
  readonly #marks: number[] = [];
  readonly #budget: Budget;
  readonly #outputLimit: number | undefined;

  /** The whole output of a template has a limit of its own. */
  constructor(budget: Budget, outputLimit?: number) {
    this.#budget = budget;
    this.#outputLimit = outputLimit;
  }

  /** Length in UTF-16 units. */
  get length(): number {
    return this.#text.length;
  }

  /** Appends characters of the template's, or a string with its origins. Empty strings are free. */
  add(piece: PyString): void {
    const text = plain(piece);
    if (text.length === 0) return;
    if (this.#outputLimit === undefined) this.#budget.joined(this.#text.length, text.length);
    else this.#budget.output(this.#text.length, text.length);
    pushMarks(this.#marks, piece, this.#text.length);
    this.#text += text;
  }

  /** What was put together so far, as a plain `str`. */
  finish(): PyString {
    return marked(this.#text, this.#marks, false);
  }
}
