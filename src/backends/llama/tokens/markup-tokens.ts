// Tells markup that a model wrote as tokens of its vocabulary from text that spells it with ordinary tokens. A model may write about its
// own markup, and a string in JSON may hold any characters: neither begins a call nor ends a message. Pure.

/** A piece of markup that is one token of the vocabulary. */
export interface MarkupToken {
  readonly id: number;
  readonly text: string;
  readonly endsAnswer: boolean;
}

/** Stands before markup that is a token: two second halves of surrogate pairs, which no piece of a decoded text has in a row. */
const sign = "\udc00\udc00";

/** The text without the signs that {@link MarkupTokens.sign} puts into it. */
export function withoutSigns(text: string): string {
  return text.includes(sign) ? text.replaceAll(sign, "") : text;
}

export class MarkupTokens {
  static readonly none = new MarkupTokens([]);
  /** For other processes; the constructor's argument. */
  readonly all: readonly MarkupToken[];
  readonly #byText: ReadonlyMap<string, MarkupToken>;
  readonly #ids: ReadonlySet<number>;
  /** Captures the tokens' texts, the longest first. */
  readonly #pattern: RegExp | undefined;

  constructor(all: readonly MarkupToken[]) {
    this.all = all;
    this.#byText = new Map(all.map((token) => [token.text, token]));
    this.#ids = new Set(all.map(({ id }) => id));
    const texts = [...this.#byText.keys()].sort((left, right) => right.length - left.length).map(escapeRegExp);
    this.#pattern = texts.length === 0 ? undefined : new RegExp(`(${texts.join("|")})`);
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  /** A text of the family's markup as it reads where the model writes all of its tokens. */
  sign(text: string): string {
    return this.split(text)
      .map((part) => (part.token === undefined ? part.text : sign + part.text))
      .join("");
  }

  /** {@link sign} for every text of a structure. */
  signAll<T>(value: T): T {
    if (typeof value === "string") return this.sign(value) as T;
    if (Array.isArray(value)) return value.map((item: unknown) => this.signAll(item)) as T;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.signAll<unknown>(item)])) as T;
  }

  /** The text as markup that is a token, and text between. */
  split(text: string): readonly { readonly text: string; readonly token: MarkupToken | undefined }[] {
    const parts = this.#pattern === undefined ? [text] : text.split(this.#pattern);
    return parts.filter((part) => part !== "").map((part) => ({ text: part, token: this.#byText.get(part) }));
  }
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
