// Finds the sizes that a UNet takes, by a run over a few latent pixels at load, which also shows that the graph runs. Where a level halves
// a side with a remainder, the skip connections fit only if the exporter kept that case: most graphs take multiples of 64 pixels, not of 8.
import { ServerError } from "../../../domain/errors.ts";
import { createDenoiser, unetShapeOf, type UnetShape } from "./denoiser.ts";
import { numberOr } from "../../../model-files/json-file.ts";
import { TorchGenerator } from "../noise/torch-random.ts";
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
  const contextWidth = contextWidthOf(folder, shape);
  // Without the text's width no run is possible. Every UNet takes multiples of its scale, if that may be stricter than needed.
  if (contextWidth === 0) return folder.unetScale;
  const run = (side: number): Promise<string | undefined> =>
    errorOf(() => graph.attempt(() => predictOnce(graph, { folder, shape, contextWidth, width: side, height: side })));
  if ((await run(folder.unetScale + 1)) === undefined) return 1;
  const even = await run(folder.unetScale * 2);
  if (even === undefined) return folder.unetScale;
  throw new ServerError("model_load_failed", `${graph.name} does not run: ${even}`);
}

/** Side of the latents by which devices are compared: not so small that a GPU would only wait for its driver. */
const rehearsalSide = 32;

/** Runs the UNet once on noise, as a step of a picture would. @throws Error where it does not run, or its text's width is unknown */
export async function rehearseUnet(graph: OnnxGraph, folder: Folder): Promise<void> {
  const shape = unetShapeOf(graph);
  const contextWidth = contextWidthOf(folder, shape);
  if (contextWidth === 0) throw new Error("the width of the text is unknown");
  // A multiple of the UNet's scale, which every UNet takes.
  const open = Math.max(1, Math.round(rehearsalSide / folder.unetScale)) * folder.unetScale;
  const size = { width: shape.width ?? open, height: shape.height ?? open };
  await predictOnce(graph, { folder, shape, contextWidth, ...size, noise: new TorchGenerator(1) });
}

function contextWidthOf(folder: Folder, shape: UnetShape): number {
  return shape.contextWidth ?? numberOr(folder.unetConfig["cross_attention_dim"], 0);
}

/** The message of the error with which `run` rejects; undefined where it does not. */
async function errorOf(run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

interface Prediction {
  readonly folder: Folder;
  readonly shape: UnetShape;
  readonly contextWidth: number;
  /** Latent pixels. */
  readonly width: number;
  readonly height: number;
  /** Left out = zeros. */
  readonly noise?: TorchGenerator;
}

async function predictOnce(graph: OnnxGraph, prediction: Prediction): Promise<void> {
  const { folder, shape, contextWidth, width, height, noise } = prediction;
  const values = (count: number): Float32Array => noise?.randn(count) ?? new Float32Array(count);
  const tokens = shape.tokens ?? 77;
  const pooledWidth = graph.inputs.get("text_embeds")?.dims[1];
  const prompt = {
    states: values(tokens * contextWidth),
    tokens,
    width: contextWidth,
    pooled: values(typeof pooledWidth === "number" ? pooledWidth : 1280),
  };
  const denoiser = createDenoiser(graph, {
    conditioning: { positive: prompt, negative: undefined },
    width,
    height,
    pictureWidth: width * folder.vaeScale,
    pictureHeight: height * folder.vaeScale,
    guidanceScale: 1,
    guidanceRescale: 0,
    batched: false,
    inputChannels: folder.inputChannels,
  });
  await denoiser.predict(graph, { sample: values(4 * height * width), inputScale: 1, timestep: 1 });
}
