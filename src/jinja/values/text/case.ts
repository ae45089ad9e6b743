// Python's changes of case. Letters that grow in the change, such as the German sharp s, move what stands behind them, so mixed
// strings are changed run by run there.
import { mapRuns, plain, sameShape, type PyString } from "./text.ts";

export function upper(text: PyString): PyString {
  return changed(text, (part) => part.toUpperCase());
}

export function lower(text: PyString): PyString {
  return changed(text, (part) => part.toLowerCase());
}

export function casefold(text: PyString): PyString {
  return changed(text, (part) => mapCharacters(part, foldCharacter));
}

export function swapcase(text: PyString): PyString {
  return changed(text, (part) => {
    // The small form of a sigma depends on what stands around it, so the whole string is lowered at once where that moves nothing.
    const lowered = part.toLowerCase();
    const isAligned = lowered.length === part.length;
    let made = "";
    let offset = 0;
    for (const character of part) {
      const end = offset + character.length;
      if (/\p{Lowercase}/u.test(character)) made += character.toUpperCase();
      else if (!/\p{Uppercase}/u.test(character)) made += character;
      else made += isAligned ? lowered.slice(offset, end) : character.toLowerCase();
      offset = end;
    }
    return made;
  });
}

export function capitalize(text: PyString): PyString {
  return changed(text, (part) => {
    const [first = ""] = part;
    return titleCharacter(first) + part.toLowerCase().slice(first.toLowerCase().length);
  });
}

/** Every letter that follows no letter in title case, all others in small letters. */
export function title(text: PyString): PyString {
  return changed(text, (part) => {
    const lowered = part.toLowerCase();
    const isAligned = lowered.length === part.length;
    let made = "";
    let offset = 0;
    let wasCased = false;
    for (const character of part) {
      const end = offset + character.length;
      const small = isAligned ? lowered.slice(offset, end) : character.toLowerCase();
      made += wasCased ? small : titleCharacter(character);
      wasCased = /\p{Cased}/u.test(character);
      offset = end;
    }
    return made;
  });
}

/** Whether each run must be changed on its own is known only when the whole has been. */
function changed(text: PyString, change: (part: string) => string): PyString {
  const whole = change(plain(text));
  return whole.length === plain(text).length ? sameShape(text, whole) : mapRuns(text, change);
}

function mapCharacters(text: string, change: (character: string) => string): string {
  let made = "";
  for (const character of text) made += change(character);
  return made;
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
  if (capital.endsWith("\u0399")) return `${capital.slice(0, -1)}\u0345`.normalize("NFC");
  return first + rest.join("").toLowerCase();
}

/** Unicode's full case folding of one character: the small letter of the capital, but for Cherokee, where capitals are the base. */
function foldCharacter(character: string): string {
  if (character === "\u0131" || /[\u13a0-\u13f5]/.test(character)) return character;
  if (/[\u13f8-\u13fd\uab70-\uabbf]/.test(character)) return character.toUpperCase();
  return character === "\u1e9e" ? "ss" : character.toUpperCase().toLowerCase();
}
