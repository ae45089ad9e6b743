// Which model is in memory, decided in one place. Events go in, effects come out; nothing here waits, reads a clock or
// touches a process. A caller never branches on a state that was read earlier: it asks for a model and is granted a lease.
import { ServerError } from "../domain/errors.ts";
import { chooseEvictions } from "./eviction.ts";

export type ModelStatus = "absent" | "loading" | "ready" | "draining";

export type SchedulerEvent =
  /** A caller wants the model and waits under `ticket`. */
  | { readonly type: "acquire"; readonly ticket: number; readonly model: string; readonly estimatedBytes: number }
  /** A waiting caller has left. */
  | { readonly type: "abandon"; readonly ticket: number }
  /** A granted caller is done. `ttlMs` replaces how long the model may stay idle from now on. */
  | { readonly type: "release"; readonly model: string; readonly generation: number; readonly ttlMs?: number }
  | { readonly type: "loaded"; readonly model: string; readonly generation: number; readonly bytes: number }
  | { readonly type: "load-failed"; readonly model: string; readonly generation: number; readonly error: Error }
  /** The process of a ready or draining model has ended, asked for or not. */
  | { readonly type: "ended"; readonly model: string; readonly generation: number }
  /** Time has passed: idle models whose time is up leave. */
  | { readonly type: "tick" }
  /** Unload everything, grant nothing more. */
  | { readonly type: "shut-down" };

export type SchedulerEffect =
  | { readonly type: "load"; readonly model: string; readonly generation: number }
  | { readonly type: "unload"; readonly model: string; readonly generation: number }
  | { readonly type: "grant"; readonly ticket: number; readonly generation: number }
  | { readonly type: "reject"; readonly ticket: number; readonly error: Error };

export interface SchedulerModel {
  readonly id: string;
  readonly pinned: boolean;
  /** Idle milliseconds until it is unloaded; 0 = never. */
  readonly ttlMs: number;
}

/** A model as the health report shows it. */
export interface ModelSnapshot {
  readonly id: string;
  readonly status: ModelStatus;
  readonly leases: number;
  readonly waiting: number;
  readonly bytes: number;
  readonly lastError: string | undefined;
}

interface ModelState {
  readonly id: string;
  readonly pinned: boolean;
  status: ModelStatus;
  /** Number of the present load: what an earlier one reports late is ignored. */
  generation: number;
  leases: number;
  /** Tickets in order of arrival. */
  waiting: number[];
  /** Reserved while it loads, measured once it is ready, 0 when absent. */
  bytes: number;
  estimatedBytes: number;
  lastUsedMs: number;
  ttlMs: number;
  lastError: string | undefined;
}

export class Scheduler {
  readonly #models = new Map<string, ModelState>();
  readonly #budgetBytes: number;
  #closed = false;

  constructor(options: { readonly models: readonly SchedulerModel[]; readonly budgetBytes: number }) {
    this.#budgetBytes = options.budgetBytes;
    for (const { id, pinned, ttlMs } of options.models) {
      this.#models.set(id, {
        id,
        pinned,
        ttlMs,
        status: "absent",
        generation: 0,
        leases: 0,
        waiting: [],
        bytes: 0,
        estimatedBytes: 0,
        lastUsedMs: 0,
        lastError: undefined,
      });
    }
  }

  /** Applies one event at `nowMs` and returns what must be done because of it, in order. */
  dispatch(event: SchedulerEvent, nowMs: number): SchedulerEffect[] {
    const effects: SchedulerEffect[] = [];
    this.#apply(event, nowMs, effects);
    this.#startLoads(nowMs, effects);
    return effects;
  }

  /** When `tick` has something to do next, or `undefined` when nothing is idle. */
  nextDeadlineMs(): number | undefined {
    let next: number | undefined;
    for (const model of this.#models.values()) {
      if (!isIdle(model) || model.ttlMs === 0) continue;
      const deadline = model.lastUsedMs + model.ttlMs;
      if (next === undefined || deadline < next) next = deadline;
    }
    return next;
  }

  snapshot(): ModelSnapshot[] {
    return [...this.#models.values()].map((model) => ({
      id: model.id,
      status: model.status,
      leases: model.leases,
      waiting: model.waiting.length,
      bytes: model.bytes,
      lastError: model.lastError,
    }));
  }

  #apply(event: SchedulerEvent, nowMs: number, effects: SchedulerEffect[]): void {
    switch (event.type) {
      case "acquire":
        this.#acquire(event, nowMs, effects);
        return;
      case "abandon":
        for (const model of this.#models.values()) {
          model.waiting = model.waiting.filter((ticket) => ticket !== event.ticket);
        }
        return;
      case "release": {
        const model = this.#current(event);
        if (model === undefined) return;
        model.leases -= 1;
        model.lastUsedMs = nowMs;
        if (event.ttlMs !== undefined) model.ttlMs = event.ttlMs;
        return;
      }
      case "loaded": {
        const model = this.#current(event);
        if (model === undefined) return;
        model.status = "ready";
        model.bytes = event.bytes;
        model.lastUsedMs = nowMs;
        model.lastError = undefined;
        grantAll(model, nowMs, effects);
        if (this.#closed) unload(model, effects);
        return;
      }
      case "load-failed": {
        const model = this.#current(event);
        if (model === undefined) return;
        // A failure is told to everyone who waited and then forgotten: the next caller tries again.
        model.lastError = event.error.message;
        rejectAll(model, event.error, effects);
        forget(model);
        return;
      }
      case "ended": {
        const model = this.#current(event);
        if (model === undefined) return;
        if (model.status === "ready") model.lastError = "its process ended";
        forget(model);
        return;
      }
      case "tick":
        for (const model of this.#models.values()) {
          if (isIdle(model) && model.ttlMs > 0 && nowMs >= model.lastUsedMs + model.ttlMs) unload(model, effects);
        }
        return;
      case "shut-down":
        this.#closed = true;
        for (const model of this.#models.values()) {
          rejectAll(model, new ServerError("shutting_down", "The server is shutting down."), effects);
          if (model.status === "ready" || model.status === "loading") unload(model, effects);
        }
        return;
    }
  }

  #acquire(
    { ticket, model: id, estimatedBytes }: Extract<SchedulerEvent, { type: "acquire" }>,
    nowMs: number,
    effects: SchedulerEffect[],
  ): void {
    const model = this.#models.get(id);
    if (this.#closed || model === undefined) {
      const error = this.#closed
        ? new ServerError("shutting_down", "The server is shutting down.")
        : new ServerError("model_not_found", { message: `The model '${id}' does not exist.`, param: "model" });
      effects.push({ type: "reject", ticket, error });
      return;
    }
    model.estimatedBytes = estimatedBytes;
    model.waiting.push(ticket);
    if (model.status === "ready") grantAll(model, nowMs, effects);
  }

  /** Starts every load that somebody waits for and that fits, and makes room where that helps. */
  #startLoads(nowMs: number, effects: SchedulerEffect[]): void {
    for (const model of this.#models.values()) {
      if (model.status !== "absent" || model.waiting.length === 0) continue;
      const decision = chooseEvictions({
        target: { id: model.id, bytes: model.estimatedBytes },
        loaded: this.#loaded(),
        budgetBytes: this.#budgetBytes,
      });
      switch (decision.type) {
        case "never": {
          const error = new ServerError(
            "insufficient_memory",
            `The model '${model.id}' needs about ${model.estimatedBytes} bytes of memory, and the budget of ` +
              `${this.#budgetBytes} bytes (less the pinned models) is smaller.`,
          );
          model.lastError = error.message;
          rejectAll(model, error, effects);
          break;
        }
        case "fits":
          for (const id of decision.evict) unload(this.#models.get(id) as ModelState, effects);
          // Memory comes back only when the evicted processes have ended; `ended` brings us here again.
          if (decision.evict.length > 0) break;
          model.status = "loading";
          model.generation += 1;
          model.bytes = model.estimatedBytes;
          model.lastUsedMs = nowMs;
          effects.push({ type: "load", model: model.id, generation: model.generation });
          break;
        case "wait":
          break;
      }
    }
  }

  #loaded(): Parameters<typeof chooseEvictions>[0]["loaded"] {
    return [...this.#models.values()]
      .filter((model) => model.status !== "absent")
      .map((model) => ({
        id: model.id,
        bytes: model.bytes,
        busy: !isIdle(model),
        pinned: model.pinned,
        lastUsedMs: model.lastUsedMs,
      }));
  }

  /** The model if the event speaks of its present load. */
  #current({ model: id, generation }: { model: string; generation: number }): ModelState | undefined {
    const model = this.#models.get(id);
    return model !== undefined && model.generation === generation && model.status !== "absent" ? model : undefined;
  }
}

function isIdle(model: ModelState): boolean {
  return model.status === "ready" && model.leases === 0 && model.waiting.length === 0;
}

function grantAll(model: ModelState, nowMs: number, effects: SchedulerEffect[]): void {
  for (const ticket of model.waiting) {
    model.leases += 1;
    effects.push({ type: "grant", ticket, generation: model.generation });
  }
  model.waiting = [];
  model.lastUsedMs = nowMs;
}

function rejectAll(model: ModelState, error: Error, effects: SchedulerEffect[]): void {
  for (const ticket of model.waiting) effects.push({ type: "reject", ticket, error });
  model.waiting = [];
}

function unload(model: ModelState, effects: SchedulerEffect[]): void {
  model.status = "draining";
  effects.push({ type: "unload", model: model.id, generation: model.generation });
}

function forget(model: ModelState): void {
  model.status = "absent";
  model.leases = 0;
  model.bytes = 0;
}
