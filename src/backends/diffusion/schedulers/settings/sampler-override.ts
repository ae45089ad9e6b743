// Replaces a model's scheduler by another one: class and switches change, the model's training schedule stays.
// Reference: diffusers' `from_config`, which carries over the keys that the file states and the new class knows.
import type { SchedulerConfig } from "./scheduler-settings.ts";

interface Override {
  readonly className: string;
  /** Keys that the name implies, whatever the file says. */
  readonly fixed?: SchedulerConfig;
  /** Keys for what the file does not say. */
  readonly fallback?: SchedulerConfig;
}

const plainSigmas = { use_karras_sigmas: false, use_exponential_sigmas: false, use_lu_lambdas: false } as const;
const secondOrder = { algorithm_type: "dpmsolver++", solver_order: 2, solver_type: "midpoint" } as const;

// DDIM's default is to clip predictions to [-1, 1]. That is meant for pixels; latents would be destroyed, so a file must ask for it.
const unclipped = { clip_sample: false } as const;

const overrides = {
  euler: { className: "EulerDiscreteScheduler", fixed: plainSigmas },
  euler_a: { className: "EulerAncestralDiscreteScheduler" },
  dpmpp_2m: { className: "DPMSolverMultistepScheduler", fixed: { ...secondOrder, ...plainSigmas } },
  dpmpp_2m_karras: {
    className: "DPMSolverMultistepScheduler",
    fixed: { ...secondOrder, ...plainSigmas, use_karras_sigmas: true },
  },
  ddim: { className: "DDIMScheduler", fallback: unclipped },
  // Without this a file of another class would get the Runge-Kutta warm-up: eight more model calls and a weaker result.
  pndm: { className: "PNDMScheduler", fallback: { skip_prk_steps: true } },
  lcm: { className: "LCMScheduler" },
  unipc: { className: "UniPCMultistepScheduler", fixed: plainSigmas },
  heun: { className: "HeunDiscreteScheduler", fixed: plainSigmas },
} as const satisfies Record<string, Override>;

/** The short names by which a request asks for a scheduler. */
export type SamplerName = keyof typeof overrides;

export const samplerNames = Object.keys(overrides) as readonly SamplerName[];

export function isSamplerName(name: string): name is SamplerName {
  return Object.hasOwn(overrides, name);
}

/** The folder's configuration with another scheduler: betas, prediction type, offsets and spacing are kept as stated in the file. */
export function withSampler(config: SchedulerConfig, name: SamplerName): SchedulerConfig {
  const { className, fixed, fallback }: Override = overrides[name];
  return { ...fallback, ...config, ...fixed, _class_name: className };
}

/** Corrects a configuration as diffusers' pipeline of Stable Diffusion 1 and 2 for masks does: PNDM begins without a warm-up. */
export function withInpaintingCorrections(config: SchedulerConfig): SchedulerConfig {
  return { ...config, skip_prk_steps: true };
}

/**
 * Corrects a configuration as diffusers' Stable Diffusion 1 and 2 pipelines (not SDXL's) do for old folders: the offset is 1 and the
 * prediction is not clipped, whatever the file says. To be applied before `withSampler`.
 */
export function withStableDiffusionCorrections(config: SchedulerConfig): SchedulerConfig {
  return { ...config, steps_offset: 1, clip_sample: false };
}
