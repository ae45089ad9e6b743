// Gives callers leases on models. It passes the inputs of callers, loads and timers to the scheduler, performs the effects that the
// scheduler decides, and tells its events to listeners.
import type { Backend } from "../domain/backend.ts";
import type { ModelEvent, ModelEventListener } from "../domain/model-events.ts";
import type { ModelSpec } from "../domain/model.ts";
import { onAbort } from "../util/abort.ts";
import { Instances, type LoadedModelHandle, type LoadOptions } from "./instances.ts";
import { Scheduler } from "./scheduler.ts";
import type { SchedulerEffect, SchedulerInput } from "./scheduler-messages.ts";

/** The right to use a loaded model; the model is not unloaded to make room or for being idle before `release`. */
export interface Lease {
  readonly backend: Backend;
  /** Ends the lease. Idempotent. `ttlMs` replaces how long the model may stay idle from now on. */
  release(options?: { readonly ttlMs?: number }): void;
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
  /** Called in the same turn as the decision, so the granted load is still the present one. */
  readonly grant: (generation: number) => void;
  readonly reject: (error: Error) => void;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #specs: ReadonlyMap<string, ModelSpec>;
  readonly #scheduler: Scheduler;
  readonly #listeners = new Set<ModelEventListener>();
  readonly #waiters = new Map<number, Waiter>();
  readonly #instances: Instances;
  readonly #inputs: SchedulerInput[] = [];
  #isDispatching = false;
  #nextTicket = 1;
  #cancelTimer: () => void = () => {};

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#specs = new Map(options.models.map((spec) => [spec.id, spec]));
    this.#scheduler = new Scheduler({ models: options.models, budgetBytes: options.budgetBytes });
    this.#instances = new Instances({
      load: (id, loadOptions) => options.load(this.#specs.get(id) as ModelSpec, loadOptions),
      report: (input) => this.#dispatch(input),
      onMemory: (key, residentBytes) => this.#tell({ type: "memory-changed", ...key, residentBytes }),
      onDevice: (key, use) => this.#tell({ type: "device-changed", ...key, use }),
    });
  }

  /** Calls `listener` with every event from now on, in the turn of the event loop in which it happens. Returns the unsubscriber. */
  subscribe(listener: ModelEventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves with a lease once the model is loaded; a load in flight is joined. Rejects with the error of a failed load, with the
   * signal's reason when that aborts first, and with `model_not_found`, `insufficient_memory` or `shutting_down`.
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
        grant: (generation) => {
          unsubscribe();
          resolve(this.#createLease(id, generation));
        },
        reject: (error) => {
          unsubscribe();
          reject(error);
        },
      });
      this.#dispatch({ type: "acquire", ticket, model: id, estimatedBytes });
    });
  }

  /**
   * Unloads the model once no caller uses it or waits for it, and resolves when it has ended, at once where it is not in memory. Rejects
   * with the signal's reason when that aborts first; the model is unloaded all the same.
   */
  async unload(id: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#scheduler.isPresent(id)) return;
    await new Promise<void>((resolve, reject) => {
      const unsubscribe = this.subscribe((event) => {
        if (event.model !== id || !isEnd(event)) return;
        forget();
        unsubscribe();
        resolve();
      });
      const forget = onAbort(signal, () => {
        unsubscribe();
        reject(signal.reason as Error);
      });
      this.#dispatch({ type: "unload", model: id });
    });
  }

  /** Unloads every model, rejects all who wait, and resolves when every model has ended. */
  async close(): Promise<void> {
    this.#dispatch({ type: "shut-down" });
    await this.#instances.unloaded();
  }

  #createLease(model: string, generation: number): Lease {
    const backend = this.#instances.backendOf(model);
    let released = false;
    return {
      backend,
      release: (options = {}) => {
        if (released) return;
        released = true;
        this.#dispatch({ type: "release", model, generation, ...options });
      },
    };
  }

  /** Applies an input. One that comes during another waits for its end, so that effects and events keep their order. */
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
    if (isEnd(event)) this.#instances.forget(event.model);
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
        this.#instances.load(effect.model, effect.generation);
        return;
      case "unload":
        this.#instances.unload(effect.model, effect.generation);
        return;
      case "grant":
        this.#takeWaiter(effect.ticket)?.grant(effect.generation);
        return;
      case "reject":
        this.#takeWaiter(effect.ticket)?.reject(effect.error);
        return;
    }
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
    // A timer may end before the deadline: a tick that is early changes nothing and arms the next timer.
    this.#cancelTimer = setTimer(() => this.#dispatch({ type: "tick" }), Math.max(0, deadlineMs - now()));
  }
}

/** The model is no longer in memory. */
function isEnd({ type }: ModelEvent): boolean {
  return type === "load-failed" || type === "unloaded" || type === "crashed";
}
