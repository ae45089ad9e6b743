// Python's changes of case. Letters that grow in the change, such as the German sharp s, move what stands behind them, so every
// character is changed with its origin.
import { marked, plain, sameShape, type PyString } from "./text.ts";

export function upper(text: PyString): PyString {
  return changed(
    text,
    (part) => part.toUpperCase(),
    (part) => Array.from(part, (character) => character.toUpperCase()),
  );
}

export function lower(text: PyString): PyString {
  return changed(text, (part) => part.toLowerCase(), lowerPieces);
}

export function casefold(text: PyString): PyString {
  return changedBy(text, (part) => Array.from(part, foldCharacter));
}

export function swapcase(text: PyString): PyString {
  return changedBy(text, (part) => {
    const lowered = lowerPieces(part);
    return Array.from(part, (character, index) => {
      if (/\p{Lowercase}/u.test(character)) return character.toUpperCase();
      return /\p{Uppercase}/u.test(character) ? (lowered[index] as string) : character;
    });
  });
}

export function capitalize(text: PyString): PyString {
  return changedBy(text, (part) => {
    const [first = ""] = part;
    return lowerPieces(part).map((piece, index) => (index === 0 ? titleCharacter(first) : piece));
  });
}

/** Every letter that follows no letter in title case, all others in small letters. */
export function title(text: PyString): PyString {
  return changedBy(text, (part) => {
    const lowered = lowerPieces(part);
    let wasCased = false;
    return Array.from(part, (character, index) => {
      const piece = wasCased ? (lowered[index] as string) : titleCharacter(character);
      wasCased = /\p{Cased}/u.test(character);
      return piece;
    });
  });
}

/** Changes one string; `pieces` gives what becomes of each of its characters. */
type Pieces = (part: string) => readonly string[];

/** Like {@link changedBy}, with a quick way for strings of one origin. */
function changed(text: PyString, whole: (part: string) => string, pieces: Pieces): PyString {
  if (typeof text === "string") return whole(text);
  return text.isCallers ? sameShape(text, whole(text.text)) : changedBy(text, pieces);
}

/** The string with its characters changed, each in the origin of its source. */
function changedBy(text: PyString, pieces: Pieces): PyString {
  const parts = pieces(plain(text));
  if (typeof text === "string" || text.isCallers) return sameShape(text, parts.join(""));
  const ends: number[] = [];
  let made = 0;
  let offset = 0;
  let index = 0;
  for (const character of plain(text)) {
    made += (parts[index] as string).length;
    for (let unit = 0; unit < character.length; unit += 1) ends[offset + unit] = made;
    offset += character.length;
    index += 1;
  }
  const marks = (text.marks ?? []).map((mark) => (ends[(mark >> 1) - 1] as number) * 2 + (mark & 1));
  return marked(parts.join(""), marks, text.markup);
}

/** What becomes of each character in small letters; that of a sigma depends on what stands around it. */
function lowerPieces(part: string): string[] {
  const lowered = part.toLowerCase();
  let offset = 0;
  return Array.from(part, (character) => {
    const start = offset;
    offset += character.toLowerCase().length;
    return lowered.slice(start, offset);
  });
}

const titleDigraphs: Readonly<Record<string, string>> = {
  "\u01c4": "\u01c5",
  "\u01c5": "\u01c5",
  "\u01c6": "\u01c5",
  "\u01c7": "\u01c8",
  "\u01c8": "\u01c8",
  "\u01c9": "\u01c8",
  "\u01ca": "\u01cb",
  "\u01cb": "\u01cb",
  "\u01cc": "\u01cb",
  "\u01f1": "\u01f2",
  "\u01f2": "\u01f2",
  "\u01f3": "\u01f2",
  "\u0149": "\u02bcN",
};

/** Unicode's title case of one character, which JavaScript does not have: the capital, but for digraphs, Georgian and Greek iotas. */
function titleCharacter(character: string): string {
  const digraph = titleDigraphs[character];
  if (digraph !== undefined) return digraph;
  if (/[\u10d0-\u10ff]/.test(character)) return character;
  const capital = character.toUpperCase();
  const [first = "", ...rest] = capital;
  if (rest.length === 0) return capital;
  if (rest.at(-1) === "\u0399") {
    return rest.length === 1 ? `${first}\u0345`.normalize("NFC") : `${capital.slice(0, -1)}\u0345`;
  }
  return first + rest.join("").toLowerCase();
}

/** Unicode's full case folding of one character: the small letter of the capital, but for Cherokee, where capitals are the base. */
function foldCharacter(character: string): string {
  if (character === "\u0131" || /[\u13a0-\u13f5]/.test(character)) return character;
  if (/[\u13f8-\u13fd\uab70-\uabbf]/.test(character)) return character.toUpperCase();
  return character === "\u1e9e" ? "ss" : character.toUpperCase().toLowerCase();
}
