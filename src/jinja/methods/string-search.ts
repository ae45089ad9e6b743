// Methods of str that look for something in it.
import { typeError, valueError } from "../errors.ts";
import { codePointIndex, codePointLength, hasSurrogates, offsetsOf } from "../values/text/code-points.ts";
import { defineAll } from "../values/signature.ts";
import { isText, plain, type PyString } from "../values/text/text.ts";
import { typeName } from "../values/types.ts";
import { isInteger, Tuple, type Run, type Value } from "../values/value.ts";

export const searchMethods = defineAll({
  count: [
    "/ self sub start? end?",
    (run, [self, sub, start, end]) => {
      const { text } = window(run, self, [start, end]);
      return occurrences(text, needle(sub)).length;
    },
  ],
  find: ["/ self sub start? end?", (run, [self, ...rest]) => search(run, self, rest)],
  rfind: ["/ self sub start? end?", (run, [self, ...rest]) => search(run, self, rest, true)],
  index: ["/ self sub start? end?", (run, [self, ...rest]) => found(search(run, self, rest))],
  rindex: ["/ self sub start? end?", (run, [self, ...rest]) => found(search(run, self, rest, true))],
  startswith: [
    "/ self prefix start? end?",
    (run, [self, prefix, start, end]) => {
      const { text, isBeyond } = window(run, self, [start, end]);
      return affixes("startswith", prefix).some((affix) => !isBeyond && text.startsWith(affix));
    },
  ],
  endswith: [
    "/ self suffix start? end?",
    (run, [self, suffix, start, end]) => {
      const { text, isBeyond } = window(run, self, [start, end]);
      return affixes("endswith", suffix).some((affix) => !isBeyond && text.endsWith(affix));
    },
  ],
});

/** Offsets at which `sub` stands, none within another; an empty string stands at every character and at the end. */
export function occurrences(text: string, sub: string): readonly number[] {
  if (sub === "") return offsetsOf(text);
  const offsets: number[] = [];
  for (let at = text.indexOf(sub); at !== -1; at = text.indexOf(sub, at + sub.length)) offsets.push(at);
  return offsets;
}

function search(
  run: Run,
  self: Value | undefined,
  [sub, start, end]: readonly (Value | undefined)[],
  isLast = false,
): number {
  const { text, skipped, isBeyond } = window(run, self, [start, end]);
  if (isBeyond) return -1;
  const wanted = needle(sub);
  const offset = isLast ? text.lastIndexOf(wanted) : text.indexOf(wanted);
  return offset === -1 ? -1 : skipped + codePointIndex(text, offset);
}

function found(index: number): number {
  if (index === -1) throw valueError("substring not found");
  return index;
}

function needle(sub: Value | undefined): string {
  if (sub === undefined || !isText(sub)) throw typeError(`must be str, not ${typeName(sub ?? null)}`);
  return plain(sub);
}

function affixes(name: string, affix: Value | undefined): string[] {
  const items = affix instanceof Tuple ? affix.items : [affix ?? null];
  return items.map((item) => {
    if (isText(item)) return plain(item);
    const place =
      affix instanceof Tuple
        ? `tuple for ${name} must only contain str`
        : `${name} first arg must be str or a tuple of str`;
    throw typeError(`${place}, not ${typeName(item)}`);
  });
}

/** The part of a string that the bounds leave, and how many characters were skipped before it. */
function window(
  run: Run,
  self: Value | undefined,
  [start, end]: readonly [Value | undefined, Value | undefined],
): { text: string; skipped: number; isBeyond: boolean } {
  const text = plain(self as PyString);
  run.budget.steps(1 + text.length / 32);
  if (start === undefined && end === undefined) return { text, skipped: 0, isBeyond: false };
  const length = codePointLength(text);
  const from = bound(start, 0, length);
  const to = Math.min(bound(end, length, length), length);
  if (from > to) return { text: "", skipped: 0, isBeyond: true };
  if (!hasSurrogates(text)) return { text: text.slice(from, to), skipped: from, isBeyond: false };
  const offsets = offsetsOf(text);
  return { text: text.slice(offsets[from], offsets[to]), skipped: from, isBeyond: false };
}

function bound(value: Value | undefined, usual: number, length: number): number {
  if (value === undefined || value === null) return usual;
  if (!isInteger(value)) throw typeError("slice indices must be integers or None or have an __index__ method");
  const index = Number(value);
  return index < 0 ? Math.max(0, index + length) : index;
}
