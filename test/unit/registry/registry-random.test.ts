// Registry and scheduler under random sequences of everything that callers, loaders and time may do.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { World, models, type Step } from "./registry-world.ts";

const pick = fc.nat(9);
const model = fc.constantFrom(...models.map(({ id }) => id));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 36, arbitrary: fc.record({ type: fc.constant("acquire" as const), model }) },
  { weight: 30, arbitrary: fc.record({ type: fc.constant("load succeeds" as const), pick, bytes: fc.nat(80) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("load fails" as const), pick }) },
  { weight: 24, arbitrary: fc.record({ type: fc.constant("release" as const), pick, ttlMs: fc.option(fc.nat(30)) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("release again" as const), pick }) },
  { weight: 12, arbitrary: fc.record({ type: fc.constant("caller leaves" as const), pick }) },
  { weight: 24, arbitrary: fc.record({ type: fc.constant("disposal ends" as const), pick }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("crash" as const), pick }) },
  { weight: 18, arbitrary: fc.record({ type: fc.constant("time passes" as const), byMs: fc.nat(25) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("unload" as const), model }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("close" as const) }) },
);

describe("a registry under random events", () => {
  it("loads no model twice, unloads none in use, keeps to the budget, tells the truth and answers every caller", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const world = new World();
        for (const action of steps) await world.take(action);
        await world.finish();
        expect(world.violations).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});
