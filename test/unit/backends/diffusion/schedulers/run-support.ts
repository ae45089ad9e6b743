// The set-up of the scheduler tests in huggingface/diffusers (tests/schedulers/test_schedulers.py): a sample and a noise array of
// shape (4, 3, 8, 8) made by permuting a ramp of shape (3, 8, 8, 4), and a model that only scales its input.
import type { NormalSource } from "../../../../../src/backends/diffusion/noise/torch-random.ts";
import type { Scheduler } from "../../../../../src/backends/diffusion/schedulers/scheduler.ts";

export const sampleLength = 4 * 3 * 8 * 8;

/** `dummy_sample_deter`. */
export function rampSample(): Float32Array {
  return permutedRamp((i) => i);
}

/** `dummy_noise_deter`: the same ramp, downwards. */
export function rampNoise(): Float32Array {
  return permutedRamp((i) => sampleLength - 1 - i);
}

export type Model = (input: Float32Array, timestep: number) => Float32Array;

/** `dummy_model`. */
export function scalingModel(input: Float32Array, timestep: number): Float32Array {
  return input.map((value) => (value * timestep) / (timestep + 1));
}

export interface RunOptions {
  readonly model: Model;
  readonly random?: NormalSource;
  /** The published loops of the Euler family and Heun pass the scaled sample to `step`, which pipelines do not. @default false */
  readonly feedsScaledSample?: boolean;
}

/** Runs a scheduler from its start index to the end and returns the sample after every step. */
export function runScheduler(scheduler: Scheduler, initial: Float32Array, options: RunOptions): Float32Array[] {
  const { model, random, feedsScaledSample = false } = options;
  const samples: Float32Array[] = [];
  let sample = initial;
  for (let index = scheduler.startIndex; index < scheduler.timesteps.length; index++) {
    const input = scheduler.scaleModelInput(sample, index);
    const modelOutput = model(input, scheduler.timesteps[index]!);
    const step = { modelOutput, sample: feedsScaledSample ? input : sample, index };
    sample = scheduler.step(random === undefined ? step : { ...step, random });
    samples.push(sample);
  }
  return samples;
}

export function sumOfMagnitudes(values: Float32Array): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0);
}

export function times(values: Float32Array, factor: number): Float32Array {
  return values.map((value) => value * factor);
}

function permutedRamp(at: (index: number) => number): Float32Array {
  const batch = 4;
  const perSample = sampleLength / batch;
  return Float32Array.from({ length: sampleLength }, (_, i) => {
    const source = (i % perSample) * batch + Math.floor(i / perSample);
    return at(source) / sampleLength;
  });
}
