// Loads a folder. Every graph in use is opened and checked, so that a broken one fails the load and not a request.
import { availableParallelism } from "node:os";
import type { BackendContext } from "../../domain/backend.ts";
import { ServerError } from "../../domain/errors.ts";
import type { ImageSize } from "../../domain/image.ts";
import type { ImageModelOptions } from "../../domain/model.ts";
import { loadClipTokenizer } from "./prompt/clip-tokenizer-files.ts";
import { assertUnet, unetShapeOf, type UnetShape } from "./unet/denoiser.ts";
import { commonSize, fixedSizeOf, type FixedSize } from "./folder/fixed-size.ts";
import { createGraphStore, type GraphStore } from "./folder/graph-store.ts";
import { readModelFolder, type DiffusionFolder, type GraphName } from "./folder/model-folder.ts";
import { inspectGraphFile, type GraphWeights } from "../../model-files/onnx/graph-weights.ts";
import { drawsRandomNumbers } from "../../model-files/onnx/random-operators.ts";
import { loadedWeightBytes } from "./folder/memory-estimate.ts";
import { OnnxGraph } from "../onnx/graph.ts";
import { probeUnet, rehearseUnet } from "./unet/probe-unet.ts";
import { rehearseTextEncoder } from "./prompt/rehearse-text-encoder.ts";
import { rehearseDecoder, rehearseEncoder } from "./vae/rehearse-vae.ts";
import { createSessionOpener, type GraphPart, type SessionOpener } from "../onnx/session.ts";
import { modelDefaults, schedulerConfigFor, schedulerOf } from "./request/request-settings.ts";
import { adviseSampler } from "./request/serving-samplers.ts";
import { assertSafetyChecker, readSafetySettings, type SafetyCheckerSettings } from "./output/safety-checker.ts";
import { assertTextEncoder, type LoadedTextEncoder } from "./prompt/text-conditioning.ts";
import { assertVaeDecoder, assertVaeEncoder } from "./vae/vae.ts";

export interface LoadedModel {
  readonly folder: DiffusionFolder;
  readonly store: GraphStore;
  readonly encoders: readonly LoadedTextEncoder[];
  readonly unetShape: UnetShape;
  /** Latent pixels: a picture's sides must be multiples of this. */
  readonly latentMultiple: number;
  readonly safety: SafetyCheckerSettings | undefined;
  /** The only size in pixels that the graphs take, where their exporter fixed one. */
  readonly fixedSize: ImageSize | undefined;
  /** Graphs that draw random numbers of their own, which no seed reaches. */
  readonly unseeded: ReadonlySet<GraphName>;
  readonly opener: Pick<SessionOpener, "use">;
  /** Bytes that each graph in use takes once it is loaded. */
  readonly weightBytes: ReadonlyMap<GraphName, number>;
  /** Changes when a graph's weights do. */
  readonly fingerprint: string;
}

/** @throws ServerError `model_load_failed` with the reason */
export async function loadModel(
  path: string,
  { options, context }: { readonly options: ImageModelOptions; readonly context: BackendContext },
): Promise<LoadedModel> {
  const folder = await readModelFolder(path);
  const names = usedGraphs(folder, options);
  assertScheduler(folder, options);
  const encoders = await loadTokenizers(folder, context.signal);
  const weights = new Map<GraphName, GraphWeights>();
  for (const name of names) weights.set(name, inspectGraphFile(folder.graphs.get(name)!));
  const opener = createSessionOpener({
    executionProviders: options.executionProviders,
    threads: options.threads > 0 ? options.threads : availableParallelism(),
    context,
  });
  const store = createGraphStore(folder, {
    opener,
    lowMemory: options.lowMemory,
    partOf: (name) => graphPart(name, { folder, encoders, fingerprint: weights.get(name)!.fingerprint }),
  });
  let unetShape: UnetShape | undefined;
  let latentMultiple = 1;
  const weightBytes = new Map<GraphName, number>();
  const unseeded = new Set<GraphName>();
  const fixedSizes: FixedSize[] = [];
  let fixedSize: ImageSize | undefined;
  try {
    for (const name of names) {
      context.signal.throwIfAborted();
      const graph = await store.get(name);
      assertGraph(graph, { name, encoders, family: folder.family });
      weightBytes.set(name, loadedWeightBytes(weights.get(name)!, { widened: isWidened(graph) }));
      const fixed = fixedSizeOf(graph, { name, vaeScale: folder.vaeScale });
      if (fixed !== undefined) fixedSizes.push(fixed);
      if (drawsRandomNumbers(folder.graphs.get(name)!)) unseeded.add(name);
      if (name !== "unet") continue;
      unetShape = unetShapeOf(graph);
      assertFamily(folder, unetShape);
      latentMultiple = await probeUnet(graph, { folder, shape: unetShape });
    }
    fixedSize = commonSize(folder.path, fixedSizes);
  } catch (error) {
    await store.release();
    throw error;
  }
  for (const name of unseeded) {
    const what = name === "vae_encoder" ? "edits" : "pictures";
    context.log("warn", `${name} draws random numbers inside of its graph: ${what} of one seed differ.`, { path });
  }
  return {
    folder,
    store,
    encoders,
    unetShape: unetShape!,
    latentMultiple,
    safety: options.safetyChecker ? await readSafetySettings(folder) : undefined,
    fixedSize,
    unseeded,
    opener,
    weightBytes,
    fingerprint: [...weights.values()].map(({ fingerprint }) => fingerprint).join(""),
  };
}

function usedGraphs(folder: DiffusionFolder, options: ImageModelOptions): GraphName[] {
  if (options.safetyChecker && !folder.graphs.has("safety_checker")) {
    throw new ServerError(
      "model_load_failed",
      `safety_checker is on; expected safety_checker/model.onnx in ${folder.path}, which has none.`,
    );
  }
  if (folder.inputChannels === 9 && !folder.graphs.has("vae_encoder")) {
    throw new ServerError(
      "model_load_failed",
      `An inpainting model needs vae_encoder/model.onnx; ${folder.path} has none.`,
    );
  }
  return [...folder.graphs.keys()].filter((name) => name !== "safety_checker" || options.safetyChecker);
}

/** @throws ServerError `model_load_failed` where the configured scheduler, or else the folder's, cannot run the default steps */
function assertScheduler(folder: DiffusionFolder, options: ImageModelOptions): void {
  const { steps } = modelDefaults(options, { distillation: folder.distillation, toldGuidance: false });
  const schedulerConfig = schedulerConfigFor(folder, options.scheduler);
  try {
    schedulerOf({ schedulerConfig, steps, strength: undefined, shortensSchedule: false });
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    const file = `${folder.path}/scheduler/scheduler_config.json`;
    const advice = adviseSampler(folder, { steps });
    throw new ServerError("model_load_failed", `${file}: ${error.message} ${advice}`, { cause: error });
  }
}

async function loadTokenizers(folder: DiffusionFolder, signal: AbortSignal): Promise<LoadedTextEncoder[]> {
  const encoders: LoadedTextEncoder[] = [];
  for (const encoder of folder.textEncoders) {
    try {
      encoders.push({ ...encoder, tokenizer: await loadClipTokenizer(encoder.tokenizerDirectory, { signal }) });
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      throw new ServerError("model_load_failed", `${encoder.tokenizerDirectory}: ${reason}`, { cause: error });
    }
  }
  return encoders;
}

/** The CPU computes in float32, whatever type the weights are stored in. */
function isWidened(graph: OnnxGraph): boolean {
  return graph.device === "cpu" && graph.hasHalfPrecision;
}

interface Pipeline {
  readonly folder: DiffusionFolder;
  readonly encoders: readonly LoadedTextEncoder[];
}

function graphPart(
  name: GraphName,
  { fingerprint, ...pipeline }: Pipeline & { readonly fingerprint: string },
): GraphPart {
  const rehearse = rehearsalOf(name, pipeline);
  if (rehearse === undefined) return { name, fingerprint };
  const clock = { runMs: 0 };
  return { name, fingerprint, rehearse: (session) => rehearse(new OnnxGraph(session, { name, clock })) };
}

/** The run by which devices are compared; `undefined` for the safety checker, which runs once a picture and stays on the CPU. */
function rehearsalOf(
  name: GraphName,
  { folder, encoders }: Pipeline,
): ((graph: OnnxGraph) => Promise<void>) | undefined {
  switch (name) {
    case "text_encoder":
    case "text_encoder_2": {
      const encoder = encoders.find(({ graph }) => graph === name)!;
      return (graph) => rehearseTextEncoder(graph, { folder, encoder });
    }
    case "unet":
      return (graph) => rehearseUnet(graph, folder);
    case "vae_decoder":
      return (graph) => rehearseDecoder(graph, folder);
    case "vae_encoder":
      return (graph) => rehearseEncoder(graph, folder);
    case "safety_checker":
      return undefined;
  }
}

function assertGraph(
  graph: OnnxGraph,
  {
    name,
    encoders,
    family,
  }: {
    readonly name: GraphName;
    readonly encoders: readonly LoadedTextEncoder[];
    readonly family: DiffusionFolder["family"];
  },
): void {
  switch (name) {
    case "text_encoder":
    case "text_encoder_2":
      assertTextEncoder(graph, { encoder: encoders.find((encoder) => encoder.graph === name)!, family });
      return;
    case "unet":
      assertUnet(graph);
      return;
    case "vae_decoder":
      assertVaeDecoder(graph);
      return;
    case "vae_encoder":
      assertVaeEncoder(graph);
      return;
    case "safety_checker":
      assertSafetyChecker(graph);
      return;
  }
}

/** @throws ServerError `model_load_failed` where the UNet has SDXL's inputs and the folder no second encoder, or the reverse */
function assertFamily(folder: DiffusionFolder, shape: UnetShape): void {
  if (shape.needsPooledText === (folder.family === "sdxl")) return;
  const found = shape.needsPooledText ? "takes text_embeds and time_ids" : "takes no text_embeds";
  const expected = folder.family === "sdxl" ? "text_encoder_2/ is there" : "there is no text_encoder_2/";
  throw new ServerError(
    "model_load_failed",
    `${folder.path}: ${expected}, but the UNet ${found}; these do not belong together.`,
  );
}
