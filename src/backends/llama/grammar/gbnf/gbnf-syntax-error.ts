// The error for a text that is no GBNF, or more of it than may be.

/** `offset` is in UTF-16 units from the start of the text. */
export class GbnfSyntaxError extends Error {
  override readonly name = "GbnfSyntaxError";
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}
