// The runs by which devices are compared for a VAE: one small picture each way.
import type { OnnxGraph } from "../../onnx/graph.ts";
import type { DiffusionFolder } from "../folder/model-folder.ts";
import { TorchGenerator } from "../noise/torch-random.ts";
import { decodeLatents, encodePixels } from "./vae.ts";

/** In latent pixels, where the graph leaves its size open. */
const side = 16;

export async function rehearseDecoder(graph: OnnxGraph, folder: DiffusionFolder): Promise<void> {
  const { width, height } = sizeOf(graph, "latent_sample", side);
  const data = new TorchGenerator(1).randn(4 * height * width);
  const betweenRuns = (): Promise<void> => Promise.resolve();
  await decodeLatents(graph, { data, width, height }, { folder, tileSize: Infinity, betweenRuns });
}

export async function rehearseEncoder(graph: OnnxGraph, folder: DiffusionFolder): Promise<void> {
  const { width, height } = sizeOf(graph, "sample", side * folder.vaeScale);
  // A pattern of all bytes: what is in the picture has no effect on how it is computed.
  const data = Uint8ClampedArray.from({ length: 3 * height * width }, (_, index) => (index * 37) % 256);
  await encodePixels(graph, { data, width, height }, { folder });
}

/** As the exporter fixed it, else `open` both ways. */
function sizeOf(graph: OnnxGraph, input: string, open: number): { width: number; height: number } {
  const [, , height, width] = graph.inputs.get(input)?.dims ?? [];
  const size = (dim: number | string | undefined): number => (typeof dim === "number" && dim > 0 ? dim : open);
  return { width: size(width), height: size(height) };
}
