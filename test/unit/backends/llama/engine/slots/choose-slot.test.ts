import { describe, expect, it } from "vitest";
import {
  chooseSlot,
  type SlotQuestion,
  type SlotView,
} from "../../../../../../src/backends/llama/engine/slots/choose-slot.ts";
import { commonPrefixLength } from "../../../../../../src/backends/llama/tokens/common-prefix.ts";

const count = (length: number, first = 0): number[] => Array.from({ length }, (_, index) => first + index);

function slot(id: number, tokens: readonly number[], more: Partial<SlotView> = {}): SlotView {
  const held = { promptLength: tokens.length, wideTokens: tokens.length, firstPosition: 0, checkpoints: [] };
  return { id, tokens, busy: false, lastUsed: id, ...held, ...more };
}

function question(prompt: readonly number[], more: Partial<SlotQuestion> = {}): SlotQuestion {
  const always = { canTrim: true, window: Infinity, isUniform: true, mayReuse: true };
  return { prompt, ...always, minimumCopiedTokens: 64, ...more };
}

describe("chooseSlot", () => {
  it("takes the idle slot with the longest common prefix", () => {
    const slots = [slot(0, count(50)), slot(1, count(80)), slot(2, [])];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 80, copyFrom: null, moveTo: null });
  });

  it("takes the least recently used slot when less than a tenth is common", () => {
    const slots = [slot(0, count(9), { lastUsed: 5 }), slot(1, count(50, 1000), { lastUsed: 2 })];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 0, copyFrom: null, moveTo: null });
  });

  it("evaluates the last four tokens of a prompt that is held already", () => {
    expect(chooseSlot([slot(0, count(100))], question(count(100)))).toEqual({
      slot: 0,
      keep: 96,
      copyFrom: null,
      moveTo: null,
    });
  });

  it("has no answer while all slots are busy", () => {
    expect(chooseSlot([slot(0, [], { busy: true })], question(count(4)))).toBeUndefined();
  });

  it("copies a long prefix from a slot that is busy", () => {
    const slots = [slot(0, count(90), { busy: true }), slot(1, count(10))];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 90, copyFrom: 0, moveTo: null });
  });

  it("does not copy what is evaluated as fast", () => {
    const slots = [slot(0, count(90), { busy: true }), slot(1, count(40))];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 40, copyFrom: null, moveTo: null });
  });

  it("leaves somebody's long conversation alone while a slot is empty", () => {
    const conversation = [...count(70), ...count(500, 1000)];
    const slots = [slot(0, conversation), slot(1, [])];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 70, copyFrom: 0, moveTo: null });
  });

  it("reuses nothing when every token's logits are wanted", () => {
    expect(chooseSlot([slot(0, count(90))], question(count(100), { mayReuse: false }))).toEqual({
      slot: 0,
      keep: 0,
      copyFrom: null,
      moveTo: null,
    });
  });

  it("reuses a state that cannot be cut only when the prompt continues it", () => {
    const canTrim = false;
    expect(chooseSlot([slot(0, count(50))], question(count(100), { canTrim }))?.keep).toBe(50);
    expect(chooseSlot([slot(0, [...count(50), 999])], question(count(100), { canTrim }))?.keep).toBe(0);
    expect(chooseSlot([slot(0, count(100))], question(count(100), { canTrim }))?.keep).toBe(0);
  });

  it("stays beside the busy slots, and moves what its place held to the least recently used one", () => {
    const slots = [
      slot(0, count(50, 1000), { busy: true }),
      slot(1, count(500, 2000), { lastUsed: 9 }),
      slot(2, count(500, 3000), { lastUsed: 1 }),
    ];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 0, copyFrom: null, moveTo: 2 });
  });

  it("moves nothing that is evaluated as fast, and nothing while no slot is busy", () => {
    const held = [slot(1, count(9, 2000), { lastUsed: 9 }), slot(2, count(500, 3000), { lastUsed: 1 })];
    const busy = slot(0, count(50, 1000), { busy: true });
    expect(chooseSlot([busy, ...held], question(count(100)))).toMatchObject({ slot: 1, moveTo: null });
    expect(chooseSlot([slot(0, [1], { lastUsed: 5 }), ...held], question(count(100)))).toMatchObject({ slot: 2 });
  });

  it("copies a busy slot's prefix to a slot beside it", () => {
    const slots = [slot(0, []), slot(1, []), slot(2, count(90), { busy: true }), slot(3, [])];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 1, keep: 90, copyFrom: 2, moveTo: null });
  });

  it("leaves a long prefix where it is, however far from the busy slots", () => {
    const slots = [slot(0, [], { busy: true }), slot(1, []), slot(2, count(90))];
    expect(chooseSlot(slots, question(count(100)))).toEqual({ slot: 2, keep: 90, copyFrom: null, moveTo: null });
  });
});

describe("commonPrefixLength", () => {
  it("counts equal tokens from the beginning", () => {
    expect(commonPrefixLength([1, 2, 3], [1, 2, 4])).toBe(2);
    expect(commonPrefixLength([], [1])).toBe(0);
    expect(commonPrefixLength([1, 2], [1, 2, 3])).toBe(2);
  });

  it("cuts a state that slides a window, or cannot be cut at all, to its last checkpoint before what differs", () => {
    const prompt = count(300);
    const answered = [...prompt, ...count(900, 5000)];
    const held = { promptLength: 300, wideTokens: 296, firstPosition: 600, checkpoints: [120, 296] };
    for (const more of [{ window: 100 }, { canTrim: false }]) {
      const keepOf = (asked: readonly number[]) => chooseSlot([slot(0, answered, held)], question(asked, more))?.keep;
      expect(keepOf(prompt)).toBe(296);
      expect(keepOf([...prompt, ...count(200, 9000)])).toBe(296);
      expect(keepOf([...count(200), ...count(200, 9000)])).toBe(120);
      expect(keepOf(count(100))).toBe(0);
    }
  });
});
