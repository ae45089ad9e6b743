// What every scheduler promises to a pipeline, whatever its formula.
import { describe, expect, it } from "vitest";
import { createScheduler } from "../../../../../src/backends/diffusion/schedulers/create-scheduler.ts";
import {
  samplerNames,
  withSampler,
} from "../../../../../src/backends/diffusion/schedulers/settings/sampler-override.ts";
import type { Scheduler } from "../../../../../src/backends/diffusion/schedulers/scheduler.ts";
import { TorchGenerator } from "../../../../../src/backends/diffusion/noise/torch-random.ts";
import { rampNoise, rampSample, runScheduler, times } from "./run-support.ts";

const folder = {
  _class_name: "PNDMScheduler",
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  skip_prk_steps: true,
  steps_offset: 1,
  clip_sample: false,
};

/** A model that knows the clean picture: the true noise at every timestep, which any scheduler must turn into that picture. */
function oracle(scheduler: Scheduler, clean: Float32Array, sample: Float32Array, index: number): Float32Array {
  const still = new Float32Array(clean.length);
  const one = clean.map(() => 1);
  const signal = scheduler.addNoise({ original: one, noise: still, index })[0]!;
  const noise = scheduler.addNoise({ original: still, noise: one, index })[0]!;
  return sample.map((value, i) => (value - signal * clean[i]!) / noise);
}

describe.each(samplerNames)("%s", (name) => {
  const config = withSampler(folder, name);

  it("finds the picture that a perfect model sees, and shows it in every preview", () => {
    const scheduler = createScheduler(config, { steps: 20 });
    const clean = times(rampSample(), 2);
    const random = new TorchGenerator(1);
    let sample = times(random.randn(clean.length), scheduler.initNoiseSigma);
    for (let index = 0; index < scheduler.timesteps.length; index++) {
      const modelOutput = oracle(scheduler, clean, sample, index);
      sample = scheduler.step({ modelOutput, sample, index, random });
      const preview = scheduler.predictedOriginal!;
      expect(Math.max(...preview.map((value, i) => Math.abs(value - clean[i]!)))).toBeLessThan(0.02);
    }
    // Schedulers that end at timestep 1 instead of 0 leave a trace of the noise.
    expect(Math.max(...sample.map((value, i) => Math.abs(value - clean[i]!)))).toBeLessThan(0.2);
  });

  it("gives the same result in place, and keeps its inputs otherwise", () => {
    const separate = createScheduler(config, { steps: 7 });
    const inPlace = createScheduler(config, { steps: 7 });
    const first = new TorchGenerator(3);
    const second = new TorchGenerator(3);
    let sample = rampSample();
    const shared = rampSample();
    for (let index = 0; index < separate.timesteps.length; index++) {
      const modelOutput = sample.map(Math.sin);
      const before = [...sample, ...modelOutput];
      const next = separate.step({ modelOutput, sample, index, random: first });
      expect([...sample, ...modelOutput]).toEqual(before);
      inPlace.step({ modelOutput: modelOutput.slice(), sample: shared, index, random: second, out: shared });
      expect(shared).toEqual(next);
      // A caller may reuse the model's output buffer for the next call.
      modelOutput.fill(Number.NaN);
      sample = next;
    }
    expect(sample.every(Number.isFinite)).toBe(true);
  });

  it("starts later by strength, as image to image asks, and ends at the same entry", () => {
    const full = createScheduler(config, { steps: 10 });
    const part = createScheduler(config, { steps: 10, strength: 0.45 });
    const perStep = name === "heun" ? 2 : 1;
    // trunc(10 * 0.45) = 4 of 10 steps.
    expect(part.startIndex).toBe(6 * perStep);
    expect(full.startIndex).toBe(0);
    const start = part.addNoise({ original: rampSample(), noise: rampNoise(), index: part.startIndex });
    const samples = runScheduler(part, start, { model: (input) => input.map(Math.sin), random: new TorchGenerator(0) });
    expect(samples).toHaveLength(part.timesteps.length - part.startIndex);
    expect(samples.at(-1)!.every(Number.isFinite)).toBe(true);
  });

  it("refuses steps out of order, arrays of different length and missing noise", () => {
    const scheduler = createScheduler(config, { steps: 5 });
    const sample = rampSample();
    const random = new TorchGenerator(0);
    expect(() => scheduler.step({ modelOutput: sample, sample, index: 1, random })).toThrow(/out of order/);
    const short = sample.subarray(1);
    expect(() => scheduler.step({ modelOutput: short, sample, index: 0, random })).toThrow(/length/);
    expect(() => scheduler.inputScale(99)).toThrow(RangeError);
    expect(scheduler.needsNoise).toBe(name === "euler_a" || name === "lcm");
    if (scheduler.needsNoise) {
      expect(() => scheduler.step({ modelOutput: sample, sample, index: 0 })).toThrow(/random/);
    }
    scheduler.step({ modelOutput: sample, sample, index: 0, random });
    expect(() => scheduler.step({ modelOutput: sample, sample, index: 0, random })).toThrow(/out of order/);
  });

  it("runs a single step", () => {
    const scheduler = createScheduler(config, { steps: 1 });
    const sample = times(rampSample(), scheduler.initNoiseSigma);
    const random = new TorchGenerator(0);
    const result = scheduler.step({ modelOutput: rampNoise(), sample, index: 0, random });
    expect(result.every(Number.isFinite)).toBe(true);
    expect(scheduler.timesteps).toHaveLength(1);
  });
});

describe("LCM's strength", () => {
  const config = { _class_name: "LCMScheduler" };

  it("skips steps as any other scheduler's does, or shortens the schedule where the pipeline is LCM's own", () => {
    const full = createScheduler(config, { steps: 4 });
    const skipping = createScheduler(config, { steps: 4, strength: 0.5 });
    expect([skipping.startIndex, skipping.timesteps]).toEqual([2, full.timesteps]);
    const shortened = createScheduler(config, { steps: 4, strength: 0.5, shortensSchedule: true });
    expect([shortened.startIndex, shortened.timesteps]).toEqual([0, [499, 379, 259, 139]]);
  });

  it("has no other scheduler shorten its schedule", () => {
    const options = { steps: 4, strength: 0.5, shortensSchedule: true };
    expect(createScheduler({ _class_name: "DDIMScheduler" }, options).startIndex).toBe(2);
  });
});

describe("LCM's boundary", () => {
  it("weighs sample and prediction as arXiv 2303.01469 does, with sigma data 0.5", () => {
    // Timestep 999 scaled to 0.5: c_skip = 0.25 / (0.25 + 0.25) = 0.5, c_out = 0.5 / sqrt(0.5). The model predicts the picture itself.
    const config = { _class_name: "LCMScheduler", prediction_type: "sample", timestep_scaling: 0.5 / 999 };
    const scheduler = createScheduler(config, { steps: 1 });
    const result = scheduler.step({ modelOutput: Float32Array.of(3), sample: Float32Array.of(2), index: 0 });
    expect(result[0]).toBeCloseTo(2 * 0.5 + 3 * Math.SQRT1_2, 6);
  });
});
