// Denoising diffusion implicit models (DDIM): each step predicts the clean latents and goes straight to the next noise level.
// Song et al., arXiv 2010.02502, equations 12 and 16. Reference: diffusers, DDIMScheduler.
import { clamp, combine2, combine3, combine4 } from "./arithmetic/combine.ts";
import { sized } from "./arithmetic/combine.ts";
import { createAlphasCumprod } from "./schedule/noise-schedule.ts";
import { fromAlphaCumprod, noiseFromScaled, originalFromScaled } from "./arithmetic/prediction.ts";
import type { Algorithm, AlgorithmStep } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings/scheduler-settings.ts";
import { wholeTimesteps } from "./schedule/timesteps.ts";

export interface DdimOptions {
  /** Share of fresh noise per step: 0 is deterministic, 1 is as noisy as DDPM. */
  readonly eta: number;
}

export function createDdim(settings: SchedulerSettings, steps: number, { eta }: DdimOptions): Algorithm {
  const { clipRange, predictionType, trainTimesteps } = settings;
  const alphasCumprod = createAlphasCumprod(settings);
  const finalAlpha = settings.setAlphaToOne ? 1 : alphasCumprod[0]!;
  const stride = Math.floor(trainTimesteps / steps);
  const timesteps = wholeTimesteps({
    spacing: settings.timestepSpacing,
    steps,
    trainTimesteps,
    offset: settings.stepsOffset,
  });
  let predicted = new Float32Array(0);
  let drawn = new Float32Array(0);

  function advance({ modelOutput, sample, index, out, fillNoise }: AlgorithmStep): Float32Array {
    predicted = sized(predicted, sample.length);
    const timestep = timesteps[index]!;
    const alphaHere = alphasCumprod[timestep]!;
    // The reference steps by the stride whatever the spacing: with `trailing` and `linspace` that can be one off the next entry.
    const alphaNext = timestep >= stride ? alphasCumprod[timestep - stride]! : finalAlpha;
    const here = fromAlphaCumprod(alphaHere);
    const original = originalFromScaled(predictionType, here);
    combine2(predicted, [original.sample, original.output], [sample, modelOutput]);
    if (clipRange !== undefined) {
      clamp(predicted, clipRange);
    }
    const noise = noiseFromScaled(predictionType, here);
    const variance = ((1 - alphaNext) / (1 - alphaHere)) * (1 - alphaHere / alphaNext);
    const deviation = eta * Math.sqrt(variance);
    const direction = Math.sqrt(1 - alphaNext - deviation * deviation);
    const weights = [Math.sqrt(alphaNext), direction * noise.sample, direction * noise.output] as const;
    if (eta === 0) {
      combine3(out, weights, [predicted, sample, modelOutput]);
    } else {
      drawn = sized(drawn, sample.length);
      combine4(out, [...weights, deviation], [predicted, sample, modelOutput, fillNoise(drawn)]);
    }
    return predicted;
  }

  return {
    timesteps,
    sigmas: [],
    initNoiseSigma: 1,
    needsNoise: eta > 0,
    inputScale: () => 1,
    noiseMixture: (index) => scaledMixture(alphasCumprod[timesteps[index]!]!),
    advance,
  };
}

/** The weights of clean latents and noise at a cumulative alpha. */
export function scaledMixture(alphaCumprod: number): { original: number; noise: number } {
  const { alpha, sigma } = fromAlphaCumprod(alphaCumprod);
  return { original: alpha, noise: sigma };
}
