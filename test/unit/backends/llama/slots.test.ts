import { describe, expect, it } from "vitest";
import {
  chooseSlot,
  commonPrefixLength,
  type SlotQuestion,
  type SlotView,
} from "../../../../src/backends/llama/slots.ts";

const count = (length: number, first = 0): number[] => Array.from({ length }, (_, index) => first + index);

function slot(id: number, tokens: readonly number[], more: Partial<SlotView> = {}): SlotView {
  return { id, tokens, busy: false, lastUsed: id, ...more };
}

function question(prompt: readonly number[], more: Partial<SlotQuestion> = {}): SlotQuestion {
  return { prompt, canTrim: true, mayReuse: true, minimumCopiedTokens: 64, ...more };
}

describe("chooseSlot", () => {
  it("takes the idle slot with the longest common prefix", () => {
    const slots = [slot(0, count(50)), slot(1, count(80)), slot(2, [])];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 80, copyFrom: null });
  });

  it("takes the least recently used slot when less than a tenth is common", () => {
    const slots = [slot(0, count(9), { lastUsed: 5 }), slot(1, count(50, 1000), { lastUsed: 2 })];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 0, copyFrom: null });
  });

  it("evaluates the last token of a prompt that is held already", () => {
    expect(chooseSlot([slot(0, count(100))], question(count(100)))).toEqual({ slot: 0, keep: 99, copyFrom: null });
  });

  it("has no answer while all slots are busy", () => {
    expect(chooseSlot([slot(0, [], { busy: true })], question(count(4)))).toBeUndefined();
  });

  it("copies a long prefix from a slot that is busy", () => {
    const slots = [slot(0, count(90), { busy: true }), slot(1, count(10))];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 90, copyFrom: 0 });
  });

  it("does not copy what is evaluated as fast", () => {
    const slots = [slot(0, count(90), { busy: true }), slot(1, count(40))];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 40, copyFrom: null });
  });

  it("leaves somebody's long conversation alone while a slot is empty", () => {
    const conversation = [...count(70), ...count(500, 1000)];
    const slots = [slot(0, conversation), slot(1, [])];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 70, copyFrom: 0 });
  });

  it("reuses nothing when every token's logits are wanted", () => {
    expect(chooseSlot([slot(0, count(90))], question(count(100), { mayReuse: false }))).toEqual({
      slot: 0,
      keep: 0,
      copyFrom: null,
    });
  });

  it("reuses a state that cannot be cut only when the prompt continues it", () => {
    const canTrim = false;
    expect(chooseSlot([slot(0, count(50))], question(count(100), { canTrim }))?.keep).toBe(50);
    expect(chooseSlot([slot(0, [...count(50), 999])], question(count(100), { canTrim }))?.keep).toBe(0);
    expect(chooseSlot([slot(0, count(100))], question(count(100), { canTrim }))?.keep).toBe(0);
  });
});

describe("commonPrefixLength", () => {
  it("counts equal tokens from the beginning", () => {
    expect(commonPrefixLength([1, 2, 3], [1, 2, 4])).toBe(2);
    expect(commonPrefixLength([], [1])).toBe(0);
    expect(commonPrefixLength([1, 2], [1, 2, 3])).toBe(2);
  });
});
