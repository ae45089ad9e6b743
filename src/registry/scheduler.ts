// Decides which models are in memory. Each input yields effects (what must be done) and events (what has happened). Nothing here
// waits, reads a clock or touches a process. A caller never branches on a state that was read earlier: it asks for a model and is
// granted a lease.
import { ServerError } from "../domain/errors.ts";
import { chooseEvictions } from "./eviction.ts";
import { ModelLife, type SchedulerModel } from "./model-life.ts";
import type { Outcome, SchedulerInput } from "./scheduler-messages.ts";

export class Scheduler {
  readonly #models: ReadonlyMap<string, ModelLife>;
  readonly #budgetBytes: number;
  #closed = false;

  constructor({ models, budgetBytes }: { readonly models: readonly SchedulerModel[]; readonly budgetBytes: number }) {
    this.#models = new Map(models.map((model) => [model.id, new ModelLife(model)]));
    this.#budgetBytes = budgetBytes;
  }

  /** Applies one input at `nowMs` and returns what it leads to. */
  dispatch(input: SchedulerInput, nowMs: number): Outcome {
    const outcome: Outcome = { nowMs, effects: [], events: [] };
    this.#apply(input, outcome);
    for (const model of this.#models.values()) {
      if (model.isUnwanted) model.beginUnload({ type: "requested" }, outcome);
    }
    this.#startLoads(outcome);
    for (const model of this.#models.values()) model.tellUse(outcome);
    return outcome;
  }

  /** Whether a caller who asks now is granted a lease at once, without a load and so without an estimate of its memory. */
  isReady(id: string): boolean {
    return this.#models.get(id)?.status === "ready";
  }

  /** Whether the model is in memory, or on its way there or away. */
  isPresent(id: string): boolean {
    return (this.#models.get(id)?.status ?? "absent") !== "absent";
  }

  /** When `tick` is due next; `undefined` when no model can time out. */
  nextDeadlineMs(): number | undefined {
    let next: number | undefined;
    for (const { deadlineMs } of this.#models.values()) {
      if (deadlineMs !== undefined && (next === undefined || deadlineMs < next)) next = deadlineMs;
    }
    return next;
  }

  #apply(input: SchedulerInput, outcome: Outcome): void {
    switch (input.type) {
      case "acquire":
        this.#acquire(input, outcome);
        return;
      case "abandon":
        for (const model of this.#models.values()) model.abandon(input, outcome);
        return;
      case "release":
        this.#current(input)?.release(input.ttlMs, outcome);
        return;
      case "loaded": {
        const model = this.#current(input);
        model?.becomeReady(input, outcome);
        // The load succeeded although it was aborted.
        if (this.#closed) model?.beginUnload({ type: "shutdown" }, outcome);
        return;
      }
      case "load-failed":
        this.#current(input)?.failLoad(input.error, outcome);
        return;
      case "ended":
        this.#current(input)?.end(input.exit, outcome);
        return;
      case "unload":
        this.#models.get(input.model)?.unloadWhenIdle();
        return;
      case "tick":
        for (const model of this.#models.values()) {
          if (outcome.nowMs >= (model.deadlineMs ?? Infinity)) model.beginUnload({ type: "idle" }, outcome);
        }
        return;
      case "shut-down":
        this.#closed = true;
        for (const model of this.#models.values()) {
          model.rejectAll(shuttingDown(), outcome);
          const isInMemory = model.status === "ready" || model.status === "loading";
          if (isInMemory) model.beginUnload({ type: "shutdown" }, outcome);
        }
        return;
    }
  }

  #acquire(
    { ticket, model: id, estimatedBytes }: Extract<SchedulerInput, { type: "acquire" }>,
    outcome: Outcome,
  ): void {
    const model = this.#models.get(id);
    if (model !== undefined && !this.#closed) {
      model.wait(ticket, { estimatedBytes, outcome });
      return;
    }
    const error = this.#closed
      ? shuttingDown()
      : new ServerError("model_not_found", { message: `The model '${id}' does not exist.`, param: "model" });
    outcome.effects.push({ type: "reject", ticket, error });
  }

  /** Starts every load that callers wait for and that fits, and evicts idle models where that makes room. */
  #startLoads(outcome: Outcome): void {
    for (const model of this.#models.values()) {
      if (!model.isWanted) continue;
      const decision = chooseEvictions({
        target: { id: model.id, bytes: model.estimatedBytes },
        loaded: this.#loaded(),
        budgetBytes: this.#budgetBytes,
      });
      switch (decision.type) {
        case "never":
          model.refuse(this.#tooLarge(model), outcome);
          break;
        case "fits":
          for (const id of decision.evict) {
            this.#models.get(id)?.beginUnload({ type: "evicted", makeRoomFor: model.id }, outcome);
          }
          // Memory comes back only when the evicted processes have ended; their `ended` leads here again.
          if (decision.evict.length === 0) model.beginLoad(outcome);
          break;
        case "wait":
          break;
      }
    }
  }

  #loaded(): Parameters<typeof chooseEvictions>[0]["loaded"] {
    return [...this.#models.values()]
      .filter(({ status }) => status !== "absent")
      .map(({ id, bytes, isIdle, pinned, lastUsedMs }) => ({ id, bytes, busy: !isIdle, pinned, lastUsedMs }));
  }

  #tooLarge({ id, estimatedBytes }: ModelLife): ServerError {
    return new ServerError(
      "insufficient_memory",
      `The model '${id}' needs about ${estimatedBytes} bytes of memory, and the budget of ` +
        `${this.#budgetBytes} bytes (less the pinned models) is smaller.`,
    );
  }

  /** The model if the input is about its present load. */
  #current({ model: id, generation }: { model: string; generation: number }): ModelLife | undefined {
    const model = this.#models.get(id);
    return model?.isAt(generation) === true ? model : undefined;
  }
}

function shuttingDown(): ServerError {
  return new ServerError("shutting_down", "The server is shutting down.");
}
