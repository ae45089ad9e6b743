// DPM-Solver++, multistep, orders 1 to 3, and its stochastic variant. "DPM++ 2M" is order 2; with Karras sigmas, "DPM++ 2M Karras".
// Lu et al., arXiv 2211.01095, equations 4.7 and 4.8. Reference: diffusers, DPMSolverMultistepScheduler.
import { combine, combine2, type Term } from "./arithmetic/combine.ts";
import { sized } from "./arithmetic/combine.ts";
import { layOutMultistep, noisePoint, sigmaMixture, type NoisePoint } from "./schedule/multistep-layout.ts";
import { fromSigma, originalFromScaled } from "./arithmetic/prediction.ts";
import type { Algorithm, AlgorithmStep } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings/scheduler-settings.ts";

// In runs of fewer steps the last ones are of a lower order, which is more stable.
const fewSteps = 15;

export function createDpmMultistep(settings: SchedulerSettings, steps: number): Algorithm {
  const { timesteps, sigmas } = layOutMultistep(settings, steps);
  const points = sigmas.map(noisePoint);
  const isStochastic = settings.algorithmType === "sde-dpmsolver++";
  // The last predictions of the clean latents, newest first; at most as many as the order.
  const predictions: Float32Array[] = [];
  let noise = new Float32Array(0);

  function orderAt(index: number): number {
    const last = timesteps.length - 1;
    const lowers = settings.lowerOrderFinal && timesteps.length < fewSteps;
    // At a final sigma of 0 lambda is infinite, and only the first order is defined.
    const isFirstOrderEnd = index === last && (settings.eulerAtFinal || lowers || settings.finalSigma === "zero");
    const limit = isFirstOrderEnd ? 1 : index === last - 1 && lowers ? 2 : settings.solverOrder;
    return Math.min(limit, predictions.length);
  }

  function advance({ modelOutput, sample, index, out, fillNoise }: AlgorithmStep): Float32Array {
    const newest = predictions.length === settings.solverOrder ? predictions.pop()! : new Float32Array(sample.length);
    const original = originalFromScaled(settings.predictionType, fromSigma(sigmas[index]!));
    combine2(newest, [original.sample, original.output], [sample, modelOutput]);
    predictions.unshift(newest);

    const order = orderAt(index);
    const history = points.slice(index - order + 1, index + 1).toReversed();
    const weights = updateWeights(settings, { target: points[index + 1]!, history });
    const terms: Term[] = [[weights.sample, sample]];
    for (const [i, weight] of weights.predictions.entries()) {
      terms.push([weight, predictions[i]!]);
    }
    if (isStochastic) {
      noise = sized(noise, sample.length);
      terms.push([weights.noise, fillNoise(noise)]);
    }
    combine(out, terms);
    return newest;
  }

  return {
    timesteps,
    sigmas,
    initNoiseSigma: 1,
    needsNoise: isStochastic,
    inputScale: () => 1,
    noiseMixture: (index) => sigmaMixture(sigmas[index]!),
    advance,
  };
}

interface Weights {
  readonly sample: number;
  /** For the newest prediction first. */
  readonly predictions: readonly number[];
  readonly noise: number;
}

/** `history` holds the points of the newest predictions, newest first; its length is the order of the step. */
function updateWeights(
  settings: SchedulerSettings,
  { target, history }: { readonly target: NoisePoint; readonly history: readonly NoisePoint[] },
): Weights {
  const [here, before, beforeThat] = history;
  const isStochastic = settings.algorithmType === "sde-dpmsolver++";
  const h = target.lambda - here!.lambda;
  // The stochastic variant steps twice as far in lambda and adds fresh noise.
  const walk = isStochastic ? 2 * h : h;
  const decay = Math.expm1(-walk);
  const slope = -target.alpha * decay;
  const curve = settings.solverType === "heun" ? target.alpha * (decay / walk + 1) : slope / 2;
  const base = {
    sample: (target.sigma / here!.sigma) * (isStochastic ? Math.exp(-h) : 1),
    noise: isStochastic ? target.sigma * Math.sqrt(-Math.expm1(-2 * h)) : 0,
  };
  if (before === undefined) {
    return { ...base, predictions: [slope] };
  }
  const r0 = (here!.lambda - before.lambda) / h;
  if (beforeThat === undefined) {
    // D1 = (m0 - m1) / r0
    return { ...base, predictions: [slope + curve / r0, -curve / r0] };
  }
  const r1 = (before.lambda - beforeThat.lambda) / h;
  // D1 = a + (a - b) r0 / (r0 + r1) and D2 = (a - b) / (r0 + r1), with a = (m0 - m1) / r0 and b = (m1 - m2) / r1
  const first = target.alpha * (decay / walk + 1);
  const second = -target.alpha * ((decay + walk) / (walk * walk) - 0.5);
  const difference = (first * r0 + second) / (r0 + r1);
  const ofA = (first + difference) / r0;
  const ofB = -difference / r1;
  return { ...base, predictions: [slope + ofA, ofB - ofA, -ofB] };
}
