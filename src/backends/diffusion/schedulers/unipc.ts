// UniPC: a multistep predictor whose sample is corrected when the model's output at it is known, without an extra model call.
// Zhao et al., arXiv 2302.04867, algorithms 5 to 8. Reference: diffusers, UniPCMultistepScheduler.
import { combine, combine2, type Term } from "./arithmetic/combine.ts";
import { sized } from "./arithmetic/combine.ts";
import { layOutMultistep, noisePoint, sigmaMixture, type NoisePoint } from "./schedule/multistep-layout.ts";
import { fromSigma, noiseFromScaled, originalFromScaled } from "./arithmetic/prediction.ts";
import type { Algorithm, AlgorithmStep } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings/scheduler-settings.ts";

export function createUniPc(settings: SchedulerSettings, steps: number): Algorithm {
  const { timesteps, sigmas } = layOutMultistep(settings, steps);
  const { disableCorrector, lowerOrderFinal, predictionType, predictX0, solverOrder } = settings;
  const points = sigmas.map(noisePoint);
  // Converted model outputs (clean latents or noise), newest first, at most as many as the order.
  const outputs: Float32Array[] = [];
  let lastSample = new Float32Array(0);
  let current = new Float32Array(0);
  let predicted = new Float32Array(0);
  let calls = 0;
  let lastOrder = 1;

  /** The points of `order` outputs, from the one at `newest` back in time. */
  function historyFrom(newest: number, order: number): NoisePoint[] {
    return points.slice(newest - order + 1, newest + 1).toReversed();
  }

  /** Corrects the sample at `index`, now that the model's output there (`answer`) is known; the result replaces `lastSample`. */
  function correct(index: number, answer: Float32Array): void {
    const history = historyFrom(index - 1, lastOrder);
    const weights = updateWeights(settings, { target: points[index]!, history, hasAnswer: true });
    combine(lastSample, [[weights.sample, lastSample], ...outputTerms(weights), [weights.answer, answer]]);
  }

  function outputTerms(weights: Weights): Term[] {
    return weights.outputs.map((weight, i): Term => [weight, outputs[i]!]);
  }

  function advance({ modelOutput, sample, index, out }: AlgorithmStep): Float32Array {
    predicted = sized(predicted, sample.length);
    const here = fromSigma(sigmas[index]!);
    const original = originalFromScaled(predictionType, here);
    combine2(predicted, [original.sample, original.output], [sample, modelOutput]);

    const converted = predictX0 ? original : noiseFromScaled(predictionType, here);
    current = sized(current, sample.length);
    combine2(current, [converted.sample, converted.output], [sample, modelOutput]);
    if (calls > 0 && !disableCorrector.includes(index - 1)) {
      correct(index, current);
    } else {
      lastSample = sized(lastSample, sample.length);
      lastSample.set(sample);
    }
    const oldest = outputs.length === solverOrder ? outputs.pop()! : new Float32Array(sample.length);
    outputs.unshift(current);
    current = oldest as Float32Array<ArrayBuffer>;

    const remaining = timesteps.length - index;
    // At a final sigma of 0 lambda is infinite, and only the first order is defined.
    const isDegenerate = sigmas[index + 1] === 0;
    const limit = isDegenerate ? 1 : lowerOrderFinal ? Math.min(solverOrder, remaining) : solverOrder;
    lastOrder = Math.min(limit, calls + 1);
    const history = historyFrom(index, lastOrder);
    const weights = updateWeights(settings, { target: points[index + 1]!, history, hasAnswer: false });
    combine(out, [[weights.sample, lastSample], ...outputTerms(weights)]);
    calls++;
    return predicted;
  }

  return {
    timesteps,
    sigmas,
    initNoiseSigma: 1,
    needsNoise: false,
    inputScale: () => 1,
    noiseMixture: (index) => sigmaMixture(sigmas[index]!),
    advance,
  };
}

interface UpdateRequest {
  readonly target: NoisePoint;
  /** Points of the newest outputs, newest first; its length is the order. */
  readonly history: readonly NoisePoint[];
  /** True for the corrector, which also knows the model's output at the target. */
  readonly hasAnswer: boolean;
}

interface Weights {
  readonly sample: number;
  /** For the newest output first. */
  readonly outputs: readonly number[];
  readonly answer: number;
}

function updateWeights(settings: SchedulerSettings, { target, history, hasAnswer }: UpdateRequest): Weights {
  const here = history[0]!;
  const order = history.length;
  const h = target.lambda - here.lambda;
  const hh = settings.predictX0 ? -h : h;
  const phi = Math.expm1(hh);
  const bh = settings.solverType === "bh1" ? hh : phi;
  const ratios = history.slice(1).map((point) => (point.lambda - here.lambda) / h);
  const rhos = solveRhos({ ratios, hh, bh, order, hasAnswer });
  // For outputs that are clean latents; for noise alpha and sigma change places.
  const [level, kept] = settings.predictX0
    ? [target.alpha, target.sigma / here.sigma]
    : [target.sigma, target.alpha / here.alpha];

  const older = ratios.map((ratio, k) => (-level * bh * rhos[k]!) / ratio);
  const answer = hasAnswer ? -level * bh * rhos[order - 1]! : 0;
  const newest = -level * phi - answer - older.reduce((sum, weight) => sum + weight, 0);
  return { sample: kept, outputs: [newest, ...older], answer };
}

interface RhoRequest {
  readonly ratios: readonly number[];
  readonly hh: number;
  readonly bh: number;
  readonly order: number;
  readonly hasAnswer: boolean;
}

/** The weights of the differences: a Vandermonde system with the phi functions as right side; for size 1 the reference takes 0.5. */
function solveRhos({ ratios, hh, bh, order, hasAnswer }: RhoRequest): number[] {
  const size = hasAnswer ? order : order - 1;
  if (size <= 1) {
    return size === 0 ? [] : [0.5];
  }
  const nodes = hasAnswer ? [...ratios, 1] : ratios;
  const rightSide: number[] = [];
  let phi = Math.expm1(hh) / hh - 1;
  let factorial = 1;
  for (let i = 1; i <= size; i++) {
    rightSide.push((phi * factorial) / bh);
    factorial *= i + 1;
    phi = phi / hh - 1 / factorial;
  }
  return solveVandermonde(nodes, rightSide);
}

/** Solves sum_k nodes[k]^i x[k] = rightSide[i] by elimination; sizes 2 and 3. */
function solveVandermonde(nodes: readonly number[], rightSide: readonly number[]): number[] {
  const size = nodes.length;
  const rows = rightSide.map((value, i) => [...nodes.map((node) => node ** i), value]);
  for (let pivot = 0; pivot < size; pivot++) {
    for (let row = 0; row < size; row++) {
      const factor = row === pivot ? 0 : rows[row]![pivot]! / rows[pivot]![pivot]!;
      for (let column = pivot; column <= size; column++) {
        rows[row]![column] = rows[row]![column]! - factor * rows[pivot]![column]!;
      }
    }
  }
  return rows.map((row, i) => row[size]! / row[i]!);
}
