import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrangeBatch, closestIdle, countRuns } from "../../../../../../src/backends/llama/engine/plan/batch-order.ts";

const one = (slot: number): { slot: number; count: number } => ({ slot, count: 1 });
const anywhere = { room: 100, isFillable: () => true };
const slotsOf = (entries: readonly { slot: number }[]): number[] => entries.map(({ slot }) => slot);

describe("arrangeBatch", () => {
  it("orders a batch by sequence, prompts among the others", () => {
    const plan = { decoding: [one(0), one(2)], prompting: [{ slot: 1, count: 64 }] };
    expect(arrangeBatch(plan, anywhere)).toEqual([
      { slot: 0, count: 1, isFiller: false },
      { slot: 1, count: 64, isFiller: false },
      { slot: 2, count: 1, isFiller: false },
    ]);
  });

  it("bridges a single idle sequence with a filler", () => {
    const plan = { decoding: [one(0), one(1), one(3)], prompting: [] };
    expect(arrangeBatch(plan, anywhere)[2]).toEqual({ slot: 2, count: 1, isFiller: true });
  });

  it("bridges neither a wider gap nor two lone sequences", () => {
    expect(slotsOf(arrangeBatch({ decoding: [one(0), one(1), one(4)], prompting: [] }, anywhere))).toEqual([0, 1, 4]);
    expect(slotsOf(arrangeBatch({ decoding: [one(0), one(2)], prompting: [] }, anywhere))).toEqual([0, 2]);
  });

  it("adds no filler without room, nor to a sequence that cannot take one", () => {
    const plan = { decoding: [one(0), one(1), one(3)], prompting: [] };
    expect(slotsOf(arrangeBatch(plan, { room: 0, isFillable: () => true }))).toEqual([0, 1, 3]);
    expect(slotsOf(arrangeBatch(plan, { room: 9, isFillable: () => false }))).toEqual([0, 1, 3]);
  });

  it("computes a lone generated token apart from the prompts", () => {
    const plan = { decoding: [one(0)], prompting: [one(2), one(1)] };
    expect(slotsOf(arrangeBatch(plan, anywhere))).toEqual([1, 2, 0]);
  });

  it("gives every sequence a pass of its own where asked to: no number follows the one before it", () => {
    const plan = { decoding: [one(0), one(3)], prompting: [{ slot: 1, count: 7 }, one(2)] };
    expect(slotsOf(arrangeBatch(plan, { ...anywhere, apart: true }))).toEqual([3, 2, 1, 0]);
  });

  it("keeps every share, and never needs more passes than without fillers", () => {
    const sets = fc.tuple(fc.uniqueArray(fc.nat(15)), fc.nat(4), fc.nat(4));
    fc.assert(
      fc.property(sets, ([slots, prompts, room]) => {
        const plan = { prompting: slots.slice(0, prompts).map(one), decoding: slots.slice(prompts).map(one) };
        const entries = arrangeBatch(plan, { room, isFillable: (slot) => slot % 3 > 0 });
        const shares = entries.filter(({ isFiller }) => !isFiller);
        expect(slotsOf(shares).toSorted((a, b) => a - b)).toEqual(slots.toSorted((a, b) => a - b));
        const fillers = slotsOf(entries.filter(({ isFiller }) => isFiller));
        expect(fillers.length).toBeLessThanOrEqual(room);
        expect(fillers.every((slot) => slot % 3 > 0 && !slots.includes(slot))).toBe(true);
        if (fillers.length > 0) {
          const passes = countRuns(slots.toSorted((a, b) => a - b));
          expect(countRuns(slotsOf(entries))).toBe(passes - fillers.length);
        }
      }),
    );
  });
});

describe("closestIdle", () => {
  const sequences = (pattern: string): { id: number; busy: boolean; lastUsed: number }[] =>
    [...pattern].map((letter, id) => ({ id, busy: letter === "x", lastUsed: 10 - id }));

  it("closes a gap between busy sequences", () => {
    expect(closestIdle(sequences("xx.x...."), 7)).toBe(2);
  });

  it("takes the least recently used neighbour where there is no gap", () => {
    expect(closestIdle(sequences(".xx....."), 7)).toBe(3);
  });

  it("takes what is preferred where that costs no further pass", () => {
    expect(closestIdle(sequences("........"), 5)).toBe(5);
    expect(closestIdle(sequences(".xx....."), 0)).toBe(0);
  });

  it("has no answer when all are busy", () => {
    expect(closestIdle(sequences("xx"), 0)).toBeUndefined();
  });
});
