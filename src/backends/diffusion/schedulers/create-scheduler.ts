// Creates the scheduler that a model folder's configuration describes. No other file knows all algorithms.
import type { NormalSource } from "../noise/torch-random.ts";
import { combine2, scale } from "./arithmetic/combine.ts";
import { createDdim } from "./ddim.ts";
import { createDpmMultistep } from "./dpm-multistep.ts";
import { createEuler, createEulerAncestral } from "./euler.ts";
import { createHeun } from "./heun.ts";
import { createLcm } from "./lcm.ts";
import { createPndm } from "./pndm.ts";
import {
  SchedulerConfigError,
  type AddNoiseInput,
  type Algorithm,
  type Scheduler,
  type SchedulerStep,
} from "./scheduler.ts";
import { readSchedulerSettings, type SchedulerConfig, type SchedulerSettings } from "./settings/scheduler-settings.ts";
import { createUniPc } from "./unipc.ts";

export interface SchedulerOptions {
  /** Denoising steps, 1 to the model's training timesteps. Second-order methods make more model calls than steps. */
  readonly steps: number;
  /** Image to image: the share of the steps that are run, in (0, 1]. @default 1, a run from pure noise */
  readonly strength?: number;
  /**
   * LCM only: `strength` chooses among the lower timesteps and all steps are run, as in the image-to-image pipeline of LCM itself. Else
   * the first of the steps are skipped, as in all other pipelines. @default false
   */
  readonly shortensSchedule?: boolean;
  /** DDIM only: share of fresh noise per step, in [0, 1]. @default 0 */
  readonly eta?: number;
}

/**
 * Builds the scheduler that a diffusers `scheduler_config.json` describes.
 * @throws SchedulerConfigError naming the key or option that cannot be honoured
 */
export function createScheduler(config: SchedulerConfig, options: SchedulerOptions): Scheduler {
  const settings = readSchedulerSettings(config);
  const { steps, strength = 1, eta = 0 } = options;
  const shortensSchedule = settings.className === "LCMScheduler" && options.shortensSchedule === true;
  const resolved = { steps, strength, eta, shortensSchedule };
  assertOptions(settings, resolved);
  const algorithm = createAlgorithm(settings, resolved);
  assertTimesteps(settings, algorithm);
  assertSignal(settings, algorithm);
  return attach(settings, { algorithm, startIndex: startIndexOf(settings, resolved) });
}

function createAlgorithm(settings: SchedulerSettings, options: Required<SchedulerOptions>): Algorithm {
  const { steps, strength, eta, shortensSchedule } = options;
  switch (settings.className) {
    case "PNDMScheduler":
      return createPndm(settings, steps);
    case "DDIMScheduler":
      return createDdim(settings, steps, { eta });
    case "EulerDiscreteScheduler":
      return createEuler(settings, steps);
    case "EulerAncestralDiscreteScheduler":
      return createEulerAncestral(settings, steps);
    case "DPMSolverMultistepScheduler":
      return createDpmMultistep(settings, steps);
    case "LCMScheduler":
      return createLcm(settings, steps, { strength: shortensSchedule ? strength : 1 });
    case "UniPCMultistepScheduler":
      return createUniPc(settings, steps);
    case "HeunDiscreteScheduler":
      return createHeun(settings, steps);
  }
}

/**
 * The first index of an image-to-image run: diffusers' `get_timesteps`. Heun has two entries per step. PNDM's repeated entry counts as
 * a step, as in the reference.
 */
function startIndexOf(
  settings: SchedulerSettings,
  { steps, strength, shortensSchedule }: Required<SchedulerOptions>,
): number {
  if (shortensSchedule) return 0;
  const skipped = steps - Math.min(Math.trunc(steps * strength), steps);
  return settings.className === "HeunDiscreteScheduler" ? skipped * 2 : skipped;
}

function attach(
  settings: SchedulerSettings,
  { algorithm, startIndex }: { algorithm: Algorithm; startIndex: number },
): Scheduler {
  const { timesteps, sigmas, initNoiseSigma, needsNoise } = algorithm;
  let nextIndex = startIndex;
  let predictedOriginal: Float32Array | undefined;

  function step({ modelOutput, sample, index, random, out }: SchedulerStep): Float32Array {
    if (index !== nextIndex || index >= timesteps.length) {
      throw new RangeError(`step ${index} out of order: ${nextIndex} of ${timesteps.length} is next`);
    }
    const result = out ?? new Float32Array(sample.length);
    assertSameLength(sample, modelOutput, result);
    if (needsNoise && random === undefined) {
      throw new RangeError(`${settings.className} draws noise at every step and needs a random source`);
    }
    const fillNoise = (target: Float32Array) => (random as NormalSource).fillNormal(target);
    predictedOriginal = algorithm.advance({ modelOutput, sample, index, out: result, fillNoise });
    nextIndex++;
    return result;
  }

  function addNoise({ original, noise, index, out }: AddNoiseInput): Float32Array {
    assertIndex(index, timesteps.length);
    const result = out ?? new Float32Array(original.length);
    assertSameLength(original, noise, result);
    const mixture = algorithm.noiseMixture(index);
    return combine2(result, [mixture.original, mixture.noise], [original, noise]);
  }

  function inputScale(index: number): number {
    assertIndex(index, timesteps.length);
    return algorithm.inputScale(index);
  }

  return {
    className: settings.className,
    timesteps,
    sigmas,
    startIndex,
    initNoiseSigma,
    needsNoise,
    get predictedOriginal() {
      return predictedOriginal;
    },
    inputScale,
    scaleModelInput(sample, index) {
      const factor = inputScale(index);
      return factor === 1 ? sample : scale(new Float32Array(sample.length), factor, sample);
    },
    step,
    addNoise,
  };
}

function assertOptions(
  settings: SchedulerSettings,
  { steps, strength, eta, shortensSchedule }: Required<SchedulerOptions>,
): void {
  const { className, trainTimesteps } = settings;
  if (!Number.isInteger(steps) || steps < 1 || steps > trainTimesteps) {
    throw new SchedulerConfigError("steps", `steps must be a whole number from 1 to ${trainTimesteps}; got ${steps}`);
  }
  if (!(strength > 0 && strength <= 1)) {
    throw new SchedulerConfigError("strength", `strength must be above 0 and at most 1; got ${strength}`);
  }
  if (Math.trunc(steps * strength) < 1 && !shortensSchedule) {
    throw new SchedulerConfigError("strength", `strength ${strength} leaves none of ${steps} steps to run`);
  }
  if (strength < 1 && className === "PNDMScheduler" && !settings.skipPrkSteps) {
    const message = "PNDMScheduler with Runge-Kutta warm-up cannot begin in the middle; set skip_prk_steps";
    throw new SchedulerConfigError("skip_prk_steps", message);
  }
  if (!(eta >= 0 && eta <= 1)) {
    throw new SchedulerConfigError("eta", `eta must be between 0 and 1; got ${eta}`);
  }
  if (eta > 0 && className !== "DDIMScheduler") {
    throw new SchedulerConfigError("eta", `eta belongs to DDIMScheduler; ${className} has none`);
  }
}

/** Classes without sigmas look timesteps up in the training table, and an offset may lead past its end. */
function assertTimesteps(settings: SchedulerSettings, { sigmas, timesteps }: Algorithm): void {
  const { trainTimesteps, stepsOffset } = settings;
  if (sigmas.length === 0 && timesteps.some((timestep) => timestep < 0 || timestep >= trainTimesteps)) {
    const message = `steps_offset ${stepsOffset} leads outside the model's ${trainTimesteps} timesteps; take fewer steps`;
    throw new SchedulerConfigError("steps_offset", message);
  }
}

/** With zero terminal SNR the first sample can be pure noise, from which no epsilon prediction can be turned into a picture. */
function assertSignal({ className, predictionType }: SchedulerSettings, algorithm: Algorithm): void {
  if (predictionType === "epsilon" && algorithm.noiseMixture(0).original === 0) {
    const message = `${className} begins at zero signal (rescale_betas_zero_snr), where epsilon predicts nothing; it needs v_prediction`;
    throw new SchedulerConfigError("prediction_type", message);
  }
}

function assertIndex(index: number, count: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new RangeError(`index must be from 0 to ${count - 1}; got ${index}`);
  }
}

function assertSameLength(...arrays: readonly Float32Array[]): void {
  if (arrays.some((array) => array.length !== arrays[0]!.length)) {
    throw new RangeError(`arrays differ in length: ${arrays.map((array) => array.length).join(", ")}`);
  }
}
