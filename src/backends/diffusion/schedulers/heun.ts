// Heun's method: an Euler step, then the slope at its end, then the step again with the mean of both slopes. Every step but the last takes
// two model calls. Karras et al., arXiv 2206.00364, algorithm 1. Reference: diffusers, HeunDiscreteScheduler.
import { clamp, combine2, combine4 } from "./arithmetic/combine.ts";
import { initialSigma, unscaledInputScale } from "./euler.ts";
import { sized } from "./arithmetic/combine.ts";
import { createAlphasCumprod, toSigmas } from "./schedule/noise-schedule.ts";
import { originalFromUnscaled } from "./arithmetic/prediction.ts";
import type { Algorithm, AlgorithmStep } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings/scheduler-settings.ts";
import { curveSigmas, interpolateSigmas, timestepsOfSigmas, withFinalSigma } from "./schedule/sigma-schedule.ts";
import { fractionalTimesteps } from "./schedule/timesteps.ts";

export function createHeun(settings: SchedulerSettings, steps: number): Algorithm {
  const { timesteps, sigmas } = layOut(settings, steps);
  const { clipRange, predictionType } = settings;
  let predicted = new Float32Array(0);
  let startSample = new Float32Array(0);
  let startSlope = new Float32Array(0);
  // Width of the step whose second model call is due; undefined before the first.
  let pendingWidth: number | undefined;

  /** slope = (sample - original) / sigma, as weights of the sample and of the model's output or the clipped prediction. */
  function slopeOf({ modelOutput, sample }: AlgorithmStep, sigma: number) {
    const original = originalFromUnscaled(predictionType, sigma);
    combine2(predicted, [original.sample, original.output], [sample, modelOutput]);
    if (clipRange !== undefined) {
      clamp(predicted, clipRange);
      return { ofSample: 1 / sigma, ofOther: -1 / sigma, other: predicted };
    }
    return { ofSample: (1 - original.sample) / sigma, ofOther: -original.output / sigma, other: modelOutput };
  }

  function advance(step: AlgorithmStep): Float32Array {
    const { sample, index, out } = step;
    predicted = sized(predicted, sample.length);
    const sigma = sigmas[index]!;
    const slope = slopeOf(step, sigma);
    if (pendingWidth === undefined) {
      startSample = sized(startSample, sample.length);
      startSlope = sized(startSlope, sample.length);
      startSample.set(sample);
      combine2(startSlope, [slope.ofSample, slope.ofOther], [sample, slope.other]);
      pendingWidth = sigmas[index + 1]! - sigma;
      combine2(out, [1, pendingWidth], [startSample, startSlope]);
      return predicted;
    }
    const half = pendingWidth / 2;
    pendingWidth = undefined;
    combine4(
      out,
      [1, half, half * slope.ofSample, half * slope.ofOther],
      [startSample, startSlope, sample, slope.other],
    );
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

/** Every level but the first and the last appears twice: as the end of one step and the start of the next. */
function layOut(settings: SchedulerSettings, steps: number): { timesteps: number[]; sigmas: number[] } {
  const table = toSigmas(createAlphasCumprod(settings));
  let timesteps = fractionalTimesteps({
    spacing: settings.timestepSpacing,
    steps,
    trainTimesteps: settings.trainTimesteps,
    offset: settings.stepsOffset,
  });
  let levels = interpolateSigmas(table, timesteps);
  if (settings.sigmaCurve !== "table") {
    const limits = { sigmaMin: levels.at(-1)!, sigmaMax: levels[0]! };
    levels = curveSigmas({ curve: settings.sigmaCurve, steps, ...limits });
    timesteps = timestepsOfSigmas(levels, table).map(Math.fround);
  }
  const doubled = (values: readonly number[]) => values.flatMap((value, i) => (i === 0 ? [value] : [value, value]));
  return { timesteps: doubled(timesteps), sigmas: withFinalSigma(doubled(levels), 0) };
}
