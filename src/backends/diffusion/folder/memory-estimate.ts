// What a loaded model will hold at its peak, from its files and configurations: weights, and the largest activations of a step and of a
// decode. An estimate for the ledger and for the choice between one batch of guidance and two runs.
import { constrainedMemory } from "node:process";
import { totalmem } from "node:os";
import type { ImageSize } from "../../../domain/image.ts";
import { numberOr } from "../../../model-files/json-file.ts";
import type { DiffusionFolder, GraphName } from "./model-folder.ts";
import type { GraphWeights } from "../../../model-files/onnx/graph-weights.ts";

const floatBytes = 4;
/** A process with the runtime and sharp, before any weights. */
const processBytes = 110 * 2 ** 20;
/** Full-size feature maps that live at once in a residual block of the decoder: 4.2 to 4.4 measured. */
const decoderMaps = 5;

type Configs = Pick<DiffusionFolder, "unetConfig" | "vaeConfig" | "vaeScale">;

/**
 * Bytes of activations of one UNet run: scores of self-attention before and after the softmax at the first level that has it, and
 * feature maps. Measured at 512x512 with 4 heads: 533 MB for one, 1038 MB for a batch of two, of which scores are all but a few.
 */
export function unetActivationBytes(
  { unetConfig, vaeScale }: Configs,
  { size, batch }: { readonly size: ImageSize; readonly batch: number },
): number {
  const channels = numbersOf(unetConfig["block_out_channels"], [320, 640, 1280, 1280]);
  const heads = numbersOf(unetConfig["attention_head_dim"], [8]);
  const types = Array.isArray(unetConfig["down_block_types"]) ? unetConfig["down_block_types"] : [];
  const level = Math.max(
    0,
    types.findIndex((type) => String(type).startsWith("CrossAttn")),
  );
  const area = (size.width / vaeScale) * (size.height / vaeScale);
  const tokens = area / 4 ** level;
  const scores = (heads[level] ?? heads[0] ?? 8) * tokens * tokens * 2;
  const maps = (channels[0] ?? 320) * area * 8;
  return Math.round(batch * (scores + maps) * floatBytes);
}

/** Bytes of activations of one decode of `size`, or of a tile of it. */
export function decodeActivationBytes(
  { vaeConfig, vaeScale }: Configs,
  { size, tileSize }: { readonly size: ImageSize; readonly tileSize: number },
): number {
  const channels = numbersOf(vaeConfig["block_out_channels"], [128, 256, 512, 512]);
  const tile = tileSize * vaeScale;
  const area = Math.min(size.width, tile) * Math.min(size.height, tile);
  // The second level works at full size with twice the channels of the first before it narrows.
  const widest = Math.max(channels[0] ?? 128, channels[1] ?? 0);
  const maps = widest * area * decoderMaps;
  const attends = vaeConfig["_class_name"] !== "AutoencoderTiny" && vaeConfig["mid_block_add_attention"] !== false;
  const scores = attends ? 2 * (area / vaeScale ** 2) ** 2 : 0;
  return Math.round(Math.max(maps, scores) * floatBytes);
}

/**
 * What a graph takes once it is loaded. Weights in the graph's own file are there twice, as read and as arranged for the processor;
 * those in files of their own are mapped. Measured on a UNet of 140 MB: 289 MB inside, 169 MB outside, and 282 MB for 70 MB in half
 * precision inside, which the CPU widens.
 */
export function loadedWeightBytes(
  { graphBytes, externalBytes }: Pick<GraphWeights, "graphBytes" | "externalBytes">,
  { widened }: { readonly widened: boolean },
): number {
  return Math.round((graphBytes * 2.1 + externalBytes * 1.25) * (widened ? 2 : 1));
}

/** Bytes of all weights that are in memory at once. */
export function residentWeightBytes(
  weights: ReadonlyMap<GraphName, number>,
  { lowMemory }: { readonly lowMemory: boolean },
): number {
  const bytes = (name: GraphName): number => weights.get(name) ?? 0;
  // Previews keep the decoder beside the UNet.
  if (lowMemory) return Math.max(bytes("unet") + bytes("vae_decoder"), bytes("text_encoder"), bytes("text_encoder_2"));
  return [...weights.values()].reduce((sum, size) => sum + size, 0);
}

export function estimateMemoryBytes(
  folder: Configs,
  {
    weights,
    lowMemory,
    size,
    batch,
    tileSize,
  }: {
    readonly weights: ReadonlyMap<GraphName, number>;
    readonly lowMemory: boolean;
    readonly size: ImageSize;
    readonly batch: number;
    readonly tileSize: number;
  },
): number {
  const parts = [unetActivationBytes(folder, { size, batch }), decodeActivationBytes(folder, { size, tileSize })];
  // A session keeps what its runs once took, until it is released.
  const activations = lowMemory ? Math.max(...parts) : parts.reduce((sum, part) => sum + part, 0);
  return processBytes + residentWeightBytes(weights, { lowMemory }) + activations;
}

/**
 * Whether guidance runs as one batch of two: where its activations take no more than an eighth of the machine's memory. What is free
 * at the moment is not asked, as the same request must give the same bytes.
 */
export function fitsAsBatch(folder: Configs, { size }: { readonly size: ImageSize }): boolean {
  const limit = constrainedMemory();
  const memoryBytes = limit > 0 && limit < totalmem() ? limit : totalmem();
  return unetActivationBytes(folder, { size, batch: 2 }) <= memoryBytes / 8;
}

function numbersOf(value: unknown, fallback: readonly number[]): readonly number[] {
  if (typeof value === "number") return [value];
  if (!Array.isArray(value)) return fallback;
  return value.map((entry: unknown) => numberOr(entry, 0));
}
