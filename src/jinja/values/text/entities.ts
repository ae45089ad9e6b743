// Text out of HTML: without tags, with entities as the characters that they stand for. All of the result is the caller's where any of
// the source is.
import { blankRun } from "./character-classes.ts";
import { entityCharacters } from "./entity-names.ts";
import { derived, plain, type PyString } from "./text.ts";

/** The text without tags and comments, with single blanks between its words. */
export function stripTags(text: PyString): PyString {
  return derived(unescapeAll(withoutTags(plain(text))), text);
}

export function unescapeEntities(text: PyString): PyString {
  return derived(unescapeAll(plain(text)), text);
}

function withoutTags(text: string): string {
  return withoutMarkup(text).replace(blankRun, " ").replace(/^ | $/g, "");
}

/** What is never closed stays, and so does all behind it. */
function withoutMarkup(text: string): string {
  const kept: string[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf("<", from);
    if (start === -1) break;
    const isComment = text.startsWith("<!--", start);
    const end = isComment ? text.indexOf("-->", start + 4) : text.indexOf(">", start);
    if (end === -1) break;
    kept.push(text.slice(from, start));
    from = end + (isComment ? 3 : 1);
  }
  return kept.join("") + text.slice(from);
}

/** As Python's `html.unescape`, but for the names that {@link entityCharacters} does not have. */
function unescapeAll(text: string): string {
  return text.replace(/&(?:#(\d+);?|#[xX]([\da-fA-F]+);?|([^\t\n\f <&#;]{1,32})(;?))/g, (...match) => {
    const [whole, decimal, hex, name = "", end] = match as [string, ...(string | undefined)[]];
    if (decimal !== undefined) return characterOf(Number.parseInt(decimal, 10));
    if (hex !== undefined) return characterOf(Number.parseInt(hex, 16));
    const known = end === ";" ? entityCharacters.get(name) : undefined;
    if (known !== undefined) return known;
    // Some names need no semicolon, even in the midst of a word: the longest of them counts.
    for (let length = name.length; length > 1; length -= 1) {
      const begun = bareCharacter(name.slice(0, length));
      if (begun !== undefined) return begun + name.slice(length) + (end ?? "");
    }
    return whole;
  });
}

/** Of names without a semicolon, HTML knows those of Latin 1. */
function bareCharacter(name: string): string | undefined {
  const character = entityCharacters.get(name);
  return character !== undefined && character <= "\u00ff" && name !== "apos" ? character : undefined;
}

/** What numbers from 0x80 on stand for: Windows' characters, as browsers have it. */
const windows = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

function characterOf(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return "\ufffd";
  if (code >= 0x80 && code < 0xa0) return windows.charAt(code - 0x80);
  return isForbidden(code) ? "" : String.fromCodePoint(code);
}

/** Controls, and code points that are no characters. */
function isForbidden(code: number): boolean {
  if (code < 0x20) return code !== 0x09 && code !== 0x0a && code !== 0x0c && code !== 0x0d;
  return code === 0x7f || (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
}
