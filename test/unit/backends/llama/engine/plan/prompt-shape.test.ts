import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  nextPromptPart,
  reusableOf,
  tailTokens,
  wideRows,
} from "../../../../../../src/backends/llama/engine/plan/prompt-shape.ts";

/** Which tokens of a prompt are computed in wide parts when its first `keep` tokens are held, and the last part. */
function evaluate(length: number, { keep, batchSize }: { keep: number; batchSize: number }) {
  const isWide: boolean[] = [];
  let position = keep;
  let last = 0;
  while (position < length) {
    last = nextPromptPart(length - position, batchSize);
    for (let index = 0; index < last; index += 1) isWide[position + index] = last >= wideRows;
    position += last;
  }
  return { isWide, last };
}

describe("the parts of a prompt", () => {
  it("has a tail that is never alone and never in a wide part", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 3000 }), fc.integer({ min: 128, max: 600 }), (length, batchSize) => {
        const { isWide, last } = evaluate(length, { keep: 0, batchSize });
        expect(last).toBeGreaterThanOrEqual(Math.min(tailTokens, length));
        expect(isWide.slice(-Math.min(tailTokens, length))).not.toContain(true);
      }),
    );
  });

  it("computes every token of a prompt by the same kernels, whatever another prompt has left of its beginning", () => {
    const lengths = fc.integer({ min: 1, max: 1500 });
    fc.assert(
      fc.property(lengths, lengths, lengths, fc.integer({ min: 128, max: 600 }), (held, length, shared, batchSize) => {
        const earlier = evaluate(held, { keep: 0, batchSize });
        const common = Math.min(shared, held - 1, length);
        const wideTokens = earlier.isWide.lastIndexOf(true) + 1;
        const state = { tokens: Array.from<number>({ length: held }), promptLength: held, wideTokens };
        const keep = reusableOf(state, { promptLength: length, common, isUniform: false });
        const fresh = evaluate(length, { keep: 0, batchSize });
        const again = evaluate(length, { keep, batchSize });
        const cells = [...earlier.isWide.slice(0, keep), ...again.isWide.slice(keep)];
        expect(cells).toEqual(fresh.isWide);
      }),
    );
  });

  it("reuses all that is held where the prompt goes on after the held one", () => {
    const held = { tokens: Array.from<number>({ length: 300 }), promptLength: 200, wideTokens: 196 };
    expect(reusableOf(held, { promptLength: 400, common: 300, isUniform: false })).toBe(300);
  });

  it("reuses any prefix where all cells are computed alike", () => {
    const held = { tokens: Array.from<number>({ length: 300 }), promptLength: 300, wideTokens: 0 };
    expect(reusableOf(held, { promptLength: 400, common: 111, isUniform: true })).toBe(111);
  });
});
