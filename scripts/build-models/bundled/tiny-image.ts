// Writes tiny-image, a complete Stable Diffusion 1 folder, small enough to draw 512 x 512 pixels in a second or two on one core.

import { writeDiffusionFolder } from "../shapes/diffusion-folder.ts";
import { trainClipBpe } from "../tokenizers/bpe.ts";
import { readCorpus } from "./corpus.ts";

export const tinyImageSeed = 8486;
const vocabularySize = 1024;

/** Writes the whole folder. */
export function writeTinyImage(folder: string): void {
  writeDiffusionFolder(folder, {
    seed: tinyImageSeed,
    pipeline: "OnnxStableDiffusionPipeline",
    vocabulary: trainClipBpe(readCorpus(), vocabularySize),
    textEncoder: {
      shape: { layers: 2, width: 64, heads: 4, feedForward: 256, vocabulary: vocabularySize, positions: 77 },
    },
    unet: {
      shape: {
        channels: [24, 48, 64],
        layersPerLevel: 1,
        attentionDepths: [0, 1, 1],
        heads: [1, 2, 2],
        groups: 8,
        contextWidth: 64,
      },
    },
    // No attention in the middle, which would take gigabytes at 1024 x 1024.
    vae: { channels: [8, 16, 24, 32], layersPerLevel: 1, groups: 8, attention: false },
    storage: "float16",
    scheduler: { className: "PNDMScheduler" },
  });
}
