// Decides when a model gets more slots, and gives it more. Slots cost memory whether they are used or not, so a model begins with few,
// gets more when requests wait for one, and gives them back when it has not been asked for a while.

import type { BackendContext } from "../../../../domain/backend.ts";
import type { NativeContextHandle } from "../../native/context.ts";
import type { SequenceView } from "../sequence.ts";
import type { Slots } from "./slots.ts";

/** Slots and how they are used. */
export interface Demand {
  readonly slots: number;
  readonly busy: number;
  /** Sequences that could start if there were a slot. */
  readonly waiting: number;
  /** Tokens that the busy slots hold. */
  readonly busyTokens: number;
}

export interface GrowthLimits {
  /** Most slots that the model may have. */
  readonly maximum: number;
  /** Bytes of a token's cells. */
  readonly bytesPerToken: number;
  /** States of busy slots can be carried along; else growth waits until no slot is busy. */
  readonly canCarry: boolean;
}

/** States that are carried along are written and read while nothing is computed, so growth waits for a moment with less of them. */
const largestCarriedBytes = 512 * 2 ** 20;

/** Milliseconds without a request after which slots are given back. */
const idleBeforeShrinkMs = 60_000;

/** The number of slots that this demand calls for. */
export function wantedSlots({ slots, busy, waiting }: Demand, { maximum }: GrowthLimits): number {
  return waiting > 0 && busy === slots ? Math.min(maximum, slots * 2) : slots;
}

/** Whether this is a moment for growth. */
export function canGrow({ busy, busyTokens }: Demand, { bytesPerToken, canCarry }: GrowthLimits): boolean {
  return busy === 0 || (canCarry && busyTokens * bytesPerToken <= largestCarriedBytes);
}

export interface GrowthOptions<S extends SequenceView> {
  readonly slots: Slots<S>;
  readonly context: NativeContextHandle;
  /** Tokens per slot. */
  readonly contextSize: number;
  readonly maxParallel: number;
  readonly canCarry: boolean;
  readonly log: BackendContext["log"];
}

/** Adds slots as they are wanted, until the first time that it fails. */
export class Growth<S extends SequenceView> {
  readonly #options: GrowthOptions<S>;
  readonly #start: number;
  #maximum: number;
  #wanted = 0;

  constructor(options: GrowthOptions<S>) {
    this.#options = options;
    this.#start = options.slots.all.length;
    this.#maximum = options.maxParallel;
  }

  /** Milliseconds without a request after which {@link shrink} is to be called; `undefined` = it would do nothing. */
  get shrinkAfterMs(): number | undefined {
    return this.#options.slots.all.length > this.#start ? idleBeforeShrinkMs : undefined;
  }

  /** Goes back to the slots of the start. To be called while no slot is used. */
  async shrink(): Promise<void> {
    const { slots, canCarry, log } = this.#options;
    try {
      await slots.shrink(this.#start, { carries: canCarry });
      this.#wanted = this.#start;
      log("info", `Nobody asks: the model generates for ${this.#start} at once again.`);
    } catch (error) {
      log("warn", "The model keeps its slots: fewer could not be had.", { reason: String(error) });
    }
  }

  /** To be called between two batches, with the number of sequences that could start if there were a slot. */
  async meet(waiting: number): Promise<void> {
    const { slots, context, contextSize, canCarry, log } = this.#options;
    const { all, idleCount, busyTokens } = slots;
    const before = all.length;
    const demand = { slots: before, busy: before - idleCount, waiting, busyTokens };
    const limits = {
      maximum: this.#maximum,
      bytesPerToken: context.memoryBytes / (before * contextSize),
      canCarry,
    };
    this.#wanted = Math.max(this.#wanted, wantedSlots(demand, limits));
    if (this.#wanted <= before || !canGrow(demand, limits)) return;
    try {
      await slots.grow(this.#wanted);
      log("info", `Requests wait: the model generates for ${this.#wanted} at once from now on.`);
    } catch (error) {
      this.#maximum = before;
      this.#wanted = before;
      log("warn", `The model stays at ${before} requests at once: more could not be had.`, { reason: String(error) });
    }
  }
}
