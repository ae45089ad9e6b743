// Converts the model's output into clean latents or noise, by prediction type. Each conversion is a weighted sum of sample and output, so
// it is given as two weights. v-prediction: Salimans and Ho, arXiv 2202.00512, appendix D.
import type { PredictionType } from "../settings/scheduler-settings.ts";

/** result = sample * `sample` + modelOutput * `output` */
export interface LinearPrediction {
  readonly sample: number;
  readonly output: number;
}

/** The clean latents where the sample is alpha * clean + sigma * noise. */
export function originalFromScaled(type: PredictionType, { alpha, sigma }: SignalAndNoise): LinearPrediction {
  switch (type) {
    case "epsilon":
      return { sample: 1 / alpha, output: -sigma / alpha };
    case "v_prediction":
      return { sample: alpha, output: -sigma };
    case "sample":
      return { sample: 0, output: 1 };
  }
}

/** The noise where the sample is alpha * clean + sigma * noise. */
export function noiseFromScaled(type: PredictionType, { alpha, sigma }: SignalAndNoise): LinearPrediction {
  switch (type) {
    case "epsilon":
      return { sample: 0, output: 1 };
    case "v_prediction":
      return { sample: sigma, output: alpha };
    case "sample":
      return { sample: 1 / sigma, output: -alpha / sigma };
  }
}

/** The clean latents where the sample is clean + sigma * noise, as the Euler family and Heun keep it. */
export function originalFromUnscaled(type: PredictionType, sigma: number): LinearPrediction {
  switch (type) {
    case "epsilon":
      return { sample: 1, output: -sigma };
    case "v_prediction":
      return { sample: 1 / (sigma * sigma + 1), output: -sigma / Math.sqrt(sigma * sigma + 1) };
    case "sample":
      return { sample: 0, output: 1 };
  }
}

/** Weights with alpha^2 + sigma^2 = 1. */
export interface SignalAndNoise {
  readonly alpha: number;
  readonly sigma: number;
}

/** The weights at a cumulative alpha of the training schedule. */
export function fromAlphaCumprod(alphaCumprod: number): SignalAndNoise {
  return { alpha: Math.sqrt(alphaCumprod), sigma: Math.sqrt(1 - alphaCumprod) };
}

/** The weights at a noise level where the sample is clean + sigma * noise. */
export function fromSigma(sigma: number): SignalAndNoise {
  const alpha = 1 / Math.sqrt(sigma * sigma + 1);
  return { alpha, sigma: sigma * alpha };
}
