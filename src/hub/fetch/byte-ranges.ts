// Sets of byte positions as sorted ranges that neither overlap nor touch.

/** `start` is in it, `end` is not. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The ranges with one more. */
export function addRange(ranges: readonly ByteRange[], { start, end }: ByteRange): readonly ByteRange[] {
  if (end <= start) return ranges;
  const before = ranges.filter((range) => range.end < start);
  const after = ranges.filter((range) => range.start > end);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  const joined = {
    start: Math.min(start, touching[0]?.start ?? start),
    end: Math.max(end, touching.at(-1)?.end ?? end),
  };
  return [...before, joined, ...after];
}

/** What is missing of the first `size` bytes, in pieces of at most `pieceBytes`. */
export function missingPieces(
  ranges: readonly ByteRange[],
  { size, pieceBytes }: { readonly size: number; readonly pieceBytes: number },
): ByteRange[] {
  const pieces: ByteRange[] = [];
  let position = 0;
  for (const { start, end } of [...ranges, { start: size, end: size }]) {
    while (position < start) {
      const next = Math.min(position + pieceBytes, start);
      pieces.push({ start: position, end: next });
      position = next;
    }
    position = Math.max(position, end);
  }
  return pieces;
}

export function countBytes(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Where the range that begins at 0 ends; 0 = the first byte is missing. */
export function prefixEnd(ranges: readonly ByteRange[]): number {
  const [first] = ranges;
  return first?.start === 0 ? first.end : 0;
}
