// Resolves the settings of a request from its fields and the model's configuration: steps, guidance, scheduler, seed. What a scheduler
// would refuse is refused here, before the request is accepted.
//
// `quality` scales the model's default steps: low 0.6, medium and auto 1, high 1.6 (rounded up). `style` scales the default guidance:
// vivid 1.2, natural 0.8. They do not change steps and guidance that a request states.
import { randomInt } from "node:crypto";
import { ServerError } from "../../../domain/errors.ts";
import type { ImageEditRequest, ImageRequest } from "../../../domain/image.ts";
import type { ImageModelOptions } from "../../../domain/model.ts";
import type { DiffusionFolder, Distillation } from "../folder/model-folder.ts";
import { createScheduler } from "../schedulers/create-scheduler.ts";
import {
  isSamplerName,
  samplerNames,
  withInpaintingCorrections,
  withSampler,
  withStableDiffusionCorrections,
} from "../schedulers/settings/sampler-override.ts";
import { SchedulerConfigError, type Scheduler } from "../schedulers/scheduler.ts";
import type { SchedulerConfig } from "../schedulers/settings/scheduler-settings.ts";

export interface RequestSettings {
  readonly steps: number;
  readonly guidanceScale: number;
  /** Whether the UNet also runs on the negative prompt. */
  readonly guided: boolean;
  /** `null` where neither the request nor the configuration has one, not even an empty one. */
  readonly negativePrompt: string | null;
  readonly schedulerConfig: SchedulerConfig;
  /** Edits: the share of the steps that are run, in (0, 1]; undefined for pictures from noise alone. */
  readonly strength: number | undefined;
  /** What `strength` means to an LCM scheduler ({@link SchedulerOptions.shortensSchedule}). */
  readonly shortensSchedule: boolean;
  readonly seed: number;
}

export interface ModelDefaults {
  readonly steps: number;
  readonly guidanceScale: number;
}

const qualityFactors = { low: 0.6, auto: 1, medium: 1, high: 1.6 } as const;
const styleFactors = { vivid: 1.2, natural: 0.8 } as const;
const randomSeedLimit = 2 ** 32;

const distillationDefaults: Readonly<Record<Distillation, ModelDefaults>> = {
  none: { steps: 25, guidanceScale: 7.5 },
  turbo: { steps: 1, guidanceScale: 0 },
  lightning: { steps: 4, guidanceScale: 0 },
  lcm: { steps: 4, guidanceScale: 1.5 },
};

/** What a UNet of LCM that takes the guidance as an input was trained for; the others get it by a second run of the UNet. */
const toldGuidanceScale = 8.5;

/** The configuration's values, else the usual ones of the model's distillation. */
export function modelDefaults(
  options: Pick<ImageModelOptions, "steps" | "guidanceScale">,
  { distillation, toldGuidance }: { readonly distillation: Distillation; readonly toldGuidance: boolean },
): ModelDefaults {
  const usual = distillationDefaults[distillation];
  return {
    steps: options.steps ?? usual.steps,
    guidanceScale: options.guidanceScale ?? (toldGuidance ? toldGuidanceScale : usual.guidanceScale),
  };
}

/** @throws ServerError `invalid_value` naming the field and the values that work */
export function resolveSettings(
  request: ImageRequest,
  {
    options,
    folder,
    toldGuidance,
    edit,
  }: {
    readonly options: ImageModelOptions;
    readonly folder: Pick<
      DiffusionFolder,
      "distillation" | "family" | "inputChannels" | "latentConsistency" | "schedulerConfig"
    >;
    /** The guidance scale is an input of the UNet (LCM), so it needs no second pass. */
    readonly toldGuidance: boolean;
    readonly edit?: Pick<ImageEditRequest, "strength" | "mask">;
  },
): RequestSettings {
  const defaults = modelDefaults(options, { distillation: folder.distillation, toldGuidance });
  const steps = request.steps ?? Math.max(1, Math.ceil(defaults.steps * qualityFactors[request.quality] - 1e-9));
  const styled = request.style === null ? 1 : styleFactors[request.style];
  const guidanceScale = request.guidanceScale ?? Number((defaults.guidanceScale * styled).toFixed(6));
  const schedulerConfig = schedulerConfigFor(folder, request.scheduler ?? options.scheduler);
  const isMasked = edit !== undefined && (edit.mask !== null || folder.inputChannels === 9);
  const settings: RequestSettings = {
    steps,
    guidanceScale,
    guided: guidanceScale > 1 && !toldGuidance,
    negativePrompt: request.negativePrompt ?? options.negativePrompt,
    schedulerConfig: isMasked && folder.family === "sd" ? withInpaintingCorrections(schedulerConfig) : schedulerConfig,
    strength: edit === undefined ? undefined : (edit.strength ?? (edit.mask === null ? 0.8 : 1)),
    // diffusers has no pipeline of LCM for masks: its ordinary one takes its place.
    shortensSchedule: folder.latentConsistency && edit?.mask === null,
    seed: request.seed ?? randomInt(randomSeedLimit),
  };
  schedulerOf(settings, request);
  return settings;
}

/** A new scheduler for one image. @throws ServerError `invalid_value` where it cannot run these settings */
export function schedulerOf(
  {
    schedulerConfig,
    steps,
    strength,
    shortensSchedule,
  }: Pick<RequestSettings, "schedulerConfig" | "steps" | "strength" | "shortensSchedule">,
  request: Pick<ImageRequest, "steps" | "scheduler"> = {},
): Scheduler {
  try {
    return createScheduler(schedulerConfig, {
      steps,
      shortensSchedule,
      ...(strength === undefined ? {} : { strength }),
    });
  } catch (error) {
    if (!(error instanceof SchedulerConfigError)) throw error;
    throw new ServerError(
      "invalid_value",
      { message: `${error.message}.`, param: paramOf(error, request) },
      { cause: error },
    );
  }
}

/** The folder's scheduler, or the one named. @throws ServerError `invalid_value` for an unknown name, naming the known ones */
export function schedulerConfigFor(
  { family, schedulerConfig }: Pick<DiffusionFolder, "family" | "schedulerConfig">,
  name: string | null,
): SchedulerConfig {
  const corrected = family === "sd" ? withStableDiffusionCorrections(schedulerConfig) : schedulerConfig;
  if (name === null) return corrected;
  if (isSamplerName(name)) return withSampler(corrected, name);
  throw new ServerError("invalid_value", {
    message: `Unknown scheduler '${name}'. There are: ${samplerNames.join(", ")}.`,
    param: "scheduler",
  });
}

/** The request's field that a scheduler's complaint is about. */
function paramOf({ field }: SchedulerConfigError, request: Pick<ImageRequest, "steps" | "scheduler">): string {
  if (field === "steps" || field === "strength") return field;
  return request.scheduler === undefined && request.steps !== undefined ? "steps" : "scheduler";
}
