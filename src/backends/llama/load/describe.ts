// Describes a loaded GGUF: memory, device, fingerprint, and the facts of the model list. Also decides its thread counts.
import { basename } from "node:path";
import type { BackendContext, BackendDescription } from "../../../domain/backend.ts";
import type { DeviceUse } from "../../../domain/device.ts";
import type { ModelSpec, TextModelOptions } from "../../../domain/model.ts";
import type { NativeContextHandle } from "../native/context.ts";
import { usableCores } from "../native/usable-cores.ts";
import type { Parallel } from "./parallel.ts";
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
    readonly parallel: Parallel;
  },
): Promise<ModelDescription> {
  const { facts, native, library, gpuLayers, choice } = weights;
  const gpu = gpuLayers > 0 ? library.llama.gpu : false;
  const release = library.llama.llamaCppRelease;
  const { path } = spec;
  const { parallel } = parts;
  return {
    // What the context may grow to is counted from the start, so that it can grow without asking for room.
    memoryBytes: native.memoryBytes + (parts.native.memoryBytes / parallel.start) * parallel.maximum,
    ...describeDevice({ path, gpu, gpuLayers, choice }),
    occupiesAllCores: gpu === false && parts.threads >= usableCores(library.llama.cpuMathCores),
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
      parallel: parallel.maximum,
      threads: parts.threads,
      llama_cpp: release.release,
    },
  };
}

function describeDevice({
  path,
  gpu,
  gpuLayers,
  choice,
}: Pick<LoadedWeights, "gpuLayers" | "choice"> & { path: string; gpu: string | false }): DeviceUse {
  if (gpu === false) {
    const note = choice.device === "cpu" ? choice.note : "llama.cpp found no usable GPU with room for a layer";
    return { device: "cpu", ...(note === "" ? {} : { deviceNote: `the CPU is used because ${note}` }) };
  }
  const layers = `${gpuLayers} layers are there`;
  const { adapter, note } = choice;
  const part = {
    part: basename(path),
    device: gpu,
    ...(adapter === undefined ? {} : { adapter }),
    note: note === "" ? layers : `${layers}; ${note}`,
  };
  return { device: gpu, deviceParts: [part] };
}
