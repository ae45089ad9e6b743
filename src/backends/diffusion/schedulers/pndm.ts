// Pseudo numerical methods (PNDM): a Runge-Kutta warm-up (PRK, four model calls a step), then a linear multistep method (PLMS).
// Stable Diffusion 1 ships it with `skip_prk_steps`, where one repeated timestep takes the place of the warm-up.
// Liu et al., arXiv 2202.09778, equations 9, 11 and 12. Reference: diffusers, PNDMScheduler.
import { combine, combine2, type Term } from "./arithmetic/combine.ts";
import { scaledMixture } from "./ddim.ts";
import { sized } from "./arithmetic/combine.ts";
import { createAlphasCumprod } from "./schedule/noise-schedule.ts";
import { fromAlphaCumprod, noiseFromScaled, originalFromScaled } from "./arithmetic/prediction.ts";
import { SchedulerConfigError, type Algorithm, type AlgorithmStep } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings/scheduler-settings.ts";
import { wholeTimesteps } from "./schedule/timesteps.ts";

const warmUpSteps = 4;
const callsPerWarmUp = 4;
// Adams-Bashforth weights by the number of outputs that there are, newest output first.
const multistepWeights = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;
const rungeKuttaWeights = [1 / 6, 1 / 3, 1 / 3, 1 / 6] as const;

export function createPndm(settings: SchedulerSettings, steps: number): Algorithm {
  const { predictionType, skipPrkSteps, trainTimesteps } = settings;
  const alphasCumprod = createAlphasCumprod(settings);
  const finalAlpha = settings.setAlphaToOne ? 1 : alphasCumprod[0]!;
  const stride = Math.floor(trainTimesteps / steps);
  const { timesteps, warmUpCalls } = layOut(settings, steps);

  const outputs: Float32Array[] = [];
  let startSample = new Float32Array(0);
  let blended = new Float32Array(0);
  let predicted = new Float32Array(0);
  let calls = 0;

  /** One transfer from a timestep to another, given the (blended) model output there: equation 11. */
  function transfer(out: Float32Array, move: { from: number; to: number; sample: Float32Array; output: Float32Array }) {
    const here = alphasCumprod[move.from]!;
    const there = move.to >= 0 ? alphasCumprod[move.to]! : finalAlpha;
    const noise = noiseFromScaled(predictionType, fromAlphaCumprod(here));
    const divisor = here * Math.sqrt(1 - there) + Math.sqrt(here * (1 - here) * there);
    const pull = -(there - here) / divisor;
    const keep = Math.sqrt(there / here);
    combine2(out, [keep + pull * noise.sample, pull * noise.output], [move.sample, move.output]);
  }

  function remember(output: Float32Array): void {
    // The oldest of the four arrays is reused, so that a run allocates four.
    const array = outputs.length === 4 ? outputs.pop()! : new Float32Array(output.length);
    array.set(output);
    outputs.unshift(array);
  }

  function warmUp({ modelOutput, sample, index, out }: AlgorithmStep): void {
    const phase = calls % callsPerWarmUp;
    const halfStride = phase % 2 === 0 ? Math.floor(stride / 2) : 0;
    const move = { from: timesteps[calls - phase]!, to: timesteps[index]! - halfStride };
    if (phase === 0) {
      remember(modelOutput);
      startSample.set(sample);
      blended.fill(0);
    }
    combine2(blended, [1, rungeKuttaWeights[phase]!], [blended, modelOutput]);
    const output = phase === callsPerWarmUp - 1 ? blended : modelOutput;
    transfer(out, { ...move, sample: startSample, output });
  }

  function multistep({ modelOutput, sample, index, out }: AlgorithmStep): void {
    const timestep = timesteps[index]!;
    if (calls === 1) {
      // The repeated timestep: the first step is made again with the mean of the outputs at its two ends.
      combine2(blended, [0.5, 0.5], [modelOutput, outputs[0]!]);
      transfer(out, { from: timestep + stride, to: timestep, sample: startSample, output: blended });
      return;
    }
    remember(modelOutput);
    if (calls === 0) {
      startSample.set(sample);
    }
    const weights = multistepWeights[outputs.length - 1]!;
    combine(
      blended,
      outputs.map((output, i): Term => [weights[i]!, output]),
    );
    transfer(out, { from: timestep, to: timestep - stride, sample, output: blended });
  }

  function advance(step: AlgorithmStep): Float32Array {
    const { modelOutput, sample, index } = step;
    predicted = sized(predicted, sample.length);
    blended = sized(blended, sample.length);
    startSample = sized(startSample, sample.length);
    const original = originalFromScaled(predictionType, fromAlphaCumprod(alphasCumprod[timesteps[index]!]!));
    combine2(predicted, [original.sample, original.output], [sample, modelOutput]);
    if (!skipPrkSteps && calls < warmUpCalls) {
      warmUp(step);
    } else {
      multistep(step);
    }
    calls++;
    return predicted;
  }

  return {
    timesteps,
    sigmas: [],
    initNoiseSigma: 1,
    needsNoise: false,
    inputScale: () => 1,
    noiseMixture: (index) => scaledMixture(alphasCumprod[timesteps[index]!]!),
    advance,
  };
}

function layOut(settings: SchedulerSettings, steps: number): { timesteps: number[]; warmUpCalls: number } {
  const { trainTimesteps } = settings;
  const plain = wholeTimesteps({
    spacing: settings.timestepSpacing,
    steps,
    trainTimesteps,
    offset: settings.stepsOffset,
  });
  if (settings.skipPrkSteps) {
    const repeated = plain.slice(1, 2);
    return { timesteps: [...plain.slice(0, 1), ...repeated, ...plain.slice(1)], warmUpCalls: 0 };
  }
  if (steps < warmUpSteps) {
    const message = `PNDMScheduler with Runge-Kutta warm-up needs at least ${warmUpSteps} steps; got ${steps}`;
    throw new SchedulerConfigError("steps", message);
  }
  const half = Math.floor(Math.floor(trainTimesteps / steps) / 2);
  // The start and the half-way point of each warm-up step, in the reference's order: the very first start has no half-way point
  // before it, and each inner point is visited twice.
  const points = plain.slice(0, warmUpSteps).flatMap((timestep) => [timestep + half, timestep]);
  const warmUp = points.slice(1).flatMap((timestep) => [timestep, timestep]);
  const warmUpTimesteps = warmUp.slice(1, -1);
  return { timesteps: [...warmUpTimesteps, ...plain.slice(3)], warmUpCalls: warmUpTimesteps.length };
}
