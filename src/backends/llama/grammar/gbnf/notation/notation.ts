// How a grammar writes the values that JSON has: as JSON, or with bare names and unescaped strings between quotes of a model's own, as
// Gemma 4 writes the arguments of calls.
import { gbnfLiteral } from "../gbnf-literal.ts";
import { SHARED_RULES, type SharedRules } from "./json-rules.ts";

export interface Notation {
  readonly rules: SharedRules;
  /** Stands before and behind strings in {@link valueText} and {@link nameText}. */
  readonly quote: string;
  /** The expression of a text that is not empty and may have quotes in it. */
  readonly literal: (text: string) => string;
  /** Names stand without quotes, and the characters of strings without escapes. */
  readonly isBare: boolean;
  /** The expression between the name of a property and its value. */
  readonly afterName: string;
}

export const JSON_NOTATION: Notation = {
  rules: SHARED_RULES,
  quote: '"',
  literal: gbnfLiteral,
  isBare: false,
  afterName: '":" " "?',
};

/** Stands for a quote of several characters, or of one token, in texts that are taken apart by characters: no text has it. */
const quoteSign = "\udfff";

/** Names that need no quotes. */
export const BARE_NAME = "[A-Za-z0-9_.$-]{1,64}";
const bareName = new RegExp(`^${BARE_NAME}$`);

/**
 * `quote` = the expression of a quote, which must begin with `<|`: strings hold anything but these two characters, and those of bounded
 * length no `<`.
 */
export function bareNotation(quote: string): Notation {
  const noBracket = String.raw`[\x00-\x3B\x3D-\uD7FF\uE000-\U0010FFFF]`;
  const neither = String.raw`[\x00-\x3B\x3D-\x7B\x7D-\uD7FF\uE000-\U0010FFFF]`;
  const own: Partial<SharedRules> = {
    ws: { body: '""', uses: [] },
    string: { body: `${quote} string-tail`, uses: ["string-tail"] },
    "string-tail": { body: `( ${noBracket} | "<"+ ${neither} )* ${quote}`, uses: [] },
    "string-char": { body: noBracket, uses: [] },
    member: { body: `( ${BARE_NAME} | string ) ":" value`, uses: ["string", "value"] },
  };
  const literal = (text: string): string =>
    text
      .split(quoteSign)
      .map((part) => (part === "" ? "" : gbnfLiteral(part)))
      .flatMap((part, index) => (index === 0 ? [part] : [quote, part]))
      .filter((part) => part !== "")
      .join(" ");
  return { rules: { ...SHARED_RULES, ...own }, quote: quoteSign, literal, isBare: true, afterName: '":"' };
}

/** A value as the model writes it. */
export function valueText(value: unknown, notation: Notation): string {
  if (!notation.isBare) return JSON.stringify(value);
  if (typeof value === "string") return `${notation.quote}${value}${notation.quote}`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => valueText(item, notation)).join(",")}]`;
  const members = Object.entries(value).map(
    ([name, item]) => `${nameText(name, notation)}:${valueText(item, notation)}`,
  );
  return `{${members.join(",")}}`;
}

/** A name with special characters stands in quotes, so that it is told from what follows. */
export function nameText(name: string, notation: Notation): string {
  if (!notation.isBare) return JSON.stringify(name);
  return bareName.test(name) ? name : `${notation.quote}${name}${notation.quote}`;
}
