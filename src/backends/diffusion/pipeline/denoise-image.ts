// The denoising loop: runs UNet and scheduler over all steps of one image.
import type { Denoiser } from "../unet/denoiser.ts";
import type { OnnxGraph } from "../../onnx/graph.ts";
import type { Scheduler } from "../schedulers/scheduler.ts";
import type { StartLatents } from "./start-latents.ts";
import type { NormalSource } from "../noise/torch-random.ts";

export interface DenoiseOptions {
  readonly scheduler: Scheduler;
  readonly denoiser: Denoiser;
  readonly unet: OnnxGraph;
  readonly start: StartLatents;
  readonly random: NormalSource;
  /**
   * Called after every step with the number of steps done. It yields to the event loop, and throws if the request was cancelled.
   * `predicted` are the scheduler's predicted clean latents, valid during the call.
   */
  readonly afterStep: (step: {
    readonly done: number;
    readonly steps: number;
    readonly predicted: Float32Array;
  }) => Promise<void>;
}

/** The clean latents, [4, height, width], in the array `start.sample`. */
export async function denoiseImage(options: DenoiseOptions): Promise<Float32Array> {
  const { scheduler, denoiser, unet, start, random, afterStep } = options;
  const { sample, keepUntouched, inpainting } = start;
  const { timesteps, startIndex } = scheduler;
  const steps = timesteps.length - startIndex;
  if (inpainting !== undefined) denoiser.setInpainting(inpainting);
  for (let index = startIndex; index < timesteps.length; index++) {
    const modelOutput = await denoiser.predict(unet, {
      sample,
      inputScale: scheduler.inputScale(index),
      timestep: timesteps[index]!,
    });
    scheduler.step({ modelOutput, sample, index, random, out: sample });
    keepUntouched?.(sample, index);
    await afterStep({ done: index - startIndex + 1, steps, predicted: scheduler.predictedOriginal ?? sample });
  }
  return sample;
}

/** The steps after which a preview is shown, spread evenly over `steps`, never the last; fewer than `count` if steps are few. */
export function previewSteps(count: number, steps: number): number[] {
  const places = Array.from({ length: count }, (_, i) => Math.round(((i + 1) * steps) / (count + 1)));
  return [...new Set(places)].filter((place) => place >= 1 && place < steps);
}
