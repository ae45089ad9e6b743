// The state of one model: absent -> loading -> ready -> draining -> absent. Each method makes one change of it and adds the effects
// and events of that change to the outcome; the scheduler decides when a change is due.
import { ServerError } from "../domain/errors.ts";
import type { ModelEvent, ModelInstance, UnloadReason } from "../domain/model-events.ts";
import type { Outcome } from "./scheduler-messages.ts";

export type ModelStatus = "absent" | "loading" | "ready" | "draining";

export interface SchedulerModel {
  readonly id: string;
  readonly pinned: boolean;
  /** Idle milliseconds until it is unloaded; 0 = never. */
  readonly ttlMs: number;
}

/** An event without what `#tell` adds; a conditional type, as it keeps the fields of each kind of event. */
type Told<E> = E extends ModelEvent ? Omit<E, "model" | "generation"> : never;

export class ModelLife {
  readonly id: string;
  readonly pinned: boolean;
  #status: ModelStatus = "absent";
  #generation = 0;
  /** The estimate while it loads, measured once it is ready, 0 when absent. */
  #bytes = 0;
  #estimatedBytes = 0;
  #leases = 0;
  /** Tickets in order of arrival. */
  #waiting: number[] = [];
  #ttlMs: number;
  #lastUsedMs = 0;
  #loadBegunMs = 0;
  /** `undefined` until the present load has succeeded. */
  #readySinceMs: number | undefined;
  /** Somebody asked for it to be unloaded once it is idle. */
  #isUnwanted = false;
  #unload: { readonly reason: UnloadReason; readonly begunMs: number } | undefined;
  #toldLeases = 0;
  #toldWaiting = 0;

  constructor({ id, pinned, ttlMs }: SchedulerModel) {
    this.id = id;
    this.pinned = pinned;
    this.#ttlMs = ttlMs;
  }

  get status(): ModelStatus {
    return this.#status;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that its next load will reserve. */
  get estimatedBytes(): number {
    return this.#estimatedBytes;
  }

  get lastUsedMs(): number {
    return this.#lastUsedMs;
  }

  get isIdle(): boolean {
    return this.#status === "ready" && this.#leases === 0 && this.#waiting.length === 0;
  }

  /** Callers wait for it, and it is neither loading nor loaded. */
  get isWanted(): boolean {
    return this.#status === "absent" && this.#waiting.length > 0;
  }

  /** When its idle time is up; `undefined` when it is not idle or may stay for ever. */
  get deadlineMs(): number | undefined {
    return this.isIdle && this.#ttlMs > 0 ? this.#lastUsedMs + this.#ttlMs : undefined;
  }

  /** It is idle, and somebody asked for it to be unloaded then. */
  get isUnwanted(): boolean {
    return this.isIdle && this.#isUnwanted;
  }

  /** Whether its present load has that number. */
  isAt(generation: number): boolean {
    return this.#status !== "absent" && this.#generation === generation;
  }

  wait(ticket: number, { estimatedBytes, outcome }: { estimatedBytes: number; outcome: Outcome }): void {
    this.#waiting.push(ticket);
    if (this.#status === "ready") this.#grantAll(outcome);
    else this.#estimatedBytes = estimatedBytes;
  }

  abandon({ ticket, error }: { ticket: number; error: Error }, { effects }: Outcome): void {
    const index = this.#waiting.indexOf(ticket);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    effects.push({ type: "reject", ticket, error });
  }

  release(ttlMs: number | undefined, { nowMs }: Outcome): void {
    this.#leases -= 1;
    this.#lastUsedMs = nowMs;
    if (ttlMs !== undefined) this.#ttlMs = ttlMs;
  }

  unloadWhenIdle(): void {
    this.#isUnwanted = this.#status === "loading" || this.#status === "ready";
  }

  rejectAll(error: Error, { effects }: Outcome): void {
    for (const ticket of this.#waiting) effects.push({ type: "reject", ticket, error });
    this.#waiting = [];
  }

  /** Rejects every waiting caller, as its load is not even tried. */
  refuse(error: ServerError, outcome: Outcome): void {
    this.#tell({ type: "load-refused", bytes: this.#estimatedBytes, reason: error.message }, outcome);
    this.rejectAll(error, outcome);
  }

  beginLoad(outcome: Outcome): void {
    this.#status = "loading";
    this.#generation += 1;
    this.#bytes = this.#estimatedBytes;
    this.#loadBegunMs = outcome.nowMs;
    this.#tell({ type: "load-begun", bytes: this.#bytes }, outcome);
    outcome.effects.push({ type: "load", model: this.id, generation: this.#generation });
  }

  becomeReady({ bytes, instance }: { bytes: number; instance: ModelInstance }, outcome: Outcome): void {
    this.#status = "ready";
    this.#bytes = bytes;
    this.#readySinceMs = outcome.nowMs;
    this.#tell({ type: "ready", loadMs: outcome.nowMs - this.#loadBegunMs, bytes, instance }, outcome);
    this.#grantAll(outcome);
  }

  /** Rejects every waiting caller with the failure. The next caller begins a new load. */
  failLoad(error: Error, outcome: Outcome): void {
    const loadMs = outcome.nowMs - this.#loadBegunMs;
    this.#tell({ type: "load-failed", loadMs, bytes: this.#bytes, reason: error.message }, outcome);
    this.#forget();
    this.rejectAll(error, outcome);
  }

  beginUnload(reason: UnloadReason, outcome: Outcome): void {
    this.#status = "draining";
    this.#unload = { reason, begunMs: outcome.nowMs };
    this.#tell({ type: "unload-begun", bytes: this.#bytes, reason }, outcome);
    outcome.effects.push({ type: "unload", model: this.id, generation: this.#generation });
  }

  /** It is no longer in memory. Callers that wait stay: the scheduler begins a new load for them. */
  end(exit: string | undefined, outcome: Outcome): void {
    if (this.#readySinceMs === undefined) {
      const message = `The model '${this.id}' ended while it was being loaded${exit === undefined ? "." : ` (${exit}).`}`;
      this.failLoad(new ServerError("model_load_failed", message), outcome);
      return;
    }
    const aliveMs = outcome.nowMs - this.#readySinceMs;
    if (this.#unload === undefined) {
      this.#tell({ type: "crashed", aliveMs, bytes: this.#bytes, exit: exit ?? "unknown" }, outcome);
    } else {
      const { reason, begunMs } = this.#unload;
      const unloadMs = outcome.nowMs - begunMs;
      this.#tell({ type: "unloaded", unloadMs, aliveMs, bytes: this.#bytes, reason, exit }, outcome);
    }
    this.#forget();
  }

  /** Adds an event if the number of leases or of waiting callers is not the one last told. */
  tellUse(outcome: Outcome): void {
    const [leases, waiting] = [this.#leases, this.#waiting.length];
    if (leases === this.#toldLeases && waiting === this.#toldWaiting) return;
    this.#toldLeases = leases;
    this.#toldWaiting = waiting;
    this.#tell({ type: "use-changed", leases, waiting }, outcome);
  }

  #grantAll({ nowMs, effects }: Outcome): void {
    for (const ticket of this.#waiting) {
      this.#leases += 1;
      effects.push({ type: "grant", ticket, generation: this.#generation });
    }
    this.#waiting = [];
    this.#lastUsedMs = nowMs;
  }

  #forget(): void {
    this.#status = "absent";
    this.#isUnwanted = false;
    this.#leases = 0;
    this.#bytes = 0;
    this.#readySinceMs = undefined;
    this.#unload = undefined;
  }

  #tell(event: Told<ModelEvent>, { events }: Outcome): void {
    // With the spread first V8 takes ten times as long, and this runs twice for every request.
    events.push({ model: this.id, generation: this.#generation, ...event });
  }
}
