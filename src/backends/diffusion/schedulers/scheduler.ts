// The interface of schedulers towards a pipeline, and the one that each algorithm implements. A scheduler turns the model's prediction at
// one timestep into the sample of the next; it knows nothing of models, prompts or shapes beyond the length of the latents.
import type { NormalSource } from "../noise/torch-random.ts";

export interface SchedulerStep {
  /** The model's output at `timesteps[index]`, after guidance. Read only; never kept. */
  readonly modelOutput: Float32Array;
  /** The latents the model saw, *before* `scaleModelInput`. Read only; never kept. */
  readonly sample: Float32Array;
  /** Position in `timesteps`. Steps run in order, from `startIndex` to the end. */
  readonly index: number;
  /** Source of fresh noise; required where `needsNoise`. The reference uses the generator that made the initial latents. */
  readonly random?: NormalSource;
  /** Receives the result; may be `sample` itself. @default a new array */
  readonly out?: Float32Array;
}

export interface AddNoiseInput {
  /** Clean latents, scaled as the VAE's configuration asks. */
  readonly original: Float32Array;
  /** N(0, 1), same length. */
  readonly noise: Float32Array;
  /** Position in `timesteps` whose noise level is wanted. */
  readonly index: number;
  /** Receives the result; may be `original` or `noise`. @default a new array */
  readonly out?: Float32Array;
}

/** The state of one denoising run: make one per image, as multistep methods remember earlier steps. */
export interface Scheduler {
  readonly className: SchedulerClassName;
  /** The timestep of each model call, descending. Not always whole numbers; second-order methods repeat entries. */
  readonly timesteps: readonly number[];
  /** Noise levels, one more than `timesteps`, for schedulers that are defined by them; else empty. */
  readonly sigmas: readonly number[];
  /** The first index to run: 0 unless `strength` shortens the run (image to image). */
  readonly startIndex: number;
  /** N(0, 1) times this is the initial sample of a run from pure noise. */
  readonly initNoiseSigma: number;
  /** True where `step` draws from `random`. */
  readonly needsNoise: boolean;
  /** The predicted clean latents of the last step, for previews; undefined before it. Valid until the next step: copy to keep. */
  readonly predictedOriginal: Float32Array | undefined;
  /** The factor between sample and model input at `index`: 1 for most schedulers, 1/sqrt(sigma^2 + 1) for the Euler family and Heun. */
  inputScale(index: number): number;
  /** The model's input at `index`: `sample` itself where the factor is 1, else a new array. */
  scaleModelInput(sample: Float32Array, index: number): Float32Array;
  /** The sample of the next timestep. @throws RangeError on a wrong length, a step out of order, or missing `random` */
  step(step: SchedulerStep): Float32Array;
  /** Clean latents brought to the noise level of `index`. */
  addNoise(input: AddNoiseInput): Float32Array;
}

export const schedulerClassNames = [
  "PNDMScheduler",
  "DDIMScheduler",
  "EulerDiscreteScheduler",
  "EulerAncestralDiscreteScheduler",
  "DPMSolverMultistepScheduler",
  "LCMScheduler",
  "UniPCMultistepScheduler",
  "HeunDiscreteScheduler",
] as const;

/** The `_class_name` values of a diffusers `scheduler_config.json` that are built here. */
export type SchedulerClassName = (typeof schedulerClassNames)[number];

/** One step as an algorithm gets it: lengths and order are checked, and `out` is present. */
export interface AlgorithmStep {
  readonly modelOutput: Float32Array;
  readonly sample: Float32Array;
  readonly index: number;
  /** May be the same array as `sample`: write each element after its last read. */
  readonly out: Float32Array;
  /** Fills an array with fresh N(0, 1) noise and returns it; only for algorithms with `needsNoise`. */
  readonly fillNoise: (target: Float32Array) => Float32Array;
}

/** Factors of a weighted sum of a clean and a noise array. */
export interface Mixture {
  readonly original: number;
  readonly noise: number;
}

/** The part that differs between schedulers, one file each; `createScheduler` adds the rest. */
export interface Algorithm {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
  readonly initNoiseSigma: number;
  readonly needsNoise: boolean;
  inputScale(index: number): number;
  /** The factors of `addNoise` at an index. */
  noiseMixture(index: number): Mixture;
  /** Writes the next sample into `step.out` and returns the predicted clean latents, valid until the next call. */
  advance(step: AlgorithmStep): Float32Array;
}

/** A scheduler configuration that cannot be honoured. `field` names the key of `scheduler_config.json` or the option at fault. */
export class SchedulerConfigError extends Error {
  override readonly name = "SchedulerConfigError";
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}
