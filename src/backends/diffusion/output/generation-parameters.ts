// Formats the text that image tools write into a PNG under `parameters` and read back to make the picture again, in the layout that
// AUTOMATIC1111's web interface introduced: prompt, negative prompt, one line of settings.
import type { ImageSize } from "../../../domain/image.ts";
import { textOr } from "../../../model-files/json-file.ts";
import type { SchedulerConfig } from "../schedulers/settings/scheduler-settings.ts";

export interface GenerationParameters {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly steps: number;
  readonly sampler: string;
  readonly guidanceScale: number;
  readonly seed: number;
  /** The size that was generated, before any resampling. */
  readonly size: ImageSize;
  /** The size that was asked for. */
  readonly outputSize: ImageSize;
  readonly model: string;
  readonly strength?: number | undefined;
}

export function formatParameters(parameters: GenerationParameters): string {
  const { prompt, negativePrompt, size, outputSize, strength } = parameters;
  const settings: [string, string][] = [
    ["Steps", String(parameters.steps)],
    ["Sampler", parameters.sampler],
    ["CFG scale", String(parameters.guidanceScale)],
    ["Seed", String(parameters.seed)],
    ["Size", `${size.width}x${size.height}`],
    ["Model", parameters.model],
  ];
  if (strength !== undefined) settings.push(["Denoising strength", String(strength)]);
  if (size.width !== outputSize.width || size.height !== outputSize.height) {
    settings.push(["Upscaled to", `${outputSize.width}x${outputSize.height}`]);
  }
  return [
    prompt,
    ...(negativePrompt === "" ? [] : [`Negative prompt: ${negativePrompt}`]),
    settings.map(([name, value]) => `${name}: ${quoted(value)}`).join(", "),
  ].join("\n");
}

/** Writes a value that has a separator in it as JSON, or readers would cut it there. */
function quoted(value: string): string {
  return /[,:\n]/.test(value) ? JSON.stringify(value) : value;
}

const samplerTitles: Readonly<Record<string, string>> = {
  PNDMScheduler: "PLMS",
  DDIMScheduler: "DDIM",
  EulerDiscreteScheduler: "Euler",
  EulerAncestralDiscreteScheduler: "Euler a",
  DPMSolverMultistepScheduler: "DPM++ 2M",
  LCMScheduler: "LCM",
  UniPCMultistepScheduler: "UniPC",
  HeunDiscreteScheduler: "Heun",
};

/** The sampler's name in AUTOMATIC1111's web interface. */
export function samplerTitle(config: SchedulerConfig): string {
  const className = textOr(config["_class_name"], "");
  const title = samplerTitles[className] ?? className;
  return config["use_karras_sigmas"] === true ? `${title} Karras` : title;
}
