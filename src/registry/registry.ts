// Leases on models. The edge around the scheduler: performs its effects (starting and stopping runners, answering callers)
// and reports back what became of them.
import type { Backend } from "../domain/backend.ts";
import type { ModelSpec } from "../domain/model.ts";
import { onAbort } from "../util/abort.ts";
import { maxTimerMs } from "../util/timers.ts";
import { Scheduler, type ModelSnapshot, type SchedulerEffect, type SchedulerEvent } from "./scheduler.ts";

/** The right to use a loaded model until it is given back. */
export interface Lease {
  readonly backend: Backend;
  /** Milliseconds the caller waited for the model; more than a few only when it had to be loaded. */
  readonly waitedMs: number;
  /** Gives the model back. Idempotent. `ttlMs` replaces how long it may stay idle. */
  release(options?: { readonly ttlMs?: number }): void;
}

/** A model in memory, as its loader hands it over. */
export interface LoadedModelHandle {
  readonly backend: Backend;
  readonly processId: number;
  readonly residentBytes: () => number;
}

export interface RegistryOptions {
  readonly models: readonly ModelSpec[];
  readonly budgetBytes: number;
  /** Loads a model; `onEnd` is to be called once if it ends by itself afterwards. */
  readonly load: (spec: ModelSpec, options: { signal: AbortSignal; onEnd: () => void }) => Promise<LoadedModelHandle>;
  /** Bytes to reserve for a model before it is loaded. */
  readonly estimateBytes: (spec: ModelSpec) => Promise<number>;
  readonly log: (level: "info" | "warn" | "error", message: string, facts: Record<string, unknown>) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export interface RegistrySnapshot extends ModelSnapshot {
  readonly processId: number | undefined;
  readonly residentBytes: number | undefined;
  readonly device: string | undefined;
  readonly deviceNote: string | undefined;
}

interface Waiter {
  readonly model: string;
  /** Called in the turn of the grant: the instance is the one that was granted, whatever happens to it a moment later. */
  readonly grant: (generation: number) => void;
  readonly reject: (error: Error) => void;
}

interface Instance {
  readonly generation: number;
  readonly abort: AbortController;
  handle: LoadedModelHandle | undefined;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #specs: ReadonlyMap<string, ModelSpec>;
  readonly #scheduler: Scheduler;
  readonly #waiters = new Map<number, Waiter>();
  readonly #instances = new Map<string, Instance>();
  readonly #unloading = new Set<Promise<void>>();
  #nextTicket = 1;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#specs = new Map(options.models.map((spec) => [spec.id, spec]));
    this.#scheduler = new Scheduler({ models: options.models, budgetBytes: options.budgetBytes });
  }

  /**
   * Resolves with a lease once the model is loaded; a load in flight is joined. Rejects with the reason of a failed load, or
   * with the signal's reason.
   */
  async acquire(id: string, signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted();
    const startedMs = this.#options.now();
    const ready = this.#instances.get(id)?.handle !== undefined;
    const spec = this.#specs.get(id);
    const estimatedBytes = ready || spec === undefined ? 0 : await this.#options.estimateBytes(spec);
    signal.throwIfAborted();
    const ticket = this.#nextTicket++;
    return await new Promise<Lease>((resolve, reject) => {
      const unsubscribe = onAbort(signal, () => {
        this.#waiters.delete(ticket);
        reject(signal.reason as Error);
        this.#dispatch({ type: "abandon", ticket });
      });
      this.#waiters.set(ticket, {
        model: id,
        grant: (granted) => {
          unsubscribe();
          resolve(this.#createLease(id, granted, startedMs));
        },
        reject: (error) => {
          unsubscribe();
          reject(error);
        },
      });
      this.#dispatch({ type: "acquire", ticket, model: id, estimatedBytes });
    });
  }

  /** Where every model stands in its life; asks no runner. */
  statuses(): readonly ModelSnapshot[] {
    return this.#scheduler.snapshot();
  }

  /** Every model with its state and what its runner last said of its memory, for the health report. */
  snapshot(): RegistrySnapshot[] {
    return this.#scheduler.snapshot().map((model) => {
      const handle = this.#instances.get(model.id)?.handle;
      return {
        ...model,
        processId: handle?.processId,
        residentBytes: handle?.residentBytes(),
        device: handle?.backend.description.device,
        deviceNote: handle?.backend.description.deviceNote,
      };
    });
  }

  /** What a loaded model says of itself; `undefined` while it is not loaded. */
  describe(id: string): Backend["description"] | undefined {
    return this.#instances.get(id)?.handle?.backend.description;
  }

  /** Unloads everything; resolves when every process has ended. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#dispatch({ type: "shut-down" });
    await Promise.all(this.#unloading);
  }

  #createLease(id: string, generation: number, startedMs: number): Lease {
    const backend = this.#instances.get(id)?.handle?.backend;
    if (backend === undefined) throw new Error(`a lease was granted on '${id}', which is not loaded`);
    let released = false;
    return {
      backend,
      waitedMs: this.#options.now() - startedMs,
      release: (options = {}) => {
        if (released) return;
        released = true;
        this.#dispatch({ type: "release", model: id, generation, ...options });
      },
    };
  }

  #dispatch(event: SchedulerEvent): void {
    const effects = this.#scheduler.dispatch(event, this.#options.now());
    for (const effect of effects) this.#perform(effect);
    this.#armTimer();
  }

  #perform(effect: SchedulerEffect): void {
    switch (effect.type) {
      case "load":
        void this.#load(effect.model, effect.generation);
        return;
      case "unload":
        this.#unload(effect.model, effect.generation);
        return;
      case "grant":
        this.#takeWaiter(effect.ticket)?.grant(effect.generation);
        return;
      case "reject":
        this.#takeWaiter(effect.ticket)?.reject(effect.error);
        return;
    }
  }

  async #load(id: string, generation: number): Promise<void> {
    const { load, log, now } = this.#options;
    const spec = this.#specs.get(id) as ModelSpec;
    const instance: Instance = { generation, abort: new AbortController(), handle: undefined };
    this.#instances.set(id, instance);
    const startedMs = now();
    const onEnd = (): void => {
      this.#forget(id, instance);
      this.#dispatch({ type: "ended", model: id, generation });
    };
    try {
      const handle = await load(spec, { signal: instance.abort.signal, onEnd });
      instance.handle = handle;
      const bytes = Math.max(handle.residentBytes(), handle.backend.description.memoryBytes);
      log("info", "Model loaded.", { model: id, loadMs: Math.round(now() - startedMs), bytes });
      this.#dispatch({ type: "loaded", model: id, generation, bytes });
    } catch (error) {
      this.#forget(id, instance);
      const failure = error instanceof Error ? error : new Error(String(error));
      log("error", "Model failed to load.", { model: id, reason: failure.message });
      this.#dispatch({ type: "load-failed", model: id, generation, error: failure });
    }
  }

  #unload(id: string, generation: number): void {
    const instance = this.#instances.get(id);
    if (instance === undefined || instance.generation !== generation) return;
    this.#options.log("info", "Model unloads.", { model: id });
    instance.abort.abort(new Error("The model is being unloaded."));
    const unloading = (instance.handle?.backend.dispose() ?? Promise.resolve()).finally(() => {
      this.#unloading.delete(unloading);
    });
    this.#unloading.add(unloading);
  }

  #forget(id: string, instance: Instance): void {
    if (this.#instances.get(id) === instance) this.#instances.delete(id);
  }

  #takeWaiter(ticket: number): Waiter | undefined {
    const waiter = this.#waiters.get(ticket);
    this.#waiters.delete(ticket);
    return waiter;
  }

  #armTimer(): void {
    clearTimeout(this.#timer);
    const deadlineMs = this.#scheduler.nextDeadlineMs();
    if (deadlineMs === undefined) return;
    // A deadline beyond the timer's reach is looked at again when the timer ends: a tick before its time does nothing.
    const delayMs = Math.min(Math.max(0, deadlineMs - this.#options.now()), maxTimerMs);
    this.#timer = setTimeout(() => this.#dispatch({ type: "tick" }), delayMs);
    this.#timer.unref();
  }
}
