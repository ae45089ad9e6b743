// Finds the samplers that can take the place of a folder's scheduler, for the message that refuses it.
import { textOr } from "../../../model-files/json-file.ts";
import type { DiffusionFolder } from "../folder/model-folder.ts";
import { createScheduler } from "../schedulers/create-scheduler.ts";
import { SchedulerConfigError } from "../schedulers/scheduler.ts";
import { samplerNames, type SamplerName } from "../schedulers/settings/sampler-override.ts";
import { schedulerConfigFor } from "./request-settings.ts";

/** Schedulers of diffusers that are not built here, with the sampler that is likest to each. */
const likest: Readonly<Record<string, SamplerName>> = {
  DDIMParallelScheduler: "ddim",
  DDPMParallelScheduler: "ddim",
  DDPMScheduler: "ddim",
  DEISMultistepScheduler: "dpmpp_2m",
  DPMSolverSDEScheduler: "euler_a",
  DPMSolverSinglestepScheduler: "dpmpp_2m",
  IPNDMScheduler: "pndm",
  KDPM2AncestralDiscreteScheduler: "euler_a",
  KDPM2DiscreteScheduler: "heun",
  LMSDiscreteScheduler: "euler",
  SASolverScheduler: "unipc",
  TCDScheduler: "lcm",
};

/** Schedulers whose models were trained on other noise levels than Stable Diffusion's, which no sampler can make up for. */
const otherNoise = /^(?:EDM|FlowMatch|CosineDPM|CMStochastic|SCM|ScoreSde|KarrasVe)/;

/** A sentence that says what to configure, or that nothing serves. */
export function adviseSampler(
  folder: Pick<DiffusionFolder, "family" | "schedulerConfig">,
  { steps }: { readonly steps: number },
): string {
  const className = textOr(folder.schedulerConfig["_class_name"], "");
  const serving = otherNoise.test(className) ? [] : samplerNames.filter((name) => runs(folder, { name, steps }));
  const first = serving.find((name) => name === likest[className]) ?? serving[0];
  if (first === undefined) return "No other scheduler would serve this model.";
  const others = serving.filter((name) => name !== first);
  return `\`scheduler: ${first}\` in the model's configuration would serve (so would ${others.join(", ")}).`;
}

function runs(
  folder: Pick<DiffusionFolder, "family" | "schedulerConfig">,
  { name, steps }: { readonly name: SamplerName; readonly steps: number },
): boolean {
  try {
    createScheduler(schedulerConfigFor(folder, name), { steps });
    return true;
  } catch (error) {
    if (error instanceof SchedulerConfigError) return false;
    throw error;
  }
}
