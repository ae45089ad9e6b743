// Loads the weights of a model. Without a GPU they are loaded by the binding's own class: the package's loader first reads the whole head
// in JavaScript, the vocabulary as well, to share layers out between devices. For 262,144 tokens that is a second and 60 MB.
import { resolve } from "node:path";
import type { Llama } from "node-llama-cpp";
import { onAbort } from "../../../util/abort.ts";
import type { NativeModel, NativeModule } from "./binding.ts";

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
export function openWeights(llama: Llama, options: WeightsOptions): Promise<NativeWeights> {
  return llama.gpu === false ? openDirectly(llama, options) : openShared(llama, options);
}

async function openDirectly(llama: Llama, { path, useMmap, signal }: WeightsOptions): Promise<NativeWeights> {
  const bindings = (llama as unknown as { _bindings: NativeModule })._bindings;
  const model = new bindings.AddonModel(resolve(path), {
    addonExports: bindings,
    gpuLayers: 0,
    useMmap: useMmap && llama.supportsMmap,
    hasLoadAbortSignal: true,
  });
  const unsubscribe = onAbort(signal, () => model.abortActiveModelLoad());
  try {
    if (!(await model.init())) throw new Error("Failed to load model");
    signal.throwIfAborted();
  } catch (error) {
    await model.dispose();
    signal.throwIfAborted();
    throw error;
  } finally {
    unsubscribe();
  }
  return { model, gpuLayers: 0, dispose: () => model.dispose() };
}

async function openShared(llama: Llama, { path, gpuLayers, useMmap, signal }: WeightsOptions): Promise<NativeWeights> {
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
