// Timestep lists: published ones, and ones computed by hand from the definitions in arXiv 2305.08891, table 2.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScheduler } from "../../../../../../src/backends/diffusion/schedulers/create-scheduler.ts";
import { schedulerClassNames } from "../../../../../../src/backends/diffusion/schedulers/scheduler.ts";
import type { SchedulerConfig } from "../../../../../../src/backends/diffusion/schedulers/settings/scheduler-settings.ts";
import { roundHalfToEven } from "../../../../../../src/backends/diffusion/schedulers/schedule/timesteps.ts";

const stableDiffusion = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear", steps_offset: 1 };

function timesteps(config: SchedulerConfig, steps: number): readonly number[] {
  return createScheduler({ ...stableDiffusion, ...config }, { steps }).timesteps;
}

describe("timesteps", () => {
  it("repeats PNDM's second entry as Stable Diffusion 1 ships it", () => {
    const list = timesteps({ _class_name: "PNDMScheduler", skip_prk_steps: true }, 6);
    expect(list).toEqual([831, 665, 665, 499, 333, 167, 1]);
  });

  it("lays out PNDM's Runge-Kutta warm-up as published in test_scheduler_pndm.py", () => {
    const list = timesteps({ _class_name: "PNDMScheduler" }, 10);
    expect(list).toEqual([901, 851, 851, 801, 801, 751, 751, 701, 701, 651, 651, 601, 601, 501, 401, 301, 201, 101, 1]);
  });

  it("adds the offset to DDIM's leading entries as published in test_scheduler_ddim.py", () => {
    expect(timesteps({ _class_name: "DDIMScheduler" }, 5)).toEqual([801, 601, 401, 201, 1]);
  });

  it.each([
    // ratio 250: 1000, 750, 500, 250, each less one
    { spacing: "trailing", steps: 4, list: [999, 749, 499, 249] },
    // ratio 333.33: 1000, 666.67, 333.33 rounded, each less one
    { spacing: "trailing", steps: 3, list: [999, 666, 332] },
    // 0, 249.75, 499.5, 749.25, 999 rounded, halves to even
    { spacing: "linspace", steps: 5, list: [999, 749, 500, 250, 0] },
    // 1000 div 3 = 333, plus the offset
    { spacing: "leading", steps: 3, list: [667, 334, 1] },
  ])("DDIM, $spacing, $steps steps", ({ spacing, steps, list }) => {
    expect(timesteps({ _class_name: "DDIMScheduler", timestep_spacing: spacing }, steps)).toEqual(list);
  });

  it("keeps fractions for Euler's linspace, and none for the single trailing step of turbo models", () => {
    expect(timesteps({ _class_name: "EulerDiscreteScheduler" }, 5)).toEqual([999, 749.25, 499.5, 249.75, 0]);
    expect(timesteps({ _class_name: "EulerDiscreteScheduler", timestep_spacing: "trailing" }, 1)).toEqual([999]);
  });

  it("asks Heun's inner entries twice", () => {
    expect(timesteps({ _class_name: "HeunDiscreteScheduler", timestep_spacing: "trailing" }, 3)).toEqual([
      999, 666, 666, 332, 332,
    ]);
  });

  it("lays out one entry more for the multistep solvers and drops timestep 0", () => {
    // 0, 249.75, 499.5, 749.25, 999
    const list = [999, 749, 500, 250];
    expect(timesteps({ _class_name: "DPMSolverMultistepScheduler" }, 4)).toEqual(list);
    expect(timesteps({ _class_name: "UniPCMultistepScheduler" }, 4)).toEqual(list);
    // 1000 div 5 = 200
    const leading = { _class_name: "DPMSolverMultistepScheduler", timestep_spacing: "leading" };
    expect(timesteps(leading, 4)).toEqual([801, 601, 401, 201]);
  });

  it("chooses LCM's entries among the fifty it was distilled on", () => {
    expect(timesteps({ _class_name: "LCMScheduler" }, 4)).toEqual([999, 759, 499, 259]);
  });

  it.each(schedulerClassNames)("%s: descends, and never repeats more than once", (className) => {
    const spacing = fc.constantFrom("leading", "trailing", "linspace");
    const karras = className === "EulerDiscreteScheduler" ? fc.boolean() : fc.constant(false);
    fc.assert(
      fc.property(spacing, fc.integer({ min: 4, max: 50 }), karras, (timestep_spacing, steps, use_karras_sigmas) => {
        const skip = { skip_prk_steps: true };
        const list = timesteps({ _class_name: className, timestep_spacing, use_karras_sigmas, ...skip }, steps);
        expect(list.every((timestep, i) => i === 0 || timestep <= list[i - 1]!)).toBe(true);
        expect(list.every((timestep, i) => i < 2 || timestep < list[i - 2]!)).toBe(true);
        expect(list.every((timestep) => timestep >= 0 && timestep <= 1000)).toBe(true);
      }),
    );
  });

  it("drops the extra timestep -1 of the reference's trailing layout", () => {
    const list = timesteps({ _class_name: "DDIMScheduler", timestep_spacing: "trailing" }, 61);
    expect(list).toHaveLength(61);
    expect(list.at(-1)).toBe(15);
  });
});

describe("rounding", () => {
  it("takes halves to the even neighbour", () => {
    expect([0.5, 1.5, 2.5, 499.5, 500.5, 1.4999, -0.5].map(roundHalfToEven)).toEqual([0, 2, 2, 500, 500, 1, -0]);
  });
});
