// Sets of Unicode code points as sorted, disjoint, inclusive ranges: the alphabet of patterns and of GBNF character classes.

/** Inclusive at both ends. */
export type CodePointRange = readonly [low: number, high: number];
/** Sorted, disjoint and not adjacent. */
export type CodePointSet = readonly CodePointRange[];

/** All code points that UTF-8 can encode: surrogates are left out. */
export const ALL_CODE_POINTS: CodePointSet = [
  [0, 0xd7ff],
  [0xe000, 0x10ffff],
];

/** Sorts and joins any ranges; what lies outside {@link ALL_CODE_POINTS} is dropped. */
export function codePointSet(ranges: readonly CodePointRange[]): CodePointSet {
  const sorted = ranges.filter(([low, high]) => low <= high).sort((left, right) => left[0] - right[0]);
  const joined: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else joined.push([low, high]);
  }
  return intersectSets(joined, ALL_CODE_POINTS);
}

export function unionSets(...sets: readonly CodePointSet[]): CodePointSet {
  return codePointSet(sets.flat());
}

export function complementSet(set: CodePointSet): CodePointSet {
  const gaps: CodePointRange[] = [];
  let next = 0;
  for (const [low, high] of set) {
    if (next < low) gaps.push([next, low - 1]);
    next = high + 1;
  }
  gaps.push([next, 0x10ffff]);
  return intersectSets(
    gaps.filter(([low, high]) => low <= high),
    ALL_CODE_POINTS,
  );
}

export function intersectSets(left: CodePointSet, right: CodePointSet): CodePointSet {
  const common: CodePointRange[] = [];
  let i = 0;
  let j = 0;
  for (;;) {
    const a = left[i];
    const b = right[j];
    if (a === undefined || b === undefined) return common;
    const low = Math.max(a[0], b[0]);
    const high = Math.min(a[1], b[1]);
    if (low <= high) common.push([low, high]);
    if (a[1] < b[1]) i += 1;
    else j += 1;
  }
}

export function setHas(set: CodePointSet, codePoint: number): boolean {
  return set.some(([low, high]) => low <= codePoint && codePoint <= high);
}

/** The set as a GBNF class. Always a positive class: llama.cpp refuses a half-decoded character too readily inside `[^...]`. */
export function toGbnfClass(set: CodePointSet): string {
  const ranges = set.map(([low, high]) => (low === high ? classChar(low) : `${classChar(low)}-${classChar(high)}`));
  return `[${ranges.join("")}]`;
}

function classChar(codePoint: number): string {
  const char = String.fromCodePoint(codePoint);
  if (/^[A-Za-z0-9]$/.test(char)) return char;
  if (codePoint <= 0xff) return `\\x${hex(codePoint, 2)}`;
  return codePoint <= 0xffff ? `\\u${hex(codePoint, 4)}` : `\\U${hex(codePoint, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
