// Loads a GGUF: library, weights, LoRA adapters, vocabulary and context, with llama.cpp's own reason where one of them fails.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LlamaModel } from "node-llama-cpp";
import type { BackendContext } from "../../../domain/backend.ts";
import type { ModelSpec, TextModelOptions } from "../../../domain/model.ts";
import { delay } from "../../../util/abort.ts";
import { NativeModelHandle, type ContextParameters, type LoadedLora } from "../native/model.ts";
import { loadFailure, readGguf, type GgufFacts } from "../../../model-files/gguf/gguf-facts.ts";
import { openLibrary, type Library } from "../native/library.ts";
import type { NativeContextHandle } from "../native/context.ts";
import { Vocabulary } from "../tokens/vocabulary.ts";

export interface LoadedWeights {
  readonly library: Library;
  readonly facts: GgufFacts;
  readonly native: NativeModelHandle;
  readonly vocabulary: Vocabulary;
  readonly loras: readonly { readonly lora: LoadedLora; readonly scale: number }[];
  /** Layers that are on the GPU, which may be fewer than configured. */
  readonly gpuLayers: number;
}

/** Time after a failure for which llama.cpp's messages about it are awaited. */
const logDelayMs = 50;

/** Longest context, tokens, where the configuration names none: a model's trained length may need more memory than there is. */
const largestDefaultContext = 8192;

/** @throws ServerError `model_load_failed` */
export async function loadWeights(
  { path, options }: { path: string; options: TextModelOptions },
  { log, signal }: Pick<BackendContext, "log" | "signal">,
): Promise<LoadedWeights> {
  const opening = openLibrary(log, { gpu: options.gpuLayers !== 0 });
  // The file's head is read while the library is loaded; when both fail, the file's error is the one to tell.
  opening.catch(() => {});
  const facts = await readGguf(path);
  const library = await opening;
  const model = await loadNative(path, { library, options, signal });
  const native = new NativeModelHandle(library.llama, model);
  try {
    const vocabulary = new Vocabulary(native, { size: facts.vocabularySize, preTokenizer: facts.preTokenizer });
    const loras: { lora: LoadedLora; scale: number }[] = [];
    for (const { path: loraPath, scale } of options.lora) {
      const lora = await native.loadLora(loraPath).catch(async (error: unknown) => {
        throw loadFailure(loraPath, await reasonOf(error, library));
      });
      loras.push({ lora, scale });
    }
    return { library, facts, native, vocabulary, loras, gpuLayers: model.gpuLayers };
  } catch (error) {
    await native.dispose();
    throw error;
  }
}

/** Tokens per sequence. */
export function resolveContextSize(configured: number, facts: GgufFacts): number {
  return configured > 0 ? configured : Math.min(facts.trainedContextSize, largestDefaultContext);
}

/** @throws ServerError `model_load_failed`, mostly for lack of memory */
export async function createContext(
  weights: LoadedWeights,
  { path, ...parameters }: ContextParameters & { readonly path: string },
): Promise<NativeContextHandle> {
  try {
    return await weights.native.createContext(parameters);
  } catch (error) {
    throw loadFailure(
      path,
      `a context of ${parameters.sequences} x ${parameters.contextSize} tokens cannot be created ` +
        `(${await reasonOf(error, weights.library)})`,
    );
  }
}

async function loadNative(
  path: string,
  { library, options, signal }: { library: Library; options: TextModelOptions; signal: AbortSignal },
): Promise<LlamaModel> {
  try {
    return await library.llama.loadModel({
      modelPath: path,
      gpuLayers: options.gpuLayers,
      useMmap: options.mmap === "auto" ? !(await keepsHugePages(library)) : options.mmap,
      loadSignal: signal,
      // The registry counts memory over all models; the library sees only this process.
      ignoreMemorySafetyChecks: true,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw loadFailure(path, await reasonOf(error, library));
  }
}

/**
 * Whether weights that are read into memory, instead of mapped, get huge pages. Every token reads all weights, so on a CPU misses of
 * the translation lookaside buffer count: 143 M parameters took 0.95 of the time with pages of 2 MB instead of a mapped file.
 */
async function keepsHugePages({ llama }: Library): Promise<boolean> {
  if (llama.gpu !== false) return false;
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

/** Folder for the files of one model's prompt cache, in one process. */
export function prefixStoreFolder(spec: ModelSpec, cacheDirectory: string): string {
  return join(cacheDirectory, "prefixes", `${encodeURIComponent(spec.id)}-${process.pid}`);
}
