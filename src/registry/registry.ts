// Leases on models. Performs what the scheduler decides (starts and stops models, answers callers), reports back to it what became
// of that, and tells listeners what has happened.
import type { Backend } from "../domain/backend.ts";
import type { ModelEvent, ModelEventListener } from "../domain/model-events.ts";
import type { ModelSpec } from "../domain/model.ts";
import { onAbort } from "../util/abort.ts";
import { Scheduler } from "./scheduler.ts";
import type { SchedulerEffect, SchedulerInput } from "./scheduler-messages.ts";

/** The right to use a loaded model until it is given back. */
export interface Lease {
  readonly backend: Backend;
  /** Gives the model back. Idempotent. `ttlMs` replaces how long it may stay idle. */
  release(options?: { readonly ttlMs?: number }): void;
}

/** A model in memory, as its loader hands it over. */
export interface LoadedModelHandle {
  readonly backend: Backend;
  /** `undefined` for a backend in the server's own process. */
  readonly processId: number | undefined;
  /** Memory of its process after the load, bytes. */
  readonly residentBytes: number;
}

/** What a loader is given beside the model. */
export interface LoadOptions {
  /** Aborts when the model is to be unloaded; a load still under way then rejects. */
  readonly signal: AbortSignal;
  /** To be called once when the process of a loaded model has ended, asked for or not. `exit` says how. */
  readonly onEnd: (exit: string) => void;
  /** To be called when the process of a loaded model holds noticeably more or less memory than before. */
  readonly onMemory: (residentBytes: number) => void;
}

export interface RegistryOptions {
  readonly models: readonly ModelSpec[];
  readonly budgetBytes: number;
  readonly load: (spec: ModelSpec, options: LoadOptions) => Promise<LoadedModelHandle>;
  /** Bytes to reserve for a model before it is loaded. */
  readonly estimateBytes: (spec: ModelSpec) => Promise<number>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Calls `callback` once after `delayMs`, or earlier where a timer cannot wait so long. Returns the function that cancels it. */
  readonly setTimer: (callback: () => void, delayMs: number) => () => void;
  /** Told when a listener has thrown; the other listeners and the registry go on. */
  readonly onListenerFault: (error: unknown) => void;
}

interface Waiter {
  /** Called while the granted load is the present one, whatever happens to it a moment later. */
  readonly grant: () => void;
  readonly reject: (error: Error) => void;
}

interface Instance {
  readonly generation: number;
  readonly abort: AbortController;
  /** Settles when the load has succeeded or failed; never rejects. */
  loading: Promise<void>;
  handle: LoadedModelHandle | undefined;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #specs: ReadonlyMap<string, ModelSpec>;
  readonly #scheduler: Scheduler;
  readonly #listeners = new Set<ModelEventListener>();
  readonly #waiters = new Map<number, Waiter>();
  readonly #instances = new Map<string, Instance>();
  readonly #unloading = new Set<Promise<void>>();
  readonly #inputs: SchedulerInput[] = [];
  #isDispatching = false;
  #nextTicket = 1;
  #cancelTimer: () => void = () => {};

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#specs = new Map(options.models.map((spec) => [spec.id, spec]));
    this.#scheduler = new Scheduler({ models: options.models, budgetBytes: options.budgetBytes });
  }

  /** Tells `listener` every event from now on, in the turn in which it happens. Returns the function that unsubscribes. */
  subscribe(listener: ModelEventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves with a lease once the model is loaded; a load in flight is joined. Rejects with the reason of a failed load, or
   * with the signal's reason.
   */
  async acquire(id: string, signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted();
    const spec = this.#specs.get(id);
    const needsEstimate = spec !== undefined && !this.#scheduler.isReady(id);
    const estimatedBytes = needsEstimate ? await this.#options.estimateBytes(spec) : 0;
    signal.throwIfAborted();
    const ticket = this.#nextTicket++;
    return await new Promise<Lease>((resolve, reject) => {
      const unsubscribe = onAbort(signal, () => {
        this.#dispatch({ type: "abandon", ticket, error: signal.reason as Error });
      });
      this.#waiters.set(ticket, {
        grant: () => {
          unsubscribe();
          resolve(this.#createLease(id));
        },
        reject: (error) => {
          unsubscribe();
          reject(error);
        },
      });
      this.#dispatch({ type: "acquire", ticket, model: id, estimatedBytes });
    });
  }

  /** Unloads everything; resolves when every process has ended. */
  async close(): Promise<void> {
    this.#dispatch({ type: "shut-down" });
    // A load that succeeds although it was told to stop is unloaded after the others.
    while (this.#unloading.size > 0) await Promise.all(this.#unloading);
  }

  #createLease(id: string): Lease {
    const instance = this.#instances.get(id);
    if (instance?.handle === undefined) throw new Error(`a lease was granted on '${id}', which is not loaded`);
    const { generation, handle } = instance;
    let released = false;
    return {
      backend: handle.backend,
      release: (options = {}) => {
        if (released) return;
        released = true;
        this.#dispatch({ type: "release", model: id, generation, ...options });
      },
    };
  }

  /** An input that comes while another is being worked off waits for its end: effects and events keep their order. */
  #dispatch(input: SchedulerInput): void {
    this.#inputs.push(input);
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        const { effects, events } = this.#scheduler.dispatch(next, this.#options.now());
        for (const event of events) this.#tell(event);
        for (const effect of effects) this.#perform(effect);
      }
    } finally {
      this.#isDispatching = false;
    }
    this.#armTimer();
  }

  #tell(event: ModelEvent): void {
    const isOver = event.type === "load-failed" || event.type === "unloaded" || event.type === "crashed";
    if (isOver) this.#instances.delete(event.model);
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#options.onListenerFault(error);
      }
    }
  }

  #perform(effect: SchedulerEffect): void {
    switch (effect.type) {
      case "load":
        this.#load(effect.model, effect.generation);
        return;
      case "unload":
        this.#unload(effect.model, effect.generation);
        return;
      case "grant":
        this.#takeWaiter(effect.ticket)?.grant();
        return;
      case "reject":
        this.#takeWaiter(effect.ticket)?.reject(effect.error);
        return;
    }
  }

  #load(id: string, generation: number): void {
    const instance: Instance = {
      generation,
      abort: new AbortController(),
      loading: Promise.resolve(),
      handle: undefined,
    };
    this.#instances.set(id, instance);
    instance.loading = this.#runLoad(this.#specs.get(id) as ModelSpec, instance);
  }

  async #runLoad(spec: ModelSpec, instance: Instance): Promise<void> {
    const { id } = spec;
    const { generation, abort } = instance;
    const isPresent = (): boolean => this.#instances.get(id) === instance;
    try {
      const handle = await this.#options.load(spec, {
        signal: abort.signal,
        onEnd: (exit) => this.#dispatch({ type: "ended", model: id, generation, exit }),
        onMemory: (residentBytes) => {
          if (!isPresent() || instance.handle === undefined) return;
          this.#tell({ type: "memory-changed", model: id, generation, residentBytes });
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
      const facts = { processId, residentBytes, description };
      this.#dispatch({ type: "loaded", model: id, generation, bytes, instance: facts });
    } catch (error) {
      this.#dispatch({ type: "load-failed", model: id, generation, error: toError(error) });
    }
  }

  #unload(id: string, generation: number): void {
    const instance = this.#instances.get(id);
    if (instance?.generation !== generation) return;
    instance.abort.abort(new Error("The model is being unloaded."));
    const { handle, loading } = instance;
    const unloading = (handle === undefined ? loading : this.#dispose(handle, { id, generation })).finally(() => {
      this.#unloading.delete(unloading);
    });
    this.#unloading.add(unloading);
  }

  /** What was disposed of has ended, even where no process says so, or the next load would wait for it for ever. */
  async #dispose(
    { backend }: LoadedModelHandle,
    { id, generation }: { id: string; generation: number },
  ): Promise<void> {
    let exit: string | undefined;
    try {
      await backend.dispose();
    } catch (error) {
      exit = toError(error).message;
    }
    this.#dispatch({ type: "ended", model: id, generation, exit });
  }

  #takeWaiter(ticket: number): Waiter | undefined {
    const waiter = this.#waiters.get(ticket);
    this.#waiters.delete(ticket);
    return waiter;
  }

  #armTimer(): void {
    this.#cancelTimer();
    const deadlineMs = this.#scheduler.nextDeadlineMs();
    if (deadlineMs === undefined) {
      this.#cancelTimer = () => {};
      return;
    }
    const { now, setTimer } = this.#options;
    // A timer that ends before the deadline does no harm: a tick before its time changes nothing and arms the next timer.
    this.#cancelTimer = setTimer(() => this.#dispatch({ type: "tick" }), Math.max(0, deadlineMs - now()));
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
