// Lays out timesteps and noise levels of the multistep solvers, DPM-Solver++ and UniPC, which do so almost alike.
// Reference: `set_timesteps` of diffusers' DPMSolverMultistepScheduler and UniPCMultistepScheduler.
import { createFiniteAlphasCumprod, toSigmas } from "./noise-schedule.ts";
import { fromSigma, type SignalAndNoise } from "../arithmetic/prediction.ts";
import type { Mixture } from "../scheduler.ts";
import type { SchedulerSettings } from "../settings/scheduler-settings.ts";
import { curveSigmas, finalSigma, interpolateSigmas, timestepsOfSigmas, withFinalSigma } from "./sigma-schedule.ts";
import { multistepTimesteps, roundHalfToEven } from "./timesteps.ts";

export interface MultistepLayout {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
}

/** alpha, sigma and half the log signal-to-noise ratio at a noise level. */
export interface NoisePoint extends SignalAndNoise {
  readonly lambda: number;
}

export function layOutMultistep(settings: SchedulerSettings, steps: number): MultistepLayout {
  const { className, trainTimesteps } = settings;
  const isUniPc = className === "UniPCMultistepScheduler";
  const table = toSigmas(createFiniteAlphasCumprod(settings));
  if (settings.sigmaCurve === "table") {
    const timesteps = multistepTimesteps(
      {
        spacing: settings.timestepSpacing,
        steps,
        trainTimesteps: isUniPc ? trainTimesteps : clippedLength(table, settings.lambdaMinClipped),
        offset: settings.stepsOffset,
      },
      trainTimesteps,
    );
    return { timesteps, sigmas: withFinalSigma(interpolateSigmas(table, timesteps), finalSigma(settings, table)) };
  }
  const levels = curveSigmas({
    curve: settings.sigmaCurve,
    steps,
    sigmaMin: settings.sigmaMin ?? table[0]!,
    sigmaMax: settings.sigmaMax ?? table.at(-1)!,
  });
  const exact = timestepsOfSigmas(levels, table);
  const timesteps = exact.map(timestepRounding(settings));
  // UniPC repeats the curve's last level, DPM-Solver++ takes the table's first; they are the same unless sigma_min is set.
  const last = settings.finalSigma === "zero" ? 0 : isUniPc ? levels.at(-1)! : table[0]!;
  return { timesteps, sigmas: withFinalSigma(levels, last) };
}

/** At sigma 0 lambda is infinite, which the first-order formulas allow. */
export function noisePoint(sigma: number): NoisePoint {
  const point = fromSigma(sigma);
  return { ...point, lambda: Math.log(point.alpha) - Math.log(point.sigma) };
}

/** The factors of `addNoise` at a noise level. */
export function sigmaMixture(sigma: number): Mixture {
  const point = fromSigma(sigma);
  return { original: point.alpha, noise: point.sigma };
}

/** Timesteps are whole for these solvers. The reference rounds most curves and cuts the fraction off the others. */
function timestepRounding({ className, sigmaCurve, betaSchedule }: SchedulerSettings): (value: number) => number {
  if (className === "UniPCMultistepScheduler") {
    return sigmaCurve === "karras" ? roundHalfToEven : cutFraction;
  }
  return sigmaCurve === "exponential" || betaSchedule === "squaredcos_cap_v2" ? cutFraction : roundHalfToEven;
}

/** Truncates; a value that rounding errors left just below a whole number, as at the curve's ends, counts as that number. */
function cutFraction(value: number): number {
  return Math.trunc(value + 1e-5);
}

/** Number of training timesteps whose half log-SNR is at least `lambdaMin`: cosine schedules end in levels of nothing but noise. */
function clippedLength(table: Float32Array, lambdaMin: number): number {
  let length = table.length;
  while (length > 0 && -Math.log(table[length - 1]!) < lambdaMin) {
    length--;
  }
  return length;
}
