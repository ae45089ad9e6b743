// Chooses the noise levels of a run: from the training table at given timesteps, or along a curve (Karras et al., arXiv 2206.00364,
// equation 5), whose timesteps are then looked up in the table. Reference: `_convert_to_*` and `_sigma_to_t` of the diffusers schedulers.
import type { SchedulerSettings } from "../settings/scheduler-settings.ts";

const karrasRho = 7;

export interface SigmaCurveRequest {
  readonly curve: "karras" | "exponential" | "lu";
  readonly steps: number;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** Linear interpolation of `table` at fractional positions, clamped to its ends. */
export function interpolateSigmas(table: Float32Array, positions: readonly number[]): number[] {
  const last = table.length - 1;
  return positions.map((position) => {
    const clamped = Math.min(Math.max(position, 0), last);
    const low = Math.min(Math.floor(clamped), Math.max(last - 1, 0));
    const high = Math.min(low + 1, last);
    return table[low]! + (clamped - low) * (table[high]! - table[low]!);
  });
}

/** `steps` noise levels from `sigmaMax` down to `sigmaMin`. */
export function curveSigmas({ curve, steps, sigmaMin, sigmaMax }: SigmaCurveRequest): number[] {
  switch (curve) {
    case "karras": {
      const low = sigmaMin ** (1 / karrasRho);
      const high = sigmaMax ** (1 / karrasRho);
      return ramp(steps).map((x) => (high + x * (low - high)) ** karrasRho);
    }
    // Even steps of log sigma; Lu et al.'s lambdas with rho = 1 are the same.
    case "exponential":
    case "lu": {
      const low = Math.log(sigmaMin);
      const high = Math.log(sigmaMax);
      return ramp(steps).map((x) => Math.exp(high + x * (low - high)));
    }
  }
}

/** The fractional training timesteps of these noise levels, by interpolation of the table's logarithms. */
export function timestepsOfSigmas(sigmas: readonly number[], table: Float32Array): number[] {
  const logs = table.map(Math.log);
  return sigmas.map((sigma) => {
    const log = Math.log(Math.max(sigma, 1e-10));
    let low = 0;
    while (low < logs.length - 2 && logs[low + 1]! <= log) {
      low++;
    }
    // Rounded as the reference's float32 table: some solvers truncate the result, so its last digits count.
    const weight = (logs[low]! - log) / Math.fround(logs[low]! - logs[low + 1]!);
    const clamped = Math.min(Math.max(weight, 0), 1);
    return (1 - clamped) * low + clamped * (low + 1);
  });
}

/** Appends the level after the last step and rounds to float32, as the reference stores the table. */
export function withFinalSigma(sigmas: readonly number[], final: number): number[] {
  return [...sigmas, final].map(Math.fround);
}

/** The level after the last step, by `final_sigmas_type`. */
export function finalSigma(settings: SchedulerSettings, table: Float32Array): number {
  return settings.finalSigma === "zero" ? 0 : table[0]!;
}

function ramp(steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => (steps === 1 ? 0 : i / (steps - 1)));
}
