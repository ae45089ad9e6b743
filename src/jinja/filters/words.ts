// Filters that shorten text and break it into lines.
import { pythonError, typeError, valueError } from "../errors.ts";
import { lineEnd, trimmed } from "../values/text/character-classes.ts";
import { codePointLength, offsetsOf } from "../values/text/code-points.ts";
import { lengthOf } from "../values/iterate.ts";
import { toText } from "../values/repr.ts";
import { defineAll, or } from "../values/signature.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { isText, plain, sliceText, type PyString } from "../values/text/text.ts";
import { isTrue, present, typeName } from "../values/types.ts";
import { isInteger, type Run, type Value } from "../values/value.ts";

export const wordFilters = defineAll({
  truncate: [
    "s length? killwords? end? leeway?",
    (run, [value, length, kills, end, leeway]) => {
      const text = value as Value;
      const [most, tail] = [toInt(or(length, 255)), or(end, "...")];
      if (!isText(tail)) throw typeError(`object of type '${typeName(tail)}' has no len()`);
      const slack = leeway === undefined || leeway === null ? 5 : toInt(leeway);
      const tailLength = codePointLength(plain(tail));
      if (most < tailLength) throw pythonError("AssertionError", `expected length >= ${tailLength}, got ${most}`);
      if (slack < 0) throw pythonError("AssertionError", `expected leeway >= 0, got ${slack}`);
      const own = lengthOf(run, text);
      if (own === undefined) throw typeError(`object of type '${typeName(text)}' has no len()`);
      if (own <= most + slack) return text;
      if (!isText(text)) throw typeError(`a ${typeName(text)} cannot be cut as text`);
      const cut = sliceText(text, 0, offsetsOf(plain(text))[most - tailLength]);
      const lastBlank = isTrue(or(kills, false), run) ? -1 : plain(cut).lastIndexOf(" ");
      const builder = new TextBuilder(run.budget);
      builder.add(lastBlank === -1 ? cut : sliceText(cut, 0, lastBlank));
      builder.add(tail);
      return builder.finish();
    },
  ],
  wordwrap: [
    "s width? break_long_words? wrapstring? break_on_hyphens?",
    (run, [value, width, long, wrap, hyphens]) => {
      const text = present(value as Value);
      if (!isText(text))
        throw pythonError("AttributeError", `'${typeName(text)}' object has no attribute 'splitlines'`);
      const separator = wrap === undefined || wrap === null ? "\n" : toText(run, wrap);
      const options: WrapOptions = {
        width: toInt(or(width, 79)),
        breaksWords: isTrue(or(long, true), run),
        breaksHyphens: isTrue(or(hyphens, true), run),
      };
      const builder = new TextBuilder(run.budget);
      let isFirst = true;
      for (const line of linesOf(text)) {
        const wrapped = wrapLine(run, line, options);
        if (!isFirst) builder.add(separator);
        isFirst = false;
        for (const [index, part] of wrapped.entries()) {
          if (index > 0) builder.add(separator);
          builder.add(part);
        }
      }
      return builder.finish();
    },
  ],
});

function toInt(value: Value): number {
  if (isInteger(value)) return Number(value);
  throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
}

function linesOf(text: PyString): PyString[] {
  const lines: PyString[] = [];
  let from = 0;
  for (const match of plain(text).matchAll(lineEnd)) {
    lines.push(sliceText(text, from, match.index));
    from = match.index + match[0].length;
  }
  if (from < plain(text).length) lines.push(sliceText(text, from));
  return lines;
}

interface WrapOptions {
  readonly width: number;
  readonly breaksWords: boolean;
  readonly breaksHyphens: boolean;
}

/** One line in lines of at most `width` characters, as Python's `textwrap.wrap` breaks it. */
function wrapLine(run: Run, line: PyString, options: WrapOptions): PyString[] {
  const { width, breaksWords, breaksHyphens } = options;
  if (width <= 0) throw valueError(`invalid width ${width} (must be > 0)`);
  run.budget.text(plain(line).length * 4);
  const pieces = chunks(line, breaksHyphens).toReversed();
  const lines: PyString[] = [];
  while (pieces.length > 0) {
    if (lines.length > 0 && isBlank(pieces.at(-1))) pieces.pop();
    const current: PyString[] = [];
    let length = 0;
    for (let next = pieces.at(-1); next !== undefined; next = pieces.at(-1)) {
      if (offsetAt(plain(next), width - length + 1) !== undefined) break;
      const size = codePointLength(plain(next));
      current.push(next);
      pieces.pop();
      length += size;
    }
    const long = pieces.at(-1);
    if (long !== undefined && offsetAt(plain(long), width + 1) !== undefined) {
      if (breaksWords) {
        const end = breakingPoint(plain(long), width - length, breaksHyphens);
        current.push(sliceText(long, 0, end));
        pieces[pieces.length - 1] = sliceText(long, end);
      } else if (current.length === 0) current.push(pieces.pop() as PyString);
    }
    if (current.length > 0 && isBlank(current.at(-1))) current.pop();
    if (current.length === 0) continue;
    const builder = new TextBuilder(run.budget);
    for (const piece of current) builder.add(piece);
    lines.push(builder.finish());
  }
  return lines;
}

function isBlank(piece: PyString | undefined): boolean {
  return piece !== undefined && trimmed(plain(piece)) === "";
}

/** Where a word that is too long is broken: behind its last hyphen that fits, else where the room ends. */
function breakingPoint(word: string, room: number, breaksHyphens: boolean): number {
  const offset = offsetAt(word, room) as number;
  if (!breaksHyphens) return offset;
  const hyphen = word.slice(0, offset).lastIndexOf("-");
  return hyphen > 0 && /[^-]/.test(word.slice(0, hyphen)) ? hyphen + 1 : offset;
}

/** The UTF-16 offset behind `count` characters; undefined where there are fewer. Looks at no more of the text than these. */
function offsetAt(text: string, count: number): number | undefined {
  let offset = 0;
  for (let index = 0; index < count; index += 1) {
    const code = text.codePointAt(offset);
    if (code === undefined) return undefined;
    offset += code > 0xffff ? 2 : 1;
  }
  return offset;
}

const letter = "[\\p{L}\\p{M}_]";
const hyphenBefore = new RegExp(`(?:${letter}{2}|${letter}-${letter})-$`, "u");
const hyphenAfter = new RegExp(`^${letter}-?${letter}`, "u");

/** Words and the blanks between them; words also end behind hyphens within them, and around dashes. */
function chunks(line: PyString, breaksHyphens: boolean): PyString[] {
  const text = plain(line);
  const ends: number[] = [];
  for (const match of text.matchAll(/[\t\n\v\f\r ]+|[^\t\n\v\f\r ]+/g)) {
    const [word] = match;
    if (breaksHyphens && word.includes("-")) ends.push(...breaks(word).map((end) => match.index + end));
    ends.push(match.index + word.length);
  }
  let from = 0;
  return ends.map((end) => {
    const piece = sliceText(line, from, end);
    from = end;
    return piece;
  });
}

function breaks(word: string): number[] {
  const ends: number[] = [];
  for (const match of word.matchAll(/-+/g)) {
    const end = match.index + match[0].length;
    const isDash =
      match[0].length > 1 &&
      /[\p{L}\p{N}_!"'&.,?]$/u.test(word.slice(0, match.index)) &&
      /^[\p{L}\p{N}_]/u.test(word.slice(end));
    if (isDash) ends.push(match.index, end);
    else if (match[0].length === 1 && hyphenBefore.test(word.slice(0, end)) && hyphenAfter.test(word.slice(end)))
      ends.push(end);
  }
  return ends;
}
