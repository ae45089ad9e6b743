// What it takes to put grammars together as text: rules of one are renamed so that they cannot clash with those of another.
import type { MarkupTokens } from "../tokens/markup-tokens.ts";

/** Strings, character classes, tokens and comments, which are left alone, or (captured) the name of a rule. */
const lexemes = /"(?:\\[^]|[^"\\])*"|\[(?:\\[^]|[^\]\\])*\]|!?<[^>\n]*>|#[^\n]*|([a-zA-Z][a-zA-Z0-9-]*)/g;

/** Puts `prefix` before the name of every rule; the start rule is then `<prefix>root`. */
export function prefixRules(grammar: string, prefix: string): string {
  return grammar.replace(lexemes, (lexeme, name: string | undefined) => (name === undefined ? lexeme : prefix + name));
}

/**
 * A family's text as an expression in GBNF: markup that is a token can be written as that token only. What ends the answer is left
 * out, because llama.cpp allows it behind a whole text of the grammar and nowhere else.
 */
export function gbnfMarkup(text: string, markup: MarkupTokens): string {
  return markup
    .split(text)
    .filter(({ token }) => token?.endsAnswer !== true)
    .map((part) => (part.token === undefined ? gbnfLiteral(part.text) : `<[${part.token.id}]>`))
    .join(" ");
}

/** `text` as a GBNF string; everything but printable ASCII is escaped. */
export function gbnfLiteral(text: string): string {
  let literal = "";
  for (const character of text) {
    const codePoint = character.codePointAt(0) as number;
    if (character === '"' || character === "\\") literal += `\\${character}`;
    else if (codePoint >= 0x20 && codePoint < 0x7f) literal += character;
    else if (codePoint <= 0xffff) literal += `\\u${codePoint.toString(16).padStart(4, "0")}`;
    else literal += `\\U${codePoint.toString(16).padStart(8, "0")}`;
  }
  return `"${literal}"`;
}
