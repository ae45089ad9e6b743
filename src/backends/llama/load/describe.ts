// Describes a loaded GGUF: memory, device, fingerprint, and the facts of the model list. Also decides its thread counts.
import type { BackendContext, BackendDescription } from "../../../domain/backend.ts";
import type { ModelSpec, TextModelOptions } from "../../../domain/model.ts";
import type { NativeContextHandle } from "../native/context.ts";
import { usableCores } from "../native/usable-cores.ts";
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

/** The threads that a model computes with: as configured, or one for each core that it may use. */
export function resolveThreads({ options, weights }: Pick<Creation, "options" | "weights">): number {
  return options.threads > 0 ? options.threads : usableCores(weights.library.llama.cpuMathCores);
}

/** Library version, device and instruction sets: each has kernels of its own, which round in other ways. */
export function buildOf({ library, native, gpuLayers }: LoadedWeights): string {
  const { llamaCppRelease, buildType, gpu } = library.llama;
  return `${llamaCppRelease.release} ${buildType} ${String(gpuLayers > 0 ? gpu : false)} ${native.systemInfo}`;
}

export async function describeModel(
  { spec, options, weights }: Creation,
  parts: {
    readonly native: NativeContextHandle;
    /** At the start; without a configured count it is corrected by the steps that are run. */
    readonly threads: number;
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
    occupiesAllCores: gpu === false && parts.threads >= usableCores(library.llama.cpuMathCores),
    ...(wantsGpu && gpu === false
      ? { deviceNote: "GPU layers are configured, but llama.cpp found no usable GPU on this machine." }
      : {}),
    fingerprint: await computeFingerprint({
      path,
      sizeBytes: facts.sizeBytes,
      modifiedMs: facts.modifiedMs,
      quantization: facts.quantization,
      build: buildOf(weights),
      threads: options.threads,
      settings: [gpuLayers, options.kvCacheType, flashAttentionOf(options), options.lora],
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
      threads: parts.threads,
      llama_cpp: release.release,
    },
  };
}
