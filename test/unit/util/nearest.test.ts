import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editDistance, nearestName } from "../../../src/util/nearest.ts";

describe("editDistance", () => {
  it.each([
    ["port", "port", 0],
    ["prot", "port", 1],
    ["por", "port", 1],
    ["host", "port", 2],
    ["", "abc", 3],
    // Optimal string alignment edits no part twice: 3 here, where the unrestricted distance is 2.
    ["ca", "abc", 3],
  ])("of %s and %s is %d", (left, right, expected) => {
    expect(editDistance(left, right)).toBe(expected);
  });

  it("is symmetric, zero only for equal texts, and at most the longer length", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
        const distance = editDistance(left, right);
        expect(distance).toBe(editDistance(right, left));
        expect(distance === 0).toBe(left === right);
        expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length));
      }),
    );
  });
});

describe("nearestName", () => {
  const keys = ["context_size", "batch_size", "threads", "ttl", "warn", "port"];

  it.each([
    ["contextSize", "context_size"],
    ["context-size", "context_size"],
    ["contex_size", "context_size"],
    ["thread", "threads"],
    ["tll", "ttl"],
    ["warning", "warn"],
    ["Port", "port"],
  ])("takes %s for %s", (written, expected) => {
    expect(nearestName(written, keys)).toBe(expected);
  });

  it("returns null when no name is near", () => {
    expect(nearestName("temperature", keys)).toBeNull();
    expect(nearestName("x", keys)).toBeNull();
  });
});
