// The time of a scheduler's steps at the latents of a 512x512 picture, [1, 4, 64, 64], which must be negligible beside a model call.
import { bench, describe } from "vitest";
import { createScheduler } from "../../../../../src/backends/diffusion/schedulers/create-scheduler.ts";
import {
  samplerNames,
  withSampler,
} from "../../../../../src/backends/diffusion/schedulers/settings/sampler-override.ts";
import { TorchGenerator } from "../../../../../src/backends/diffusion/noise/torch-random.ts";

const folder = { _class_name: "PNDMScheduler", beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" };
const steps = 20;

describe("a run of 20 steps at 4 x 64 x 64, set-up included", () => {
  const initial = new TorchGenerator(0).randn(4 * 64 * 64);
  const modelOutput = new TorchGenerator(1).randn(initial.length);
  for (const name of samplerNames) {
    bench(name, () => {
      const scheduler = createScheduler(withSampler(folder, name), { steps });
      const random = new TorchGenerator(2);
      const sample = initial.slice();
      for (let index = 0; index < scheduler.timesteps.length; index++) {
        scheduler.scaleModelInput(sample, index);
        scheduler.step({ modelOutput, sample, index, random, out: sample });
      }
    });
  }
});
