import { describe, expect, it } from "vitest";
import { PhaseClock } from "../../../../../src/backends/diffusion/pipeline/phase-clock.ts";

function createClock(): { readonly phases: PhaseClock; readonly pass: (ms: number) => Promise<void> } {
  let time = 100;
  return {
    phases: new PhaseClock(() => time),
    pass: async (ms) => {
      time += ms;
    },
  };
}

describe("PhaseClock", () => {
  it("adds up the times of each phase", async () => {
    const { phases, pass } = createClock();
    await phases.during("queueMs", () => pass(5));
    await pass(50);
    await phases.during("decodeMs", () => pass(2));
    await phases.during("queueMs", () => pass(3));
    expect(phases.timings).toEqual({ queueMs: 8, conditionMs: 0, denoiseMs: 0, decodeMs: 2, encodeMs: 0 });
  });

  it("counts a phase inside another for the inner one only, also where it fails", async () => {
    const { phases, pass } = createClock();
    await phases.during("denoiseMs", async () => {
      await pass(10);
      const inner = phases.during("decodeMs", async () => {
        await pass(4);
        throw new Error("broken");
      });
      await expect(inner).rejects.toThrow("broken");
      await pass(1);
    });
    expect(phases.timings).toMatchObject({ denoiseMs: 11, decodeMs: 4 });
  });

  it("counts work beside the phases without taking time from them", async () => {
    const { phases, pass } = createClock();
    let finish = (): void => {};
    const file = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const encoded = phases.beside("encodeMs", file);
    await phases.during("denoiseMs", () => pass(6));
    finish();
    await encoded;
    expect(phases.timings).toMatchObject({ denoiseMs: 6, encodeMs: 6 });
  });
});
