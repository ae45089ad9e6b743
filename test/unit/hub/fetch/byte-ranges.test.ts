import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addRange,
  countBytes,
  missingPieces,
  prefixEnd,
  type ByteRange,
} from "../../../../src/hub/fetch/byte-ranges.ts";

const size = 60;
const range = fc
  .tuple(fc.nat(size), fc.nat(size))
  .map(([one, other]) => ({ start: Math.min(one, other), end: Math.max(one, other) }));

describe("byte ranges", () => {
  it("hold exactly the bytes that were added, without touching each other, and miss the rest in pieces", () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), fc.integer({ min: 1, max: 20 }), (added, pieceBytes) => {
        const expected = new Set(added.flatMap(positions));
        const ranges = added.reduce<readonly ByteRange[]>(addRange, []);
        expect(new Set(ranges.flatMap(positions))).toEqual(expected);
        expect(countBytes(ranges)).toBe(expected.size);
        for (const [index, { start }] of ranges.entries()) expect(start).toBeGreaterThan(ranges[index - 1]?.end ?? -1);
        const missing = missingPieces(ranges, { size, pieceBytes });
        const all = Array.from({ length: size }, (_, position) => position);
        expect(missing.flatMap(positions)).toEqual(all.filter((position) => !expected.has(position)));
        for (const { start, end } of missing) expect(end - start).toBeLessThanOrEqual(pieceBytes);
        const gap = all.find((position) => !expected.has(position));
        expect(prefixEnd(ranges)).toBe(gap ?? ranges[0]?.end ?? 0);
      }),
    );
  });
});

function positions({ start, end }: ByteRange): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}
