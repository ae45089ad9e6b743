// Finds the sizes that a UNet takes, by a run over a few latent pixels at load, which also shows that the graph runs. Where a level halves
// a side with a remainder, the skip connections fit only if the exporter kept that case: most graphs take multiples of 64 pixels, not of 8.
import { ServerError } from "../../../domain/errors.ts";
import { createDenoiser, type UnetShape } from "./denoiser.ts";
import { numberOr } from "../../../model-files/json-file.ts";
import type { DiffusionFolder } from "../folder/model-folder.ts";
import type { OnnxGraph } from "../../onnx/graph.ts";

type Folder = Pick<DiffusionFolder, "unetConfig" | "unetScale" | "vaeScale" | "inputChannels">;

/**
 * The number of latent pixels that a picture's sides must be multiples of; 1 where the UNet takes any.
 * @throws ServerError `model_load_failed` where the UNet does not run at all
 */
export async function probeUnet(
  graph: OnnxGraph,
  { folder, shape }: { readonly folder: Folder; readonly shape: UnetShape },
): Promise<number> {
  if (shape.width !== undefined || shape.height !== undefined || folder.unetScale === 1) return 1;
  const contextWidth = shape.contextWidth ?? numberOr(folder.unetConfig["cross_attention_dim"], 0);
  // Without the text's width no run is possible. Every UNet takes multiples of its scale, if that may be stricter than needed.
  if (contextWidth === 0) return folder.unetScale;
  const odd = await runOnce(graph, { folder, shape, contextWidth, side: folder.unetScale + 1 });
  if (odd === undefined) return 1;
  const even = await runOnce(graph, { folder, shape, contextWidth, side: folder.unetScale * 2 });
  if (even === undefined) return folder.unetScale;
  throw new ServerError("model_load_failed", `${graph.name} does not run: ${even}`);
}

/** The error of the run; undefined where it succeeded. */
async function runOnce(
  graph: OnnxGraph,
  {
    folder,
    shape,
    contextWidth,
    side,
  }: { readonly folder: Folder; readonly shape: UnetShape; readonly contextWidth: number; readonly side: number },
): Promise<string | undefined> {
  const tokens = shape.tokens ?? 77;
  const pooledWidth = graph.inputs.get("text_embeds")?.dims[1];
  const prompt = {
    states: new Float32Array(tokens * contextWidth),
    tokens,
    width: contextWidth,
    pooled: new Float32Array(typeof pooledWidth === "number" ? pooledWidth : 1280),
  };
  const denoiser = createDenoiser(graph, {
    conditioning: { positive: prompt, negative: undefined },
    width: side,
    height: side,
    pictureWidth: side * folder.vaeScale,
    pictureHeight: side * folder.vaeScale,
    guidanceScale: 1,
    guidanceRescale: 0,
    batched: false,
    inputChannels: folder.inputChannels,
  });
  try {
    await denoiser.predict(graph, { sample: new Float32Array(4 * side * side), inputScale: 1, timestep: 1 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
