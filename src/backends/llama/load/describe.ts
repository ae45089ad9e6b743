// Describes a loaded GGUF: memory, device, fingerprint, and the facts of the model list. Also decides its thread counts.
import { availableParallelism } from "node:os";
import type { BackendContext, BackendDescription } from "../../../domain/backend.ts";
import type { ModelSpec, TextModelOptions } from "../../../domain/model.ts";
import type { NativeContextHandle } from "../native/context.ts";
import { calibrateThreads, type ThreadCounts } from "../native/thread-calibration.ts";
import { computeFingerprint } from "./fingerprint.ts";
import { flashAttentionOf, type LoadedWeights } from "./load-model.ts";

/** A description without the operations, which the backend's table of handlers adds. */
export type ModelDescription = Omit<BackendDescription, "operations">;

/** What a backend is made from: the configured model, and its weights in memory. */
export interface Creation {
  readonly spec: ModelSpec;
  readonly options: TextModelOptions;
  readonly weights: LoadedWeights;
  readonly context: BackendContext;
}

/** The configured number of threads, or the calibrated ones. */
export async function resolveThreads(
  { options, weights, context }: Omit<Creation, "spec">,
  native: NativeContextHandle,
): Promise<ThreadCounts> {
  if (options.threads > 0) return { decode: options.threads, prompt: options.threads };
  const { name, sizeBytes, quantization } = weights.facts;
  const identity = [name, sizeBytes, quantization, weights.native.systemInfo, weights.gpuLayers];
  return calibrateThreads({ context: native, cacheDirectory: context.cacheDirectory, identity });
}

export async function describeModel(
  { spec, options, weights }: Creation,
  parts: {
    readonly native: NativeContextHandle;
    readonly threads: ThreadCounts;
    readonly contextSize: number;
  },
): Promise<ModelDescription> {
  const { facts, native, library, gpuLayers } = weights;
  const gpu = gpuLayers > 0 ? library.llama.gpu : false;
  const wantsGpu = options.gpuLayers === "max" || (typeof options.gpuLayers === "number" && options.gpuLayers > 0);
  const release = library.llama.llamaCppRelease;
  const { path } = spec;
  return {
    memoryBytes: native.memoryBytes + parts.native.memoryBytes,
    device: gpu === false ? "cpu" : gpu,
    occupiesAllCores: gpu === false && parts.threads.decode >= availableParallelism(),
    ...(wantsGpu && gpu === false
      ? { deviceNote: "GPU layers are configured, but llama.cpp found no usable GPU on this machine." }
      : {}),
    fingerprint: await computeFingerprint({
      path,
      sizeBytes: facts.sizeBytes,
      modifiedMs: facts.modifiedMs,
      quantization: facts.quantization,
      build: `${release.release} ${library.llama.buildType} ${String(gpu)} ${native.systemInfo}`,
      threads: parts.threads.decode,
      settings: [parts.threads.prompt, gpuLayers, options.kvCacheType, flashAttentionOf(options), options.lora],
    }),
    facts: {
      architecture: facts.architecture,
      context_length: parts.contextSize,
      trained_context_length: facts.trainedContextSize,
      vocabulary_size: facts.vocabularySize,
      embedding_dimensions: facts.embeddingSize,
      quantization: facts.quantization,
      parameters: native.parameterCount,
      parallel: options.embedding ? 1 : options.parallel,
      threads: parts.threads.decode,
      prompt_threads: parts.threads.prompt,
      llama_cpp: release.release,
    },
  };
}
