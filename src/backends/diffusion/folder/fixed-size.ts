// Finds the size of the pictures for which a folder's graphs were exported, where their exporter fixed it. Each graph may be fixed or open by
// itself; two that are fixed to different sizes can make no picture together, which shows at load and not at the first request.
import { ServerError } from "../../../domain/errors.ts";
import type { ImageSize } from "../../../domain/image.ts";
import type { OnnxGraph } from "../../onnx/graph.ts";
import type { GraphName } from "./model-folder.ts";

/** Inputs whose last two dimensions are a picture's height and width, and the pixels that one of their elements is wide. */
const inputs: Partial<Record<GraphName, { readonly name: string; readonly isLatent: boolean }>> = {
  unet: { name: "sample", isLatent: true },
  vae_decoder: { name: "latent_sample", isLatent: true },
  vae_encoder: { name: "sample", isLatent: false },
};

export interface FixedSize {
  readonly graph: GraphName;
  readonly size: ImageSize;
}

/** The size in pixels that a graph is fixed to; undefined where it takes any, in one direction at least. */
export function fixedSizeOf(
  graph: Pick<OnnxGraph, "inputs">,
  { name, vaeScale }: { readonly name: GraphName; readonly vaeScale: number },
): FixedSize | undefined {
  const input = inputs[name];
  const [, , height, width] = input === undefined ? [] : (graph.inputs.get(input.name)?.dims ?? []);
  if (typeof height !== "number" || typeof width !== "number" || height <= 0 || width <= 0) return undefined;
  const scale = input?.isLatent === true ? vaeScale : 1;
  return { graph: name, size: { width: width * scale, height: height * scale } };
}

/** @throws ServerError `model_load_failed` where two graphs are fixed to different sizes */
export function commonSize(path: string, sizes: readonly FixedSize[]): ImageSize | undefined {
  const [first] = sizes;
  const other = sizes.find(({ size }) => size.width !== first?.size.width || size.height !== first.size.height);
  if (first === undefined || other === undefined) return first?.size;
  const said = ({ graph, size }: FixedSize): string =>
    `${graph} was exported for pictures of ${size.width}x${size.height}`;
  throw new ServerError(
    "model_load_failed",
    `${path}: ${said(first)}, and ${said(other)}; these do not belong together. Export them with dynamic axes.`,
  );
}
