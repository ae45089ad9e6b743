import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseEvictions, type LoadedModel } from "../../../src/registry/eviction.ts";

const idle = (id: string, bytes: number, lastUsedMs: number): LoadedModel => ({
  id,
  bytes,
  lastUsedMs,
  busy: false,
  pinned: false,
});
const target = { id: "new", bytes: 40 };

describe("chooseEvictions", () => {
  it("evicts nobody when there is room", () => {
    expect(chooseEvictions({ target, loaded: [idle("a", 60, 1)], budgetBytes: 100 })).toEqual({
      type: "fits",
      evict: [],
    });
  });

  it("evicts the least recently used idle model first", () => {
    const loaded = [idle("young", 50, 9), idle("old", 50, 1)];
    expect(chooseEvictions({ target, loaded, budgetBytes: 100 })).toEqual({ type: "fits", evict: ["old"] });
  });

  it("keeps an old model that need not leave once a larger one does", () => {
    const loaded = [idle("small and old", 5, 1), idle("large", 90, 2)];
    expect(chooseEvictions({ target, loaded, budgetBytes: 100 })).toEqual({ type: "fits", evict: ["large"] });
  });

  it("waits when only busy models could make room", () => {
    const loaded = [{ ...idle("busy", 90, 1), busy: true }];
    expect(chooseEvictions({ target, loaded, budgetBytes: 100 })).toEqual({ type: "wait" });
  });

  it("says never when the model cannot fit beside the pinned ones", () => {
    const loaded = [{ ...idle("pinned", 70, 1), pinned: true }];
    expect(chooseEvictions({ target, loaded, budgetBytes: 100 })).toEqual({ type: "never" });
  });

  it("never evicts busy or pinned models and always makes room when it says so", () => {
    const models = fc.uniqueArray(
      fc.record({
        id: fc.string({ minLength: 1, maxLength: 3 }),
        bytes: fc.nat(50),
        busy: fc.boolean(),
        pinned: fc.boolean(),
        lastUsedMs: fc.nat(20),
      }),
      { selector: (model) => model.id, maxLength: 8 },
    );
    fc.assert(
      fc.property(models, fc.nat(120), (loaded, budgetBytes) => {
        const decision = chooseEvictions({ target: { id: "the target", bytes: 40 }, loaded, budgetBytes });
        if (decision.type !== "fits") return;
        const evicted = loaded.filter((model) => decision.evict.includes(model.id));
        expect(evicted.every((model) => !model.busy && !model.pinned)).toBe(true);
        const kept = loaded.filter((model) => !decision.evict.includes(model.id));
        const used = kept.reduce((sum, model) => sum + model.bytes, 0) + 40;
        expect(used).toBeLessThanOrEqual(budgetBytes);
        // None leaves without need: with any one of them back, the target would not fit.
        for (const model of evicted) {
          if (model.bytes > 0) expect(used + model.bytes).toBeGreaterThan(budgetBytes);
        }
      }),
    );
  });
});
