// The named character classes of ECMAScript regular expressions, as code-point sets.
import { codePointSet, type CodePointRange, type CodePointSet } from "./code-point-set.ts";

export const DIGITS: CodePointSet = codePointSet([[0x30, 0x39]]);
export const WORD_CHARS: CodePointSet = codePointSet([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
/** ECMA-262 LineTerminator: what `.` does not match without the s flag. */
export const LINE_TERMINATORS: CodePointSet = codePointSet([
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]);
/** ECMA-262 WhiteSpace and LineTerminator: `\s`. */
export const SPACES: CodePointSet = codePointSet([
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);

// Bounded by the list of names V8 knows; one entry holds a few hundred ranges.
const properties = new Map<string, CodePointSet>();

/** The set of a Unicode property (`L`, `Lu`, `Script=Greek`, ...), asked of V8's own tables; `undefined` for an unknown name. */
export function classEscape(name: string): CodePointSet | undefined {
  const known = properties.get(name);
  if (known !== undefined) return known;
  if (!/^[A-Za-z0-9_=]+$/.test(name)) return undefined;
  let matcher: RegExp;
  try {
    matcher = new RegExp(`^\\p{${name}}$`, "u");
  } catch {
    return undefined;
  }
  const ranges: CodePointRange[] = [];
  let start: number | undefined;
  for (let codePoint = 0; codePoint <= 0x110000; codePoint += 1) {
    const isIn = codePoint <= 0x10ffff && matcher.test(String.fromCodePoint(codePoint));
    if (isIn && start === undefined) start = codePoint;
    if (!isIn && start !== undefined) {
      ranges.push([start, codePoint - 1]);
      start = undefined;
    }
  }
  const set = codePointSet(ranges);
  properties.set(name, set);
  return set;
}
