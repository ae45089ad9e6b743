// Methods of str that take it apart or put strings together.
import { typeError, valueError } from "../errors.ts";
import { blankRun, leadingBlanks, lineEnd } from "../values/text/character-classes.ts";
import { toItems } from "../values/iterate.ts";
import { escaped } from "../values/markup.ts";
import { defineAll } from "../values/signature.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { isMarkup, isText, plain, sliceText, unmarked, withMarkup, type PyString } from "../values/text/text.ts";
import { isTrue, typeName } from "../values/types.ts";
import { isInteger, List, Tuple, type Run, type Value } from "../values/value.ts";
import { occurrences } from "./string-search.ts";

export const splitMethods = defineAll({
  split: [
    "self sep? maxsplit?",
    (run, [self, separator, most]) => split(run, self as PyString, { separator, most, isLast: false }),
  ],
  rsplit: [
    "self sep? maxsplit?",
    (run, [self, separator, most]) => split(run, self as PyString, { separator, most, isLast: true }),
  ],
  splitlines: [
    "self keepends?",
    (run, [self, keep]) => {
      const text = self as PyString;
      const lines: PyString[] = [];
      let from = 0;
      for (const match of plain(text).matchAll(lineEnd)) {
        const end = match.index + match[0].length;
        lines.push(sliceText(text, from, isTrue(keep ?? false, run) ? end : match.index));
        from = end;
      }
      if (from < plain(text).length) lines.push(sliceText(text, from));
      run.budget.items(lines.length);
      run.budget.text(plain(text).length);
      return new List(lines);
    },
  ],
  partition: [
    "/ self sep",
    (run, [self, separator]) => {
      const [text, sep] = [self as PyString, needed(separator)];
      const at = search(run, text, sep);
      return at === -1 ? new Tuple([text, "", ""]) : new Tuple(parted(text, at, sep));
    },
  ],
  rpartition: [
    "/ self sep",
    (run, [self, separator]) => {
      const [text, sep] = [self as PyString, needed(separator)];
      const at = search(run, text, sep, true);
      return at === -1 ? new Tuple(["", "", text]) : new Tuple(parted(text, at, sep));
    },
  ],
  join: [
    "/ self iterable",
    (run, [self, iterable]) => {
      const separator = self as PyString;
      const items = toItems(run, iterable as Value).map((item, index) => {
        if (isText(item)) return item;
        if (isMarkup(separator)) return escaped(run, item);
        throw typeError(`sequence item ${index}: expected str instance, ${typeName(item)} found`);
      });
      return joinAll(run, separator, items);
    },
  ],
  replace: [
    "/ self old new count?",
    (run, [self, old, replacement, count]) => {
      if (!isText(old) || !isText(replacement)) {
        const wrong = isText(old) ? replacement : old;
        throw typeError(`replace() argument must be str, not ${typeName(wrong as Value)}`);
      }
      return replaceAll(run, self as PyString, { old, replacement, most: limit(count) });
    },
  ],
});

/** `separator.join(items)`; markup where the separator is, with the items escaped. */
export function joinAll(run: Run, separator: PyString, items: readonly PyString[]): PyString {
  const builder = new TextBuilder(run.budget);
  for (const [index, item] of items.entries()) {
    if (index > 0) builder.add(separator);
    builder.add(isMarkup(separator) ? escaped(run, item) : item);
  }
  return withMarkup(builder.finish(), isMarkup(separator));
}

/** `text.replace(old, replacement, most)` without regard to markup; the first `most` places, or all where it is negative. */
export function replaceAll(
  run: Run,
  text: PyString,
  { old, replacement, most }: { old: PyString; replacement: PyString; most: number },
): PyString {
  run.budget.steps(1 + plain(text).length / 32);
  const places = occurrences(plain(text), plain(old));
  const chosen = most < 0 ? places : places.slice(0, most);
  if (chosen.length === 0) return text;
  run.budget.text(plain(text).length + chosen.length * plain(replacement).length);
  const builder = new TextBuilder(run.budget);
  let from = 0;
  for (const place of chosen) {
    builder.add(sliceText(text, from, place));
    builder.add(replacement);
    from = place + plain(old).length;
  }
  builder.add(sliceText(text, from));
  return builder.finish();
}

interface SplitOptions {
  readonly separator: Value | undefined;
  readonly most: Value | undefined;
  /** Whether the last places count where there are too many. */
  readonly isLast: boolean;
}

function split(run: Run, text: PyString, { separator, most, isLast }: SplitOptions): List {
  run.budget.text(plain(text).length);
  const count = limit(most);
  if (separator === undefined || separator === null) return splitBlanks(run, text, { count, isLast });
  const sep = needed(separator);
  const places = occurrences(plain(text), plain(sep));
  const chosen = count < 0 ? places : isLast ? lastPlaces(text, plain(sep), count) : places.slice(0, count);
  run.budget.items(chosen.length * 2 + 1);
  const parts: PyString[] = [];
  let from = 0;
  for (const place of chosen) {
    parts.push(sliceText(text, from, place));
    from = place + plain(sep).length;
  }
  return new List([...parts, sliceText(text, from)]);
}

/** Places from the end, none within another. */
function lastPlaces(text: PyString, sep: string, count: number): number[] {
  const places: number[] = [];
  for (let end = plain(text).length; places.length < count;) {
    const at = end - sep.length < 0 ? -1 : plain(text).lastIndexOf(sep, end - sep.length);
    if (at === -1) break;
    places.unshift(at);
    end = at;
  }
  return places;
}

function splitBlanks(run: Run, text: PyString, { count, isLast }: { count: number; isLast: boolean }): List {
  const characters = plain(text);
  const start = leadingBlanks.exec(characters)?.[0].length ?? 0;
  const gaps = [...characters.slice(start).matchAll(blankRun)].map((match) => ({
    from: start + match.index,
    to: start + match.index + match[0].length,
  }));
  const last = gaps.at(-1);
  const end = last !== undefined && last.to === characters.length ? last.from : characters.length;
  if (end < characters.length) gaps.pop();
  if (start >= end) return new List([]);
  const chosen = count < 0 ? gaps : isLast ? gaps.slice(Math.max(0, gaps.length - count)) : gaps.slice(0, count);
  // Where all splits are used up, the blanks at the far end stay.
  const isUsedUp = count >= 0 && chosen.length === count;
  run.budget.items(chosen.length * 2 + 1);
  const parts: PyString[] = [];
  let from = isLast && isUsedUp ? 0 : start;
  for (const gap of chosen) {
    parts.push(sliceText(text, from, gap.from));
    from = gap.to;
  }
  return new List([...parts, sliceText(text, from, !isLast && isUsedUp ? characters.length : end)]);
}

function parted(text: PyString, at: number, separator: PyString): PyString[] {
  return [sliceText(text, 0, at), unmarked(separator), sliceText(text, at + plain(separator).length)];
}

function search(run: Run, text: PyString, separator: PyString, isLast = false): number {
  run.budget.text(plain(text).length);
  return isLast ? plain(text).lastIndexOf(plain(separator)) : plain(text).indexOf(plain(separator));
}

function needed(separator: Value | undefined): PyString {
  if (separator === undefined || !isText(separator)) throw typeError(`must be str, not ${typeName(separator ?? null)}`);
  if (plain(separator) === "") throw valueError("empty separator");
  return separator;
}

function limit(count: Value | undefined): number {
  if (count === undefined) return -1;
  if (!isInteger(count)) throw typeError(`'${typeName(count)}' object cannot be interpreted as an integer`);
  return Number(count);
}
