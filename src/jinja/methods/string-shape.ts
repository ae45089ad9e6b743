// Methods of str that change its letters or its ends.
import { typeError } from "../errors.ts";
import { pad, type Alignment } from "../format/pad.ts";
import { capitalize, casefold, lower, swapcase, title, upper } from "../values/text/case.ts";
import { isBlank } from "../values/text/character-classes.ts";
import { codePointLength } from "../values/text/code-points.ts";
import { defineAll, type Body } from "../values/signature.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { callerText, concat, isText, plain, sliceText, type PyString } from "../values/text/text.ts";
import { typeName } from "../values/types.ts";
import { Dict, isInteger, List, type Run, type Value } from "../values/value.ts";

export const shapeMethods = defineAll({
  upper: ["/ self", cased(upper)],
  lower: ["/ self", cased(lower)],
  title: ["/ self", cased(title)],
  capitalize: ["/ self", cased(capitalize)],
  swapcase: ["/ self", cased(swapcase)],
  casefold: ["/ self", cased(casefold)],
  strip: ["/ self chars?", (run, [self, chars]) => strip(run, self as PyString, { chars, left: true, right: true })],
  lstrip: ["/ self chars?", (run, [self, chars]) => strip(run, self as PyString, { chars, left: true, right: false })],
  rstrip: ["/ self chars?", (run, [self, chars]) => strip(run, self as PyString, { chars, left: false, right: true })],
  removeprefix: [
    "/ self prefix",
    (_run, [self, prefix]) => {
      const affix = textOf("removeprefix", prefix);
      const text = self as PyString;
      return plain(text).startsWith(affix) ? sliceText(text, affix.length) : text;
    },
  ],
  removesuffix: [
    "/ self suffix",
    (_run, [self, suffix]) => {
      const affix = textOf("removesuffix", suffix);
      const text = self as PyString;
      return affix !== "" && plain(text).endsWith(affix) ? sliceText(text, 0, plain(text).length - affix.length) : text;
    },
  ],
  center: ["/ self width fillchar?", (run, [self, width, fill]) => centered(run, self as PyString, { width, fill })],
  ljust: [
    "/ self width fillchar?",
    (run, [self, width, fill]) => justified(run, self as PyString, { width, fill, alignment: "<" }),
  ],
  rjust: [
    "/ self width fillchar?",
    (run, [self, width, fill]) => justified(run, self as PyString, { width, fill, alignment: ">" }),
  ],
  zfill: [
    "/ self width",
    (run, [self, width]) => {
      const text = self as PyString;
      const sign = /^[-+]?/.exec(plain(text))?.[0].length ?? 0;
      const rest = pad(run.budget, sliceText(text, sign), { width: toInt(width) - sign, fill: "0", alignment: ">" });
      return concat(sliceText(text, 0, sign), rest);
    },
  ],
  expandtabs: [
    "self tabsize?",
    (run, [self, size]) => expandTabs(run, self as PyString, size === undefined ? 8 : toInt(size)),
  ],
  translate: ["/ self table", (run, [self, table]) => translate(run, self as PyString, table as Value)],
  maketrans: ["/ self x y? z?", (_run, [, x, y, z]) => makeTable(x as Value, y, z)],
});

function cased(change: (text: PyString) => PyString): Body {
  return (run, [self]) => {
    run.budget.text(plain(self as PyString).length * 2);
    return change(self as PyString);
  };
}

/** Takes blanks, or any of `chars`, off the ends. */
export function strip(
  run: Run,
  text: PyString,
  { chars, left, right }: { chars: Value | undefined; left: boolean; right: boolean },
): PyString {
  if (chars !== undefined && chars !== null && !isText(chars)) throw typeError("strip arg must be None or str");
  const set = chars === undefined || chars === null ? undefined : new Set(plain(chars));
  const isOff = (character: string): boolean => (set === undefined ? isBlank.test(character) : set.has(character));
  const characters = plain(text);
  let start = 0;
  const last = left ? characters.length : 0;
  while (start < last) {
    const character = String.fromCodePoint(characters.codePointAt(start) as number);
    if (!isOff(character)) break;
    start += character.length;
  }
  let end = characters.length;
  const first = right ? start : end;
  while (end > first) {
    const character = lastCharacter(characters, end);
    if (!isOff(character)) break;
    end -= character.length;
  }
  run.budget.steps(1 + (characters.length - end + start) / 8 + (end - start) / 64);
  return sliceText(text, start, end);
}

function lastCharacter(text: string, end: number): string {
  const code = end >= 2 ? (text.codePointAt(end - 2) as number) : 0;
  return code > 0xffff ? text.slice(end - 2, end) : text.slice(end - 1, end);
}

interface Width {
  readonly width: Value | undefined;
  readonly fill: Value | undefined;
}

function justified(run: Run, text: PyString, { width, fill, alignment }: Width & { alignment: Alignment }): PyString {
  return pad(run.budget, text, { width: toInt(width), fill: fillOf(fill), alignment });
}

/** `str.center`: the odd blank stands on the left where the width is odd, which differs from the format language. */
export function centered(run: Run, text: PyString, { width, fill }: Width): PyString {
  const wide = toInt(width);
  const length = codePointLength(plain(text));
  const missing = wide - length;
  if (missing <= 0) return text;
  const left = Math.floor(missing / 2) + (missing & wide & 1);
  const start = pad(run.budget, text, { width: length + left, fill: fillOf(fill), alignment: ">" });
  return pad(run.budget, start, { width: wide, fill: fillOf(fill), alignment: "<" });
}

function fillOf(fill: Value | undefined): PyString {
  if (fill === undefined) return " ";
  if (isText(fill) && codePointLength(plain(fill)) === 1) return fill;
  throw typeError("The fill character must be exactly one character long");
}

function expandTabs(run: Run, text: PyString, size: number): PyString {
  const builder = new TextBuilder(run.budget);
  let column = 0;
  let from = 0;
  const characters = plain(text);
  run.budget.text(characters.length);
  for (const match of characters.matchAll(/[\t\n\r]|[^\t\n\r]+/g)) {
    const [piece] = match;
    if (piece === "\t") {
      const blanks = size > 0 ? size - (column % size) : 0;
      run.budget.text(blanks);
      const tab = sliceText(text, from, from + 1);
      builder.add(typeof tab === "string" ? " ".repeat(blanks) : callerText(" ".repeat(blanks)));
      column += blanks;
    } else {
      builder.add(sliceText(text, from, from + piece.length));
      column = piece === "\n" || piece === "\r" ? 0 : column + codePointLength(piece);
    }
    from += piece.length;
  }
  return builder.finish();
}

function translate(run: Run, text: PyString, table: Value): PyString {
  const builder = new TextBuilder(run.budget);
  let from = 0;
  for (const character of plain(text)) {
    run.budget.steps(1);
    const code = character.codePointAt(0) as number;
    const found = table instanceof Dict ? table.get(code) : run.item(run, table, code);
    const source = sliceText(text, from, from + character.length);
    from += character.length;
    if (found === null) continue;
    if (found !== undefined && isText(found)) builder.add(found);
    // A character made from a number may be any character, and the number may be the caller's.
    else if (found !== undefined && isInteger(found)) builder.add(callerText(String.fromCodePoint(Number(found))));
    else if (found === undefined || typeName(found) === "Undefined") builder.add(source);
    else throw typeError("character mapping must return integer, None or str");
  }
  return builder.finish();
}

function makeTable(from: Value, to: Value | undefined, deleted: Value | undefined): Dict {
  if (to === undefined) {
    if (!(from instanceof Dict)) throw typeError("if you give only one argument to maketrans it must be a dict");
    return new Dict(
      [...from.entries()].map(([key, value]) => [isText(key) ? (plain(key).codePointAt(0) ?? 0) : key, value] as const),
    );
  }
  if (!isText(from) || !isText(to)) throw typeError("maketrans() arguments must be str");
  const [keys, values] = [
    [...plain(from)],
    new List([...plain(to)].map((character) => character.codePointAt(0) as number)),
  ];
  if (keys.length !== values.items.length) throw typeError("the first two maketrans arguments must have equal length");
  const removed = deleted !== undefined && isText(deleted) ? [...plain(deleted)] : [];
  return new Dict([
    ...keys.map((key, index) => [key.codePointAt(0) as number, values.items[index] as Value] as const),
    ...removed.map((key) => [key.codePointAt(0) as number, null] as const),
  ]);
}

function textOf(name: string, value: Value | undefined): string {
  if (value !== undefined && isText(value)) return plain(value);
  throw typeError(`${name}() argument must be str, not ${typeName(value ?? null)}`);
}

function toInt(value: Value | undefined): number {
  if (value !== undefined && isInteger(value)) return Number(value);
  throw typeError(`'${typeName(value ?? null)}' object cannot be interpreted as an integer`);
}
