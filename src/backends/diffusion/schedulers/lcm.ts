// Latent consistency models (LCM): every step predicts the clean latents and, unless it is the last, adds noise to them again.
// Luo et al., arXiv 2310.04378, algorithm 3; boundary scalings from Song et al., arXiv 2303.01469. Reference: diffusers, LCMScheduler.
import { clamp, combine2 } from "./arithmetic/combine.ts";
import { scaledMixture } from "./ddim.ts";
import { sized } from "./arithmetic/combine.ts";
import { createAlphasCumprod } from "./schedule/noise-schedule.ts";
import { fromAlphaCumprod, originalFromScaled } from "./arithmetic/prediction.ts";
import { SchedulerConfigError, type Algorithm, type AlgorithmStep } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings/scheduler-settings.ts";

const sigmaData = 0.5;

export interface LcmOptions {
  /** Share of the distilled timesteps that is used, from the clean end: the pipeline's image-to-image strength. */
  readonly strength: number;
}

export function createLcm(settings: SchedulerSettings, steps: number, { strength }: LcmOptions): Algorithm {
  const alphasCumprod = createAlphasCumprod(settings);
  const timesteps = layOut(settings, steps, strength);
  let predicted = new Float32Array(0);

  function advance({ modelOutput, sample, index, out, fillNoise }: AlgorithmStep): Float32Array {
    predicted = sized(predicted, sample.length);
    const timestep = timesteps[index]!;
    const original = originalFromScaled(settings.predictionType, fromAlphaCumprod(alphasCumprod[timestep]!));
    combine2(predicted, [original.sample, original.output], [sample, modelOutput]);
    if (settings.clipRange !== undefined) {
      clamp(predicted, settings.clipRange);
    }
    // Boundary scalings: at timestep 0 the sample is clean and is kept; far from 0 the prediction counts.
    const scaled = timestep * settings.timestepScaling;
    const spread = scaled * scaled + sigmaData * sigmaData;
    combine2(predicted, [scaled / Math.sqrt(spread), (sigmaData * sigmaData) / spread], [predicted, sample]);
    const next = timesteps[index + 1];
    if (next === undefined) {
      out.set(predicted);
    } else {
      const { alpha, sigma } = fromAlphaCumprod(alphasCumprod[next]!);
      combine2(out, [alpha, sigma], [predicted, fillNoise(out)]);
    }
    return predicted;
  }

  return {
    timesteps,
    sigmas: [],
    initNoiseSigma: 1,
    needsNoise: timesteps.length > 1,
    inputScale: () => 1,
    noiseMixture: (index) => scaledMixture(alphasCumprod[timesteps[index]!]!),
    advance,
  };
}

/** An even choice among the timesteps that the model was distilled on. */
function layOut(settings: SchedulerSettings, steps: number, strength: number): number[] {
  const { originalInferenceSteps, trainTimesteps } = settings;
  if (originalInferenceSteps > trainTimesteps) {
    const message = `original_inference_steps ${originalInferenceSteps} is above num_train_timesteps ${trainTimesteps}`;
    throw new SchedulerConfigError("original_inference_steps", message);
  }
  const available = Math.trunc(originalInferenceSteps * strength);
  if (steps > available) {
    const message = `LCMScheduler has ${available} timesteps at strength ${strength}; steps must not be above it, got ${steps}`;
    throw new SchedulerConfigError("steps", message);
  }
  const stride = Math.floor(trainTimesteps / originalInferenceSteps);
  return Array.from({ length: steps }, (_, i) => {
    const distilled = available - Math.floor(i * (available / steps));
    return distilled * stride - 1;
  });
}
