// The sequences of one model: what each holds, who uses it, and how a new prompt gets one with as much of it read as possible.
import { performance } from "node:perf_hooks";
import type { NativeContextHandle } from "../../native/context.ts";
import type { Generation } from "../sequence.ts";
import type { PrefixStore } from "./prompt-cache.ts";
import { chooseSlot, type SlotChoice } from "./choose-slot.ts";

export interface Slot {
  readonly id: number;
  /** What the KV cache of the sequence holds. */
  tokens: number[];
  generation: Generation | undefined;
  lastUsed: number;
}

export interface SequenceSlotsOptions {
  readonly context: NativeContextHandle;
  readonly parallel: number;
  /** Tokens per sequence. */
  readonly contextSize: number;
  /** False for models whose state cannot be cut at its end. */
  readonly canTrim: boolean;
  readonly prefixStore: PrefixStore | undefined;
}

/** A copied prefix has to save at least so many tokens of evaluation. */
const minimumCopiedTokens = 64;

export class SequenceSlots {
  readonly #options: SequenceSlotsOptions;
  readonly all: readonly Slot[];
  #clock = 0;
  #meanOccupancyMs = 1000;

  constructor(options: SequenceSlotsOptions) {
    this.#options = options;
    this.all = Array.from({ length: options.parallel }, (_, id) => ({
      id,
      tokens: [],
      generation: undefined,
      lastUsed: 0,
    }));
  }

  get(id: number): Slot {
    return this.all[id] as Slot;
  }

  get idleCount(): number {
    return this.all.reduce((count, slot) => count + (slot.generation === undefined ? 1 : 0), 0);
  }

  /** Running mean of how long a choice occupies its slot. */
  get meanOccupancyMs(): number {
    return this.#meanOccupancyMs;
  }

  /**
   * Gives `generation` a slot whose state is a prefix of its prompt, as long as can be had. False when none is idle.
   * @throws Error of the native library; the slot is then free and empty again.
   */
  async assign(generation: Generation): Promise<boolean> {
    const { canTrim } = this.#options;
    const { prompt, scorePrompt } = generation.request;
    const views = this.all.map(({ id, tokens, lastUsed, generation: user }) => ({
      id,
      tokens,
      lastUsed,
      busy: user !== undefined,
    }));
    const choice = chooseSlot(views, {
      prompt,
      canTrim,
      mayReuse: !scorePrompt,
      // A choice that shares its prompt with another never reads it again.
      minimumCopiedTokens: generation.leader === undefined ? minimumCopiedTokens : 1,
    });
    if (choice === undefined) return false;
    const slot = this.get(choice.slot);
    slot.generation = generation;
    generation.slot = slot.id;
    generation.phase = "prompt";
    generation.startedAt = performance.now();
    try {
      generation.cachedTokens = await this.#prepare(slot, { generation, ...choice });
    } catch (error) {
      this.forget(slot);
      this.release(slot);
      throw error;
    }
    return true;
  }

  /** The slot's user is done; what the slot holds stays for the next prompt that begins alike. */
  release(slot: Slot): void {
    const { generation } = slot;
    slot.generation = undefined;
    slot.lastUsed = this.#clock += 1;
    if (generation === undefined) return;
    generation.phase = "ended";
    generation.endedAt ??= performance.now();
    generation.sampler?.dispose();
    generation.sampler = undefined;
    generation.slot = undefined;
    const occupiedMs = generation.endedAt - (generation.startedAt ?? generation.endedAt);
    this.#meanOccupancyMs += (occupiedMs - this.#meanOccupancyMs) / 8;
  }

  /** Empties the slot. */
  forget(slot: Slot): void {
    this.#options.context.clear(slot.id);
    slot.tokens = [];
  }

  /** True when the slot can compute a token that is not kept: see {@link dropFiller}. */
  canFill(slot: Slot): boolean {
    const { canTrim, contextSize } = this.#options;
    return canTrim && slot.tokens.length < contextSize;
  }

  /** Takes back what was computed behind the slot's tokens. */
  dropFiller({ id, tokens }: Slot): void {
    const { context } = this.#options;
    if (tokens.length === 0) context.clear(id);
    else context.trim(id, tokens.length);
  }

  /** Keeps the first `length` tokens of the slot, or none where the model cannot cut; answers how many. */
  trim(slot: Slot, length: number): number {
    if (slot.tokens.length <= length) return slot.tokens.length;
    if (length > 0 && this.#options.context.trim(slot.id, length)) slot.tokens.length = length;
    else this.forget(slot);
    return slot.tokens.length;
  }

  /** Leaves `from` empty. */
  async #move(from: Slot, to: Slot): Promise<void> {
    const { context, prefixStore } = this.#options;
    await prefixStore?.keep(to, { keep: 0, copies: false });
    to.tokens = [];
    try {
      await context.copy(to.id, from.id);
    } catch (error) {
      this.forget(to);
      throw error;
    }
    to.tokens = from.tokens;
    to.lastUsed = from.lastUsed;
    this.forget(from);
  }

  async #prepare(
    slot: Slot,
    { generation, keep, copyFrom, moveTo }: SlotChoice & { generation: Generation },
  ): Promise<number> {
    const { context, prefixStore, canTrim } = this.#options;
    const { prompt, scorePrompt } = generation.request;
    if (moveTo !== null) await this.#move(slot, this.get(moveTo));
    await prefixStore?.keep(slot, { keep, copies: copyFrom !== null });
    if (copyFrom !== null) {
      await context.copy(slot.id, copyFrom);
      slot.tokens = this.get(copyFrom).tokens.slice();
    }
    if (prefixStore === undefined || !canTrim || scorePrompt) return this.trim(slot, keep);
    const restored = await prefixStore.restore(slot, { prompt, longerThan: keep });
    return this.trim(slot, Math.max(keep, Math.min(restored, prompt.length - 1)));
  }
}
