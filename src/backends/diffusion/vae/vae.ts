// Decodes latents to pixels and encodes pixels to latents. Large pictures are decoded in overlapping tiles, as the decoder's memory grows
// with the picture.
import type { NormalSource } from "../noise/torch-random.ts";
import { ServerError } from "../../../domain/errors.ts";
import type { DiffusionFolder } from "../folder/model-folder.ts";
import { FloatBuffer, type FloatResult, type OnnxGraph } from "../../onnx/graph.ts";
import { layOutTiles, type Tile } from "./tiles.ts";

const latentChannels = 4;
const colours = 3;

/** Pixels in [0, 255], interleaved RGB. */
export interface Pixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

export interface Latents {
  /** [4, height, width], scaled as the UNet sees them. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

export interface VaeOptions {
  readonly folder: Pick<DiffusionFolder, "latentScale" | "vaeScale">;
  /** Latent pixels of a side above which the picture is decoded in tiles. */
  readonly tileSize: number;
  /** Called after each tile; yields to the event loop, and throws if the request was cancelled. */
  readonly betweenRuns: () => Promise<void>;
}

export function assertVaeDecoder(graph: OnnxGraph): void {
  graph.assertInputs({ required: ["latent_sample"] });
  graph.floatTypeOf("latent_sample");
}

export function assertVaeEncoder(graph: OnnxGraph): void {
  graph.assertInputs({ required: ["sample"] });
  graph.floatTypeOf("sample");
}

/** @throws ServerError `internal` where the decoder gives NaN, as some do in half precision, or another shape than expected */
export async function decodeLatents(graph: OnnxGraph, latents: Latents, options: VaeOptions): Promise<Pixels> {
  const { width, height } = latents;
  const scale = options.folder.vaeScale;
  const picture = { width: width * scale, height: height * scale };
  if (width <= options.tileSize && height <= options.tileSize) {
    const values = await decodeRegion(graph, latents, { ...wholeOf(latents), folder: options.folder });
    return toPixels(values, picture);
  }
  const blended = new Float32Array(colours * picture.width * picture.height);
  for (const row of layOutTiles(height, { tile: options.tileSize, scale })) {
    for (const column of layOutTiles(width, { tile: options.tileSize, scale })) {
      const values = await decodeRegion(graph, latents, { row, column, folder: options.folder });
      addTile(blended, { values, row, column, scale, ...picture });
      await options.betweenRuns();
    }
  }
  return toPixels(blended, picture);
}

type Side = Pick<Tile, "start" | "length">;

function wholeOf({ width, height }: Latents): { row: Side; column: Side } {
  return { row: { start: 0, length: height }, column: { start: 0, length: width } };
}

/** Decodes a part of the latents: [3, height, width] of its pixels, about -1 to 1. */
async function decodeRegion(
  graph: OnnxGraph,
  latents: Latents,
  { row, column, folder }: { readonly row: Side; readonly column: Side; readonly folder: VaeOptions["folder"] },
): Promise<Float32Array> {
  const region = new Float32Array(latentChannels * row.length * column.length);
  let target = 0;
  for (let channel = 0; channel < latentChannels; channel++) {
    const [factor, shift] = [folder.latentScale.factors[channel]!, folder.latentScale.shifts[channel]!];
    for (let y = 0; y < row.length; y++) {
      const source = (channel * latents.height + row.start + y) * latents.width + column.start;
      for (let x = 0; x < column.length; x++) {
        region[target++] = latents.data[source + x]! / factor + shift;
      }
    }
  }
  const { data, dims } = await runOnOne(graph, {
    input: "latent_sample",
    values: region,
    dims: [latentChannels, row.length, column.length],
    outputs: ["sample"],
  });
  const expected = [colours, row.length * folder.vaeScale, column.length * folder.vaeScale];
  if (dims.length !== expected.length || dims.some((size, axis) => size !== expected[axis])) {
    throw new ServerError(
      "internal",
      `${graph.name} gave [${dims.join(", ")}] where [${expected.join(", ")}] was expected.`,
    );
  }
  return data;
}

/** Runs a graph on one picture, given and taken without the dimension of the batch; a graph of a fixed batch gets it several times. */
async function runOnOne(
  graph: OnnxGraph,
  {
    input,
    values,
    dims,
    outputs,
  }: {
    readonly input: string;
    readonly values: Float32Array;
    readonly dims: readonly number[];
    readonly outputs: readonly string[];
  },
): Promise<FloatResult> {
  const batch = graph.batchOf(input);
  const buffer = new FloatBuffer(graph.floatTypeOf(input), [batch, ...dims]);
  for (let i = 0; i < batch; i++) buffer.write(values, { offset: i * values.length });
  const output = graph.outputNamed([...outputs, ...graph.outputNames]);
  const result = await graph.runToFloat32({ [input]: buffer.tensor }, output);
  return { data: result.data.subarray(0, result.data.length / batch), dims: result.dims.slice(1) };
}

function addTile(
  blended: Float32Array,
  {
    values,
    row,
    column,
    scale,
    width,
    height,
  }: { values: Float32Array; row: Tile; column: Tile; scale: number; width: number; height: number },
): void {
  let source = 0;
  for (let colour = 0; colour < colours; colour++) {
    for (let y = 0; y < row.weights.length; y++) {
      const weight = row.weights[y]!;
      const target = (colour * height + row.start * scale + y) * width + column.start * scale;
      for (let x = 0; x < column.weights.length; x++) {
        blended[target + x]! += weight * column.weights[x]! * values[source++]!;
      }
    }
  }
}

/** [3, height, width], about -1 to 1, to interleaved bytes. A clamped array rounds and clamps as the reference does. */
function toPixels(
  values: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
): Pixels {
  const plane = width * height;
  const data = new Uint8ClampedArray(colours * plane);
  let checksum = 0;
  for (let i = 0, target = 0; i < plane; i++) {
    const red = values[i]!;
    const green = values[plane + i]!;
    const blue = values[2 * plane + i]!;
    checksum += red + green + blue;
    data[target++] = red * 127.5 + 127.5;
    data[target++] = green * 127.5 + 127.5;
    data[target++] = blue * 127.5 + 127.5;
  }
  if (Number.isNaN(checksum)) {
    throw new ServerError(
      "internal",
      "The model's VAE decoder gave values that are no numbers. Decoders in half precision may overflow: use a float32 vae_decoder.",
    );
  }
  return { data, width, height };
}

/** The VAE encoder's output for a picture: latents, or the parameters of a distribution of them, not yet scaled. */
export interface EncodedPicture {
  /** [4, height, width], or [8, height, width]: means, then logarithms of variances. */
  readonly data: Float32Array;
  readonly isDistribution: boolean;
  /** Latent pixels. */
  readonly width: number;
  readonly height: number;
}

/** @param hidden 1 at every pixel that the encoder must not see, and sees as 0 on its scale of -1 to 1 */
export async function encodePixels(
  graph: OnnxGraph,
  pixels: Pixels,
  { folder, hidden }: Pick<VaeOptions, "folder"> & { readonly hidden?: Uint8Array | "all" },
): Promise<EncodedPicture> {
  const { width, height, data } = pixels;
  const plane = width * height;
  const planar = new Float32Array(colours * plane);
  for (let i = 0; i < plane; i++) {
    if (hidden === "all" || hidden?.[i] === 1) continue;
    for (let colour = 0; colour < colours; colour++) {
      planar[colour * plane + i] = data[i * colours + colour]! / 127.5 - 1;
    }
  }
  const { data: encoded, dims } = await runOnOne(graph, {
    input: "sample",
    values: planar,
    dims: [colours, height, width],
    outputs: ["latent_parameters", "latent_sample"],
  });
  const size = { width: width / folder.vaeScale, height: height / folder.vaeScale };
  const length = latentChannels * size.width * size.height;
  if (encoded.length !== length && encoded.length !== 2 * length) {
    throw new ServerError("internal", `${graph.name} gave [${dims.join(", ")}] for a picture of ${width} x ${height}.`);
  }
  return { data: encoded, isDistribution: encoded.length === 2 * length, ...size };
}

/** Scaled latents for the UNet. A distribution is sampled with `random`, as in the reference; latents are taken as they are. */
export function sampleLatents(
  { data, isDistribution, width, height }: EncodedPicture,
  { folder, random }: Pick<VaeOptions, "folder"> & { readonly random: NormalSource },
): Latents {
  const plane = width * height;
  const length = latentChannels * plane;
  const { factors, shifts } = folder.latentScale;
  const latents = new Float32Array(length);
  if (isDistribution) random.fillNormal(latents);
  for (let i = 0; i < length; i++) {
    const spread = isDistribution ? Math.exp(0.5 * Math.min(20, Math.max(-30, data[length + i]!))) : 0;
    const channel = Math.floor(i / plane);
    latents[i] = (data[i]! + spread * latents[i]! - shifts[channel]!) * factors[channel]!;
  }
  return { data: latents, width, height };
}
