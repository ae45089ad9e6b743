// Computes the noise schedule of training: betas, cumulative alphas and sigmas. The reference computes them in float32, and its rounding
// decides the last digits of every table, so every value is rounded as there.
// Reference: diffusers, schedulers/scheduling_*.py (`__init__`); "zero terminal SNR" is Lin et al., arXiv 2305.08891, algorithm 1.
import type { SchedulerSettings } from "../settings/scheduler-settings.ts";

const float32 = Math.fround;

// float32 lanes of an AVX2 register; torch unrolls its loop twice.
const vectorWidth = 8;

// The largest beta of a cosine schedule; a beta of 1 would leave nothing of the picture.
const largestBeta = 0.999;
// Replaces a zero at the last step where a sigma is needed: sigma is then 4096, not infinite.
const smallestAlphaCumprod = 2 ** -24;

/** Products of (1 - beta) up to each training timestep, [trainTimesteps], float32. */
export function createAlphasCumprod(settings: SchedulerSettings): Float32Array {
  let betas = createBetas(settings);
  if (settings.rescaleBetasZeroSnr) {
    betas = rescaleToZeroSnr(betas);
  }
  return cumulativeAlphas(betas);
}

/** As {@link createAlphasCumprod}, above zero so that every sigma is finite, for schedulers that are defined by sigmas. */
export function createFiniteAlphasCumprod(settings: SchedulerSettings): Float32Array {
  const alphasCumprod = createAlphasCumprod(settings);
  if (settings.rescaleBetasZeroSnr) {
    alphasCumprod[alphasCumprod.length - 1] = smallestAlphaCumprod;
  }
  return alphasCumprod;
}

/** sqrt((1 - alpha) / alpha) for every training timestep, ascending, float32. */
export function toSigmas(alphasCumprod: Float32Array): Float32Array {
  const sigmas = new Float32Array(alphasCumprod.length);
  for (let t = 0; t < sigmas.length; t++) {
    const alpha = alphasCumprod[t]!;
    sigmas[t] = Math.sqrt(float32(float32(1 - alpha) / alpha));
  }
  return sigmas;
}

function createBetas(settings: SchedulerSettings): Float32Array {
  const { trainedBetas, betaSchedule, betaStart, betaEnd, trainTimesteps } = settings;
  if (trainedBetas !== undefined) {
    return Float32Array.from(trainedBetas);
  }
  switch (betaSchedule) {
    case "linear":
      return linearSpace(betaStart, betaEnd, trainTimesteps);
    case "scaled_linear": {
      const roots = linearSpace(Math.sqrt(betaStart), Math.sqrt(betaEnd), trainTimesteps);
      return roots.map((root) => root * root);
    }
    case "squaredcos_cap_v2":
      return betasForAlphaBar(trainTimesteps, (t) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2);
    case "exp":
      return betasForAlphaBar(trainTimesteps, (t) => Math.exp(t * -12));
  }
}

/**
 * torch.linspace in float32, with the rounding of its AVX2 kernel: runs of eight are counted from a base of their own, and the second
 * half from the end. A plain formula would give betas, and so sigmas, with other last digits.
 */
function linearSpace(start: number, end: number, count: number): Float32Array {
  const values = new Float32Array(count);
  const first = float32(start);
  const last = float32(end);
  const step = count > 1 ? float32(float32(last - first) / (count - 1)) : 0;
  const half = Math.floor(count / 2);
  const vectorized = count - (count % (2 * vectorWidth));
  for (let i = 0; i < count; i++) {
    const lane = i < vectorized ? i % vectorWidth : 0;
    const block = i - lane;
    const base = block < half || count === 1 ? first + step * block : last - step * (count - 1 - block);
    values[i] = float32(base) + float32(step * lane);
  }
  return values;
}

function betasForAlphaBar(count: number, alphaBar: (t: number) => number): Float32Array {
  const betas = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    betas[i] = Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), largestBeta);
  }
  return betas;
}

/** torch.cumprod accumulates float32 values in double precision. */
function cumulativeAlphas(betas: Float32Array): Float32Array {
  const products = new Float32Array(betas.length);
  let product = 1;
  for (let t = 0; t < betas.length; t++) {
    product *= float32(1 - betas[t]!);
    products[t] = product;
  }
  return products;
}

/** Shifts and scales sqrt(alpha cumprod) so that its last value is 0 and its first is kept. */
function rescaleToZeroSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeAlphas(betas).map(Math.sqrt);
  const first = roots[0]!;
  const last = roots[roots.length - 1]!;
  const factor = float32(first / float32(first - last));
  const alphasBar = roots.map((root) => {
    const shifted = float32(float32(root - last) * factor);
    return shifted * shifted;
  });
  return alphasBar.map((alpha, t) => 1 - (t === 0 ? alpha : float32(alpha / alphasBar[t - 1]!)));
}
