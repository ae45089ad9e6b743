// Estimates the peak memory of a loaded model from its files and configurations: weights, and the largest activations of a step and of a
// decode. The estimate counts against the memory budget and decides whether guidance runs as one batch or as two runs.
import { constrainedMemory } from "node:process";
import { totalmem } from "node:os";
import type { ImageSize } from "../../../domain/image.ts";
import { numberOr } from "../../../model-files/json-file.ts";
import type { DiffusionFolder, GraphName } from "./model-folder.ts";
import type { GraphWeights } from "../../../model-files/onnx/graph-weights.ts";

const floatBytes = 4;
/** Bytes of a process with the runtime and sharp, without weights. */
const processBytes = 110 * 2 ** 20;
/** Feature maps of full size that are alive at once in a residual block of the decoder; measured were 4.2 to 4.4. */
const decoderMaps = 5;

type Configs = Pick<DiffusionFolder, "unetConfig" | "vaeConfig" | "vaeScale">;

/**
 * Bytes of activations of one UNet run: the scores of self-attention, before and after the softmax, at the first level that has it, and
 * feature maps. Measured at 512x512 with 4 heads: 533 MB, and 1038 MB for a batch of two; nearly all of it are scores.
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

/** Bytes of activations of one decode of a picture of `size`, or of a tile where it is larger than `tileSize` latent pixels. */
export function decodeActivationBytes(
  { vaeConfig, vaeScale }: Configs,
  { size, tileSize }: { readonly size: ImageSize; readonly tileSize: number },
): number {
  const channels = numbersOf(vaeConfig["block_out_channels"], [128, 256, 512, 512]);
  const tile = tileSize * vaeScale;
  const area = Math.min(size.width, tile) * Math.min(size.height, tile);
  // At full size the decoder still has the channels of its second level, before it narrows to those of the first.
  const widest = Math.max(channels[0] ?? 128, channels[1] ?? 0);
  const maps = widest * area * decoderMaps;
  const attends = vaeConfig["_class_name"] !== "AutoencoderTiny" && vaeConfig["mid_block_add_attention"] !== false;
  const scores = attends ? 2 * (area / vaeScale ** 2) ** 2 : 0;
  return Math.round(Math.max(maps, scores) * floatBytes);
}

/**
 * Bytes of a loaded graph. Weights inside the graph's file are in memory twice, as read and as arranged for the processor; those in
 * files of their own are mapped. Measured on a UNet of 140 MB: 289 MB inside, 169 MB outside; 70 MB in half precision inside, which the
 * CPU widens, took 282 MB.
 */
export function loadedWeightBytes(
  { graphBytes, externalBytes }: Pick<GraphWeights, "graphBytes" | "externalBytes">,
  { widened }: { readonly widened: boolean },
): number {
  return Math.round((graphBytes * 2.1 + externalBytes * 1.25) * (widened ? 2 : 1));
}

/** Bytes of the weights that are in memory at once. */
export function residentWeightBytes(
  weights: ReadonlyMap<GraphName, number>,
  { lowMemory }: { readonly lowMemory: boolean },
): number {
  const bytes = (name: GraphName): number => weights.get(name) ?? 0;
  // Previews keep the decoder beside the UNet.
  if (lowMemory) return Math.max(bytes("unet") + bytes("vae_decoder"), bytes("text_encoder"), bytes("text_encoder_2"));
  return [...weights.values()].reduce((sum, size) => sum + size, 0);
}

/** Bytes of the whole process at its peak; `weights` from {@link loadedWeightBytes}, `batch` = pictures in one UNet run. */
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
  // A session keeps the memory of its largest run until it is released.
  const activations = lowMemory ? Math.max(...parts) : parts.reduce((sum, part) => sum + part, 0);
  return processBytes + residentWeightBytes(weights, { lowMemory }) + activations;
}

/**
 * Whether guidance runs as one batch of two: where its activations take at most an eighth of the machine's memory. The memory free at
 * the moment does not count, as the same request must give the same bytes.
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
