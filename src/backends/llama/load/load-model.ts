// Loads a GGUF: library, weights, LoRA adapters, vocabulary and context, with llama.cpp's own reason where one of them fails.
import { readFile } from "node:fs/promises";
import type { BackendContext } from "../../../domain/backend.ts";
import type { DeviceDecision } from "../../common/devices/device-memory.ts";
import type { TextModelOptions } from "../../../domain/model.ts";
import { delay } from "../../../util/abort.ts";
import { NativeModelHandle, type ContextParameters, type LoadedLora } from "../native/model.ts";
import { loadFailure, readGguf, type GgufFacts } from "../../../model-files/gguf/gguf-facts.ts";
import { openLibrary, type Library, type LibraryGpu } from "../native/library.ts";
import { openWeights, type NativeWeights } from "../native/weights.ts";
import type { NativeContextHandle } from "../native/context.ts";
import { Vocabulary } from "../tokens/vocabulary.ts";
import { chooseGpu } from "./devices/choose-gpu.ts";

export interface LoadedWeights {
  readonly library: Library;
  readonly facts: GgufFacts;
  readonly native: NativeModelHandle;
  readonly vocabulary: Vocabulary;
  readonly loras: readonly { readonly lora: LoadedLora; readonly scale: number }[];
  /** Layers that are on the GPU, which may be fewer than configured. */
  readonly gpuLayers: number;
  /** How it was decided whether there is a GPU to use. */
  readonly choice: DeviceDecision;
  /** Ends the process, whose work goes on in another one on the CPU. `undefined` where no GPU is in use. */
  readonly giveUp: ((reason: string) => Promise<never>) | undefined;
}

/** Time after a failure for which llama.cpp's messages about it are awaited. */
const logDelayMs = 50;

/** Longest context, tokens, where the configuration names none: a model's trained length may need more memory than there is. */
const largestDefaultContext = 8192;

/** @throws ServerError `model_load_failed` */
export async function loadWeights(
  { path, options }: { path: string; options: TextModelOptions },
  context: BackendContext,
): Promise<LoadedWeights> {
  const { signal } = context;
  const opening = openOnDevice(options, context);
  // The file's head is read while the library is loaded; when both fail, the file's error is the one to tell.
  opening.catch(() => {});
  const facts = await readGguf(path);
  const { library, choice, giveUp } = await opening;
  const opened = await loadNative(path, { library, options, signal, sizeBytes: facts.sizeBytes }).catch(
    async (error: unknown) => {
      signal.throwIfAborted();
      const reason = await reasonOf(error, library);
      await giveUp?.(`the model could not be loaded there (${reason})`);
      throw loadFailure(path, reason);
    },
  );
  const native = new NativeModelHandle(library.llama, { weights: opened, architecture: facts.architecture });
  try {
    const vocabulary = new Vocabulary(native, { size: facts.vocabularySize, preTokenizer: facts.preTokenizer });
    const loras: { lora: LoadedLora; scale: number }[] = [];
    for (const { path: loraPath, scale } of options.lora) {
      const lora = await native.loadLora(loraPath).catch(async (error: unknown) => {
        throw loadFailure(loraPath, await reasonOf(error, library));
      });
      loras.push({ lora, scale });
    }
    return { library, facts, native, vocabulary, loras, gpuLayers: opened.gpuLayers, choice, giveUp };
  } catch (error) {
    await native.dispose();
    throw error;
  }
}

/** Tokens per sequence. */
export function resolveContextSize(configured: number, facts: GgufFacts): number {
  return configured > 0 ? configured : Math.min(facts.trainedContextSize, largestDefaultContext);
}

/** Flash attention takes other kernels for many rows than for few, so an answer that must not depend on them goes without. */
export function flashAttentionOf({ flashAttention, reproducible }: TextModelOptions): "auto" | boolean {
  return reproducible ? false : flashAttention;
}

/** @throws ServerError `model_load_failed`, mostly for lack of memory */
export async function createContext(
  weights: LoadedWeights,
  { path, ...parameters }: ContextParameters & { readonly path: string },
): Promise<NativeContextHandle> {
  const { giveUp } = weights;
  try {
    const context = await weights.native.createContext(parameters);
    if (giveUp !== undefined) {
      context.onDecodeFault = (reason) => giveUp(`a batch failed there (${reason})`);
      if (parameters.embeddings !== true) await assertComputes(context, weights);
    }
    return context;
  } catch (error) {
    const reason =
      `a context of ${parameters.sequences} x ${parameters.contextSize} tokens cannot be created ` +
      `(${await reasonOf(error, weights.library)})`;
    await giveUp?.(reason);
    throw loadFailure(path, reason);
  }
}

/** Computes one token on the GPU. @throws Error where it has no probability */
async function assertComputes(context: NativeContextHandle, { native }: LoadedWeights): Promise<void> {
  const token = native.specialTokens.bos ?? 0;
  context.beginBatch(1);
  const [place = 0] = context.addToBatch(0, {
    position: 0,
    tokens: Uint32Array.of(token),
    logitsFor: Uint32Array.of(0),
  });
  await context.decode();
  const { logprob } = await context.score(place, { token, topCount: 0 });
  context.clear(0);
  if (!Number.isFinite(logprob)) throw new Error("the first token's probability is no number");
}

interface OpenedLibrary extends Pick<LoadedWeights, "library" | "choice" | "giveUp"> {}

/** Chooses the device and opens its library. */
async function openOnDevice(options: TextModelOptions, context: BackendContext): Promise<OpenedLibrary> {
  const { log, devices } = context;
  const choice = await chooseGpu(options, context);
  const { device, note, isFault } = choice;
  if (note !== "") log(isFault ? "warn" : "info", `The model is computed on ${device}.`, { reason: note });
  if (device === "cpu") return { library: await openLibrary(log, { gpu: false }), choice, giveUp: undefined };
  await devices?.tell({ device });
  const library = await openLibrary(log, { gpu: device as LibraryGpu });
  return {
    library,
    choice,
    giveUp: devices === undefined ? undefined : (reason) => devices.giveUp(`${device} failed: ${reason}`),
  };
}

async function loadNative(
  path: string,
  {
    library,
    options,
    signal,
    sizeBytes,
  }: { library: Library; options: TextModelOptions; signal: AbortSignal; sizeBytes: number },
): Promise<NativeWeights> {
  return await openWeights(library.llama, {
    path,
    gpuLayers: options.gpuLayers,
    useMmap: options.mmap === "auto" ? !(await isReadingWorthIt(library, sizeBytes)) : options.mmap,
    signal,
  });
}

/** Largest share of the memory that the process may still take, by its container's limit too, that weights may take for being read rather than mapped. */
const largestReadShare = 0.25;

/**
 * Whether weights are read into memory instead of mapped. Every token reads all weights, so on a CPU misses of the translation
 * lookaside buffer count: 143 M parameters took 0.95 of the time with pages of 2 MB instead of a mapped file, and Gemma 3 270M 0.90 for one
 * token and 0.87 for four. Reading takes no more resident memory than mapping: llama.cpp copies what it packs for the CPU out of the map,
 * whose pages stay (Gemma 3 270M: 417 MiB read and 432 MiB mapped; 609 and 632 where AMX packs all it can). But what is read is in the page
 * cache as well, and cannot be dropped when memory runs short.
 */
async function isReadingWorthIt({ llama }: Library, sizeBytes: number): Promise<boolean> {
  if (llama.gpu !== false || sizeBytes > process.availableMemory() * largestReadShare) return false;
  const setting = await readFile("/sys/kernel/mm/transparent_hugepage/enabled", "utf8").catch(() => "[never]");
  return !setting.includes("[never]");
}

async function reasonOf(error: unknown, library: Library): Promise<string> {
  // What llama.cpp logs on its own thread arrives a little later than its failure.
  await delay(logDelayMs);
  const own = (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
  const logged = library.takeErrors();
  return logged.length === 0 ? own : `${own}; llama.cpp says: ${logged.join("; ")}`;
}
