// Runs of the reference itself: huggingface/diffusers at 58eb52c0 under torch 1.13 on a CPU, recorded in reference-runs.json. The model is
// sin(2 x) * 0.7 + x * 0.2 * t / (t + 1) of the scaled input, the sample passed to step() is the unscaled one, as in real pipelines.
// `sums` are sums of magnitudes after the first and the last step.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createScheduler } from "../../../../../src/backends/diffusion/schedulers/create-scheduler.ts";
import type { SchedulerConfig } from "../../../../../src/backends/diffusion/schedulers/settings/scheduler-settings.ts";
import { TorchGenerator } from "../../../../../src/backends/diffusion/noise/torch-random.ts";
import { rampNoise, rampSample, runScheduler, sumOfMagnitudes, times } from "./run-support.ts";

interface ReferenceRun {
  readonly scheduler: string;
  /** `base: "sd"` stands for Stable Diffusion's training schedule, `trained_betas: "ramp"` for a hundred rising betas. */
  readonly config: SchedulerConfig;
  readonly steps: number;
  readonly strength?: number;
  readonly eta?: number;
  readonly seed?: number;
  readonly startIndex: number;
  readonly initNoiseSigma: number;
  readonly timesteps: readonly number[];
  readonly sums: readonly [number, number];
  readonly first: readonly number[];
}

const runs = JSON.parse(readFileSync(new URL("reference-runs.json", import.meta.url), "utf8")) as ReferenceRun[];
const stableDiffusion = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  num_train_timesteps: 1000,
};
const tolerance = 2e-4;

function boundedModel(input: Float32Array, timestep: number): Float32Array {
  return input.map((value) => Math.sin(value * 2) * 0.7 + (value * 0.2 * timestep) / (timestep + 1));
}

function configOf({ scheduler, config: { base, ...config } }: ReferenceRun): SchedulerConfig {
  const ramp = Array.from({ length: 100 }, (_, i) => 0.001 + 0.0001 * i);
  return {
    _class_name: scheduler,
    ...(base === "sd" ? stableDiffusion : {}),
    ...config,
    ...(config["trained_betas"] === "ramp" ? { trained_betas: ramp } : {}),
  };
}

function relativeError(actual: number, wanted: number): number {
  return Math.abs(actual - wanted) / Math.max(1, Math.abs(wanted));
}

describe("recorded runs of the reference", () => {
  const named = runs.map((run) => ({ ...run, label: JSON.stringify([run.config, run.steps, run.strength ?? 1]) }));

  it.each(named)("$scheduler $label", (run) => {
    const { steps, strength = 1, eta = 0, seed = 0 } = run;
    const scheduler = createScheduler(configOf(run), { steps, strength, eta, shortensSchedule: true });
    expect(scheduler.timesteps).toHaveLength(run.timesteps.length);
    for (const [i, timestep] of scheduler.timesteps.entries()) {
      expect(Math.abs(timestep - run.timesteps[i]!)).toBeLessThan(1e-3);
    }
    expect(scheduler.startIndex).toBe(run.startIndex);
    expect(relativeError(scheduler.initNoiseSigma, run.initNoiseSigma)).toBeLessThan(1e-6);

    const initial =
      strength < 1
        ? scheduler.addNoise({ original: rampSample(), noise: rampNoise(), index: scheduler.startIndex })
        : times(rampSample(), scheduler.initNoiseSigma);
    const samples = runScheduler(scheduler, initial, { model: boundedModel, random: new TorchGenerator(seed) });
    const last = samples.at(-1)!;
    expect(relativeError(sumOfMagnitudes(samples[0]!), run.sums[0])).toBeLessThan(tolerance);
    expect(relativeError(sumOfMagnitudes(last), run.sums[1])).toBeLessThan(tolerance);
    for (const [i, wanted] of run.first.entries()) {
      expect(relativeError(last[i]!, wanted)).toBeLessThan(tolerance);
    }
  });
});
