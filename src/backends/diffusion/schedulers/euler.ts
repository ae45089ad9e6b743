// Euler's method, and its ancestral variant, which removes more noise than the step asks for and adds fresh noise.
// Karras et al., arXiv 2206.00364, algorithm 2 without churn; ancestral sampling as in k-diffusion.
// Reference: diffusers, EulerDiscreteScheduler and EulerAncestralDiscreteScheduler.
import { combine2, combine3, sized } from "./arithmetic/combine.ts";
import { createFiniteAlphasCumprod, toSigmas } from "./schedule/noise-schedule.ts";
import { originalFromUnscaled } from "./arithmetic/prediction.ts";
import type { Algorithm, AlgorithmStep } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings/scheduler-settings.ts";
import {
  curveSigmas,
  finalSigma,
  interpolateSigmas,
  timestepsOfSigmas,
  withFinalSigma,
} from "./schedule/sigma-schedule.ts";
import { fractionalTimesteps } from "./schedule/timesteps.ts";

export function createEuler(settings: SchedulerSettings, steps: number): Algorithm {
  const { timesteps, sigmas } = layOutEuler(settings, steps);
  let predicted = new Float32Array(0);

  function advance({ modelOutput, sample, index, out }: AlgorithmStep): Float32Array {
    predicted = sized(predicted, sample.length);
    const sigma = sigmas[index]!;
    const slope = (sigmas[index + 1]! - sigma) / sigma;
    const original = originalFromUnscaled(settings.predictionType, sigma);
    combine2(predicted, [original.sample, original.output], [sample, modelOutput]);
    // next = sample + (sample - original) * slope, written as one sum over sample and output: at high noise levels the difference
    // would lack the digits that `original` has lost by rounding.
    const keep = 1 + (1 - original.sample) * slope;
    combine2(out, [keep, -original.output * slope], [sample, modelOutput]);
    return predicted;
  }

  return {
    timesteps,
    sigmas,
    initNoiseSigma: initialSigma(settings, sigmas),
    needsNoise: false,
    inputScale: (index) => unscaledInputScale(sigmas[index]!),
    noiseMixture: (index) => ({ original: 1, noise: sigmas[index]! }),
    advance,
  };
}

export function createEulerAncestral(settings: SchedulerSettings, steps: number): Algorithm {
  const table = toSigmas(createFiniteAlphasCumprod(settings));
  const timesteps = fractionalTimesteps({
    spacing: settings.timestepSpacing,
    steps,
    trainTimesteps: settings.trainTimesteps,
    offset: settings.stepsOffset,
  });
  const sigmas = withFinalSigma(interpolateSigmas(table, timesteps), 0);
  let predicted = new Float32Array(0);
  let noise = new Float32Array(0);

  function advance({ modelOutput, sample, index, out, fillNoise }: AlgorithmStep): Float32Array {
    predicted = sized(predicted, sample.length);
    noise = sized(noise, sample.length);
    const from = sigmas[index]!;
    const to = sigmas[index + 1]!;
    const up = Math.sqrt((to * to * (from * from - to * to)) / (from * from));
    const down = Math.sqrt(to * to - up * up);
    const slope = (down - from) / from;
    const original = originalFromUnscaled(settings.predictionType, from);
    combine2(predicted, [original.sample, original.output], [sample, modelOutput]);
    const keep = 1 + (1 - original.sample) * slope;
    // Drawn at the last step too, where its weight is 0, as the reference advances its generator there.
    fillNoise(noise);
    combine3(out, [keep, -original.output * slope, up], [sample, modelOutput, noise]);
    return predicted;
  }

  return {
    timesteps,
    sigmas,
    initNoiseSigma: initialSigma(settings, sigmas),
    needsNoise: true,
    inputScale: (index) => unscaledInputScale(sigmas[index]!),
    noiseMixture: (index) => ({ original: 1, noise: sigmas[index]! }),
    advance,
  };
}

/** The standard deviation of the initial noise. With `leading` the first noise level is below the last training level. */
export function initialSigma(settings: SchedulerSettings, sigmas: readonly number[]): number {
  const largest = sigmas.reduce((a, b) => Math.max(a, b));
  return settings.timestepSpacing === "leading" ? Math.fround(Math.sqrt(largest * largest + 1)) : largest;
}

/** The factor that brings clean + sigma * noise to unit variance, for the model's input. */
export function unscaledInputScale(sigma: number): number {
  return 1 / Math.sqrt(sigma * sigma + 1);
}

function layOutEuler(settings: SchedulerSettings, steps: number): { timesteps: number[]; sigmas: number[] } {
  const table = toSigmas(createFiniteAlphasCumprod(settings));
  let timesteps = fractionalTimesteps({
    spacing: settings.timestepSpacing,
    steps,
    trainTimesteps: settings.trainTimesteps,
    offset: settings.stepsOffset,
  });
  let levels = interpolateSigmas(table, timesteps);
  if (settings.sigmaInterpolation === "log_linear") {
    // One level more than steps, as in the reference: the level after the last step is then not the final one.
    levels = curveSigmas({ curve: "exponential", steps: steps + 1, sigmaMin: table[0]!, sigmaMax: table.at(-1)! });
  }
  if (settings.sigmaCurve !== "table") {
    const sigmaMin = settings.sigmaMin ?? levels.at(-1)!;
    const sigmaMax = settings.sigmaMax ?? levels[0]!;
    levels = curveSigmas({ curve: settings.sigmaCurve, steps, sigmaMin, sigmaMax });
    timesteps = timestepsOfSigmas(levels, table).map(Math.fround);
  }
  const sigmas = withFinalSigma(levels, finalSigma(settings, table));
  if (settings.timestepType === "continuous" && settings.predictionType === "v_prediction") {
    timesteps = sigmas.slice(0, steps).map((sigma) => Math.fround(0.25 * Math.log(sigma)));
  }
  return { timesteps, sigmas };
}
