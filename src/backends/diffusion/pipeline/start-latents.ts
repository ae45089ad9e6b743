// Makes the latents that an image begins with: noise from the seed, or a picture brought to the noise level of the first step, and for
// inpainting the means to keep the unmasked places. Draws from the generator in the reference's order, so that a seed means the same.
// Reference: diffusers' StableDiffusionPipeline, StableDiffusionImg2ImgPipeline and StableDiffusionInpaintPipeline `prepare_latents`.
import type { TorchGenerator } from "../noise/torch-random.ts";
import type { Scheduler } from "../schedulers/scheduler.ts";
import {
  encodePixels,
  sampleLatents,
  type EncodedPicture,
  type Latents,
  type Pixels,
  type VaeOptions,
} from "../vae/vae.ts";
import type { OnnxGraph } from "../../onnx/graph.ts";

const latentChannels = 4;

/** A picture to start from, at the size that is generated. */
export interface EditInput {
  readonly pixels: Pixels;
  /** [height, width] of the pixels, 1 = paint anew, 0 = keep. Undefined where the whole picture is painted anew. */
  readonly mask: Uint8Array | undefined;
}

/** A picture to start from after the VAE encoder, the same for all images of a request. */
export interface EncodedEdit {
  readonly input: EditInput;
  readonly strength: number;
  readonly folder: VaeOptions["folder"];
  /** Undefined where the run begins with noise and keeps nothing. */
  readonly picture: EncodedPicture | undefined;
  /** Inpainting models: the picture without what the mask covers. */
  readonly masked: EncodedPicture | undefined;
}

export interface StartOptions {
  readonly scheduler: Scheduler;
  readonly random: TorchGenerator;
  /** Latent pixels. */
  readonly width: number;
  readonly height: number;
  readonly edit: EncodedEdit | undefined;
}

export interface StartLatents {
  /** [4, height, width]; becomes the running sample. */
  readonly sample: Float32Array;
  /** Inpainting with an ordinary UNet: sets the kept places back to the picture after step `index`. */
  readonly keepUntouched: ((sample: Float32Array, index: number) => void) | undefined;
  /** Inpainting models: mask and latents of the masked picture, [5, height, width]. */
  readonly inpainting: Float32Array | undefined;
}

/** Encodes the pictures of an edit. An inpainting model at full strength needs only the masked one. */
export async function encodeEdit(
  encoder: OnnxGraph,
  {
    input,
    strength,
    folder,
    inputChannels,
  }: Pick<EncodedEdit, "input" | "strength" | "folder"> & { readonly inputChannels: 4 | 9 },
): Promise<EncodedEdit> {
  const isInpainting = inputChannels === 9;
  return {
    input,
    strength,
    folder,
    picture: isInpainting && strength >= 1 ? undefined : await encodePixels(encoder, input.pixels, { folder }),
    masked: isInpainting
      ? await encodePixels(encoder, input.pixels, { folder, hidden: input.mask ?? "all" })
      : undefined,
  };
}

export function prepareLatents({ scheduler, random, width, height, edit }: StartOptions): StartLatents {
  const length = latentChannels * width * height;
  if (edit === undefined) {
    const sample = scaleInPlace(random.randn(length), scheduler.initNoiseSigma);
    return { sample, keepUntouched: undefined, inpainting: undefined };
  }
  const { input, strength, folder, picture, masked } = edit;
  const original = picture === undefined ? undefined : sampleLatents(picture, { folder, random });
  const noise = random.randn(length);
  const fromNoise = original === undefined || (strength >= 1 && input.mask !== undefined);
  const sample = fromNoise
    ? scaleInPlace(noise.slice(), scheduler.initNoiseSigma)
    : scheduler.addNoise({ original: original.data, noise, index: scheduler.startIndex });
  const mask = latentMask(input, { width, height });
  const keeps = masked === undefined && original !== undefined && input.mask !== undefined;
  // The reference encodes the masked picture for every UNet, and an ordinary one ignores it. Its draw moves the noise of the steps.
  if (keeps && picture?.isDistribution === true) random.randn(length);
  return {
    sample,
    keepUntouched: keeps ? createKeeper({ scheduler, original, noise, mask }) : undefined,
    inpainting: masked === undefined ? undefined : joinInpainting(mask, sampleLatents(masked, { folder, random })),
  };
}

/** Sets the kept places to the picture at the noise level of the next step; after the last step, to the picture without noise. */
function createKeeper({
  scheduler,
  original,
  noise,
  mask,
}: {
  readonly scheduler: Scheduler;
  readonly original: Latents;
  readonly noise: Float32Array;
  readonly mask: Float32Array;
}): (sample: Float32Array, index: number) => void {
  const noisy = new Float32Array(original.data.length);
  return (sample, index) => {
    const isLast = index + 1 >= scheduler.timesteps.length;
    const kept = isLast
      ? original.data
      : scheduler.addNoise({ original: original.data, noise, index: index + 1, out: noisy });
    for (let i = 0; i < sample.length; i++) {
      if (mask[i % mask.length] === 0) sample[i] = kept[i]!;
    }
  };
}

/** The mask at the size of the latents; each takes its upper left pixel, as the reference's `nearest` does. All 1 without a mask. */
function latentMask(
  { pixels, mask }: EditInput,
  { width, height }: { readonly width: number; readonly height: number },
): Float32Array {
  const small = new Float32Array(width * height).fill(1);
  if (mask === undefined) return small;
  const scale = pixels.width / width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      small[y * width + x] = mask[Math.floor(y * scale) * pixels.width + Math.floor(x * scale)]!;
    }
  }
  return small;
}

function joinInpainting(mask: Float32Array, masked: Latents): Float32Array {
  const channels = new Float32Array(mask.length + masked.data.length);
  channels.set(mask);
  channels.set(masked.data, mask.length);
  return channels;
}

function scaleInPlace(values: Float32Array, factor: number): Float32Array {
  if (factor === 1) return values;
  for (let i = 0; i < values.length; i++) values[i]! *= factor;
  return values;
}
