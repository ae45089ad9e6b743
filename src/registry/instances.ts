// Keeps the models in memory: starts loads, disposes of loaded models, and reports the outcomes to the scheduler.
import type { Backend } from "../domain/backend.ts";
import type { DeviceUse } from "../domain/device.ts";
import type { SchedulerInput } from "./scheduler-messages.ts";

/** A loaded model, as the loader returns it. */
export interface LoadedModelHandle {
  readonly backend: Backend;
  /** `undefined` for a backend in the server's own process. */
  readonly processId: number | undefined;
  /** Memory of its process after the load, bytes. */
  readonly residentBytes: number;
}

/** What the loader gets beside the model. */
export interface LoadOptions {
  /** Aborts when the model is to be unloaded; a load still under way then rejects. */
  readonly signal: AbortSignal;
  /** To be called once when the process of a loaded model has ended, whatever the reason. `exit` says how. */
  readonly onEnd: (exit: string) => void;
  /** To be called when the memory of a loaded model's process has changed noticeably. */
  readonly onMemory: (residentBytes: number) => void;
  /** To be called when a loaded model has moved to other devices. */
  readonly onDevice: (use: DeviceUse) => void;
}

/** One load of a model. `generation` counts its loads. */
interface InstanceKey {
  readonly model: string;
  readonly generation: number;
}

export interface InstancesOptions {
  readonly load: (id: string, options: LoadOptions) => Promise<LoadedModelHandle>;
  readonly report: (input: SchedulerInput) => void;
  readonly onMemory: (key: InstanceKey, residentBytes: number) => void;
  readonly onDevice: (key: InstanceKey, use: DeviceUse) => void;
}

interface Instance {
  readonly generation: number;
  readonly abort: AbortController;
  /** Settles when the load has succeeded or failed; never rejects. */
  loading: Promise<void>;
  handle: LoadedModelHandle | undefined;
}

export class Instances {
  readonly #options: InstancesOptions;
  readonly #instances = new Map<string, Instance>();
  readonly #unloading = new Set<Promise<void>>();

  constructor(options: InstancesOptions) {
    this.#options = options;
  }

  /** Starts a load, which reports `loaded` or `load-failed`. */
  load(model: string, generation: number): void {
    const abort = new AbortController();
    const instance: Instance = { generation, abort, loading: Promise.resolve(), handle: undefined };
    this.#instances.set(model, instance);
    instance.loading = this.#runLoad(model, instance);
  }

  /** Disposes of a loaded model and reports `ended`. A load under way is aborted instead, and reports as {@link load} says. */
  unload(model: string, generation: number): void {
    const instance = this.#instances.get(model);
    if (instance?.generation !== generation) return;
    instance.abort.abort(new Error("The model is being unloaded."));
    const { handle, loading } = instance;
    const unloading = (handle === undefined ? loading : this.#dispose(handle, { model, generation })).finally(() => {
      this.#unloading.delete(unloading);
    });
    this.#unloading.add(unloading);
  }

  /** @throws Error where the model is not loaded */
  backendOf(id: string): Backend {
    const handle = this.#instances.get(id)?.handle;
    if (handle === undefined) throw new Error(`a lease was granted on '${id}', which is not loaded`);
    return handle.backend;
  }

  /** To be called when a model is no longer in memory. Later reports of its loader's memory are dropped, and a late load is freed. */
  forget(id: string): void {
    this.#instances.delete(id);
  }

  /** Resolves when every model that is being unloaded has ended. */
  async unloaded(): Promise<void> {
    // A load that succeeds although it was aborted is unloaded only then, so others may be added meanwhile.
    while (this.#unloading.size > 0) await Promise.all(this.#unloading);
  }

  async #runLoad(model: string, instance: Instance): Promise<void> {
    const { generation, abort } = instance;
    const { load, report, onMemory, onDevice } = this.#options;
    const isPresent = (): boolean => this.#instances.get(model) === instance;
    const isLoaded = (): boolean => isPresent() && instance.handle !== undefined;
    try {
      const handle = await load(model, {
        signal: abort.signal,
        onEnd: (exit) => report({ type: "ended", model, generation, exit }),
        onMemory: (residentBytes) => {
          if (isLoaded()) onMemory({ model, generation }, residentBytes);
        },
        onDevice: (use) => {
          if (isLoaded()) onDevice({ model, generation }, use);
        },
      });
      if (!isPresent()) {
        await handle.backend.dispose();
        return;
      }
      instance.handle = handle;
      const { processId, residentBytes } = handle;
      const { description } = handle.backend;
      const bytes = Math.max(residentBytes, description.memoryBytes);
      report({ type: "loaded", model, generation, bytes, instance: { processId, residentBytes, description } });
    } catch (error) {
      report({ type: "load-failed", model, generation, error: toError(error) });
    }
  }

  /** Reports the end itself: a backend without a process tells none, and the next load would wait for it for ever. */
  async #dispose({ backend }: LoadedModelHandle, key: InstanceKey): Promise<void> {
    let exit: string | undefined;
    try {
      await backend.dispose();
    } catch (error) {
      exit = toError(error).message;
    }
    this.#options.report({ type: "ended", ...key, exit });
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
