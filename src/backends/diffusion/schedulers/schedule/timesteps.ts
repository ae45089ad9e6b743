// Chooses the training timesteps of a run, by one of three spacings: Lin et al., arXiv 2305.08891, table 2.
// Reference: `set_timesteps` of the diffusers schedulers, whose roundings (numpy's half to even) are kept.
import type { TimestepSpacing } from "../settings/scheduler-settings.ts";

export interface TimestepRequest {
  readonly spacing: TimestepSpacing;
  /** Number of entries wanted. */
  readonly steps: number;
  /** Training timesteps: entries lie in 0 .. trainTimesteps - 1, before the offset. */
  readonly trainTimesteps: number;
  /** Added to every entry of `leading`. */
  readonly offset: number;
}

/** Descending whole timesteps, as DDIM and PNDM use them. */
export function wholeTimesteps(request: TimestepRequest): number[] {
  return request.spacing === "linspace" ? linearTimesteps(request).map(roundHalfToEven) : spacedTimesteps(request);
}

/** Descending timesteps of the Euler family: `linspace` keeps its fractions, in float32. */
export function fractionalTimesteps(request: TimestepRequest): number[] {
  return request.spacing === "linspace" ? linearTimesteps(request).map(Math.fround) : spacedTimesteps(request);
}

/**
 * Descending timesteps of the multistep solvers: one more is laid out, and the last, timestep 0 before the offset, is dropped.
 * @param request.trainTimesteps the number to lay out; with a clipped log-SNR it is below the model's own number
 * @param spacedFrom the model's own number, which decides the stride of `trailing`
 */
export function multistepTimesteps(request: TimestepRequest, spacedFrom: number): number[] {
  if (request.spacing === "trailing") {
    return trailingTimesteps(request.trainTimesteps, { steps: request.steps, stride: spacedFrom / request.steps });
  }
  return wholeTimesteps({ ...request, steps: request.steps + 1 }).slice(0, -1);
}

/** Rounds halves to the even neighbour, as numpy does. */
export function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function spacedTimesteps({ spacing, steps, trainTimesteps, offset }: TimestepRequest): number[] {
  if (spacing === "trailing") {
    return trailingTimesteps(trainTimesteps, { steps, stride: trainTimesteps / steps });
  }
  const stride = Math.floor(trainTimesteps / steps);
  return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride + offset);
}

function linearTimesteps({ steps, trainTimesteps }: TimestepRequest): number[] {
  if (steps === 1) {
    return [0];
  }
  const last = trainTimesteps - 1;
  const stride = last / (steps - 1);
  return Array.from({ length: steps }, (_, i) => (i === 0 ? last : (steps - 1 - i) * stride));
}

/**
 * Counts down from the end by `stride`. For some numbers of steps (61, 103, ...) the reference's rounding errors yield one entry more,
 * timestep -1, which no model knows; it is dropped here.
 */
function trailingTimesteps(start: number, { steps, stride }: { steps: number; stride: number }): number[] {
  const count = Math.min(steps, Math.ceil(start / stride));
  // numpy's arange takes its increment from the difference of the first two values.
  const increment = start - stride - start;
  return Array.from({ length: count }, (_, i) => roundHalfToEven(start + i * increment) - 1);
}
