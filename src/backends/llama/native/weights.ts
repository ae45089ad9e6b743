// Loads the weights of a model by the package's loader, which shares layers out between devices. The binding's own class would spare the
// second reading of the head in JavaScript (a second and 60 MB for 262,144 tokens), but a load that fails there ends the process at times.
import type { Llama } from "node-llama-cpp";
import type { NativeModel } from "./binding.ts";

export interface NativeWeights {
  readonly model: NativeModel;
  /** Layers that are on the GPU, which may be fewer than asked for. */
  readonly gpuLayers: number;
  dispose(): Promise<void>;
}

export interface WeightsOptions {
  readonly path: string;
  readonly gpuLayers: "auto" | "max" | number;
  /** The file is mapped rather than read. */
  readonly useMmap: boolean;
  readonly signal: AbortSignal;
}

/** @throws Error of the library; the signal's reason */
export async function openWeights(
  llama: Llama,
  { path, gpuLayers, useMmap, signal }: WeightsOptions,
): Promise<NativeWeights> {
  const loaded = await llama.loadModel({
    modelPath: path,
    gpuLayers,
    useMmap,
    loadSignal: signal,
    // The registry counts memory over all models; the library sees only this process.
    ignoreMemorySafetyChecks: true,
  });
  return {
    model: (loaded as unknown as { _model: NativeModel })._model,
    gpuLayers: loaded.gpuLayers,
    dispose: () => loaded.dispose(),
  };
}
