// Methods of str that say what its characters are.
import {
  every,
  isBlank,
  isDecimal,
  isDigit,
  isLetter,
  isNumeric,
  isUnprintable,
} from "../values/text/character-classes.ts";
import { define } from "../values/signature.ts";
import { plain, type PyString } from "../values/text/text.ts";
import type { Call } from "../values/value.ts";

const classes: Readonly<Record<string, (text: string) => boolean>> = {
  isalnum: (text) => every(text, (character) => isLetter.test(character) || isNumeric.test(character)),
  isalpha: (text) => every(text, (character) => isLetter.test(character)),
  isascii: (text) => /^[\0-\x7f]*$/.test(text),
  isdecimal: (text) => every(text, (character) => isDecimal.test(character)),
  isdigit: (text) => every(text, (character) => isDigit.test(character)),
  isidentifier: (text) => /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text),
  islower: (text) => /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text),
  isnumeric: (text) => every(text, (character) => isNumeric.test(character)),
  isprintable: (text) => !isUnprintable.test(text),
  isspace: (text) => every(text, (character) => isBlank.test(character)),
  istitle: isTitle,
  isupper: (text) => /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text),
};

export const classMethods: ReadonlyMap<string, Call> = new Map(
  Object.entries(classes).map(([name, test]) => [
    name,
    define(name, "/ self", (run, [self]) => {
      run.budget.text(plain(self as PyString).length);
      return test(plain(self as PyString));
    }),
  ]),
);

/** Capitals stand behind no letter, and small letters behind letters only. */
function isTitle(text: string): boolean {
  let isCased = false;
  let wasCased = false;
  for (const character of text) {
    const isCapital = /[\p{Uppercase}\p{Lt}]/u.test(character);
    const isSmall = /\p{Lowercase}/u.test(character);
    if ((isCapital && wasCased) || (isSmall && !wasCased)) return false;
    wasCased = isCapital || isSmall;
    isCased ||= wasCased;
  }
  return isCased;
}
