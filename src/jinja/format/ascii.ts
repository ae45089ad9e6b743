// `ascii()`: what `repr()` gives, with escapes for everything beyond ASCII.
import { derived, plain, type PyString } from "../values/text/text.ts";

export function asciiOnly(text: PyString): PyString {
  return derived(plain(text).replace(/[^\0-\x7f]/gu, escapeCharacter), text);
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code < 0x100) return `\\x${code.toString(16)}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}
