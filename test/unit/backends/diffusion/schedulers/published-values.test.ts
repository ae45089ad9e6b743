// Golden values published in huggingface/diffusers, tests/schedulers/test_scheduler_*.py, with the set-ups of those tests.
import { describe, expect, it } from "vitest";
import { createScheduler } from "../../../../../src/backends/diffusion/schedulers/create-scheduler.ts";
import type { SchedulerConfig } from "../../../../../src/backends/diffusion/schedulers/settings/scheduler-settings.ts";
import { withSampler } from "../../../../../src/backends/diffusion/schedulers/settings/sampler-override.ts";
import { TorchGenerator } from "../../../../../src/backends/diffusion/noise/torch-random.ts";
import {
  rampNoise,
  rampSample,
  runScheduler,
  sampleLength,
  scalingModel,
  sumOfMagnitudes,
  times,
} from "./run-support.ts";

const linear = { num_train_timesteps: 1000, beta_start: 0.0001, beta_end: 0.02, beta_schedule: "linear" };
const linear1100 = { ...linear, num_train_timesteps: 1100 };
const dpm = {
  ...linear,
  _class_name: "DPMSolverMultistepScheduler",
  solver_order: 2,
  prediction_type: "epsilon",
  algorithm_type: "dpmsolver++",
  solver_type: "midpoint",
  lower_order_final: false,
  euler_at_final: false,
  lambda_min_clipped: -Infinity,
  final_sigmas_type: "sigma_min",
};
const unipc = {
  ...linear,
  _class_name: "UniPCMultistepScheduler",
  solver_order: 2,
  solver_type: "bh2",
  final_sigmas_type: "sigma_min",
};
const euler = { ...linear1100, _class_name: "EulerDiscreteScheduler" };
const ancestral = { ...linear1100, _class_name: "EulerAncestralDiscreteScheduler" };
const heun = { ...linear1100, _class_name: "HeunDiscreteScheduler" };
const pndm = { ...linear, _class_name: "PNDMScheduler" };
const ddim = { ...linear, _class_name: "DDIMScheduler", clip_sample: true };
const lcm = { _class_name: "LCMScheduler", beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" };
const velocity = { prediction_type: "v_prediction" };
const karras = { use_karras_sigmas: true };

interface Case {
  readonly name: string;
  readonly config: SchedulerConfig;
  readonly steps?: number;
  /** Begins here, from the ramp with the downward ramp as noise. */
  readonly strength?: number;
}

/** Of the magnitudes of the result; the reference's tests hold it to either or to both. */
type Magnitudes =
  | { readonly sum: number; readonly mean?: number }
  | { readonly sum?: undefined; readonly mean: number };

type Published = Case & Magnitudes;

const values: readonly Published[] = [
  { name: "Euler", config: euler, sum: 10.0807, mean: 0.0131 },
  { name: "Euler, v-prediction", config: { ...euler, ...velocity }, sum: 0.0002, mean: 2.2676e-6 },
  { name: "Euler, Karras", config: { ...euler, ...karras }, sum: 124.52299, mean: 0.16213 },
  { name: "Euler from noise", config: euler, strength: 0.2, sum: 57062.9297, mean: 74.3007 },
  { name: "Euler ancestral", config: ancestral, sum: 152.3192, mean: 0.1983 },
  { name: "Euler ancestral, v-prediction", config: { ...ancestral, ...velocity }, sum: 108.4439, mean: 0.1412 },
  { name: "Euler ancestral from noise", config: ancestral, strength: 0.2, sum: 56163.0508, mean: 73.129 },
  { name: "Heun", config: heun, sum: 0.1233, mean: 0.0002 },
  { name: "Heun, v-prediction", config: { ...heun, ...velocity }, sum: 4.6934e-7, mean: 6.1112e-10 },
  { name: "Heun, Karras", config: { ...heun, ...karras }, sum: 0.00015, mean: 1.9869e-7 },
  { name: "Heun from noise", config: heun, strength: 0.2, sum: 75074.8906, mean: 97.7538 },
  { name: "PNDM", config: pndm, sum: 198.1318, mean: 0.258 },
  { name: "PNDM, v-prediction", config: { ...pndm, ...velocity }, sum: 67.3986, mean: 0.0878 },
  {
    name: "PNDM, alpha set to one",
    config: { ...pndm, set_alpha_to_one: true, beta_start: 0.01 },
    sum: 230.0399,
    mean: 0.2995,
  },
  {
    name: "PNDM, alpha not set to one",
    config: { ...pndm, set_alpha_to_one: false, beta_start: 0.01 },
    sum: 186.9482,
    mean: 0.2434,
  },
  { name: "DDIM", config: ddim, sum: 172.0067, mean: 0.223967 },
  { name: "DDIM, v-prediction", config: { ...ddim, ...velocity }, sum: 52.5302, mean: 0.0684 },
  {
    name: "DDIM, alpha set to one",
    config: { ...ddim, set_alpha_to_one: true, beta_start: 0.01 },
    sum: 149.8295,
    mean: 0.1951,
  },
  {
    name: "DDIM, alpha not set to one",
    config: { ...ddim, set_alpha_to_one: false, beta_start: 0.01 },
    sum: 149.0784,
    mean: 0.1941,
  },
  { name: "DDIM from noise", config: ddim, strength: 0.2, sum: 354.5418, mean: 0.4616 },
  { name: "DPM++ 2M", config: dpm, mean: 0.3301 },
  { name: "DPM++ 2M, v-prediction", config: { ...dpm, ...velocity }, mean: 0.2251 },
  { name: "DPM++ 2M, Karras, v-prediction", config: { ...dpm, ...velocity, ...karras }, mean: 0.2096 },
  { name: "DPM++ 2M, Lu, v-prediction", config: { ...dpm, ...velocity, use_lu_lambdas: true }, mean: 0.1554 },
  { name: "DPM++ 2M from noise", config: dpm, strength: 0.5, sum: 318.4111, mean: 0.4146 },
  { name: "UniPC", config: unipc, mean: 0.2464 },
  { name: "UniPC, Karras", config: { ...unipc, ...karras }, mean: 0.2925 },
  { name: "UniPC, v-prediction", config: { ...unipc, ...velocity }, mean: 0.1014 },
  { name: "UniPC, Karras, v-prediction", config: { ...unipc, ...velocity, ...karras }, mean: 0.1966 },
  { name: "UniPC from noise", config: unipc, strength: 0.2, sum: 315.5757, mean: 0.4109 },
  {
    name: "UniPC by override of DPM++ 2M",
    config: withSampler({ ...dpm, lower_order_final: true }, "unipc"),
    mean: 0.2464,
  },
  { name: "DPM++ 2M by override of UniPC", config: withSampler({ ...dpm, ...unipc }, "dpmpp_2m"), mean: 0.3301 },
  { name: "LCM, 1 step", config: lcm, steps: 1, sum: 18.7097, mean: 0.0244 },
  { name: "LCM, 10 steps", config: lcm, sum: 197.7616, mean: 0.2575 },
];

describe("published results of the reference's scheduler tests", () => {
  it.each(values)("$name", ({ config, steps = 10, strength = 1, sum, mean }) => {
    const scheduler = createScheduler(config, { steps, strength });
    let initial = times(rampSample(), scheduler.initNoiseSigma);
    if (strength < 1) {
      initial = scheduler.addNoise({ original: initial, noise: rampNoise(), index: scheduler.startIndex });
    }
    const samples = runScheduler(scheduler, initial, {
      model: scalingModel,
      random: new TorchGenerator(0),
      feedsScaledSample: true,
    });
    const result = sumOfMagnitudes(samples.at(-1)!);
    if (sum !== undefined) {
      expect(Math.abs(result - sum)).toBeLessThan(1e-2);
    }
    if (mean !== undefined) {
      expect(Math.abs(result / sampleLength - mean)).toBeLessThan(1e-3);
    }
  });
});
