import { describe, expect, it } from "vitest";
import { canGrow, wantedSlots } from "../../../../../../src/backends/llama/engine/slots/growth.ts";

const limits = { maximum: 16, bytesPerToken: 100_000, canCarry: true };
const full = { slots: 4, busy: 4, waiting: 1, busyTokens: 1000 };

describe("the number of slots", () => {
  it("doubles while sequences wait and no slot is idle", () => {
    expect(wantedSlots(full, limits)).toBe(8);
    expect(wantedSlots({ ...full, slots: 8, busy: 8 }, limits)).toBe(16);
  });

  it("stays where nobody waits, a slot is idle, or the maximum is reached", () => {
    expect(wantedSlots({ ...full, waiting: 0 }, limits)).toBe(4);
    expect(wantedSlots({ ...full, busy: 3 }, limits)).toBe(4);
    expect(wantedSlots(full, { ...limits, maximum: 4 })).toBe(4);
    expect(wantedSlots(full, { ...limits, maximum: 6 })).toBe(6);
  });
});

describe("the moment of growth", () => {
  it("is any at which the states that move are small", () => {
    expect(canGrow(full, limits)).toBe(true);
    expect(canGrow({ ...full, busyTokens: 10_000 }, limits)).toBe(false);
  });

  it("is one without busy slots where states cannot move", () => {
    expect(canGrow(full, { ...limits, canCarry: false })).toBe(false);
    expect(canGrow({ ...full, busy: 0, busyTokens: 0 }, { ...limits, canCarry: false })).toBe(true);
  });
});
