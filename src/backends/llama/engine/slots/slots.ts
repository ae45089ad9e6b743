// The slots of one model: each is a sequence of llama.cpp's KV cache, with the tokens that it holds and the sequence of ours that
// uses it. A new prompt gets a slot with as much of it evaluated already as possible. Only this file changes a slot.
import type { NativeContextHandle } from "../../native/context.ts";
import type { SequenceView } from "../sequence.ts";
import { chooseSlot, type SlotChoice } from "./choose-slot.ts";
import type { PromptCache } from "./prompt-cache.ts";

export interface Slot<S extends SequenceView = SequenceView> {
  readonly id: number;
  /** Tokens that the slot's KV cache holds. */
  readonly tokens: readonly number[];
  readonly user: S | undefined;
  /** Grows with every use; the smallest is the least recently used. */
  readonly lastUsed: number;
}

export interface SlotsOptions {
  readonly context: NativeContextHandle;
  readonly parallel: number;
  /** Tokens per slot. */
  readonly contextSize: number;
  /** False for models whose state cannot be cut at its end. */
  readonly canTrim: boolean;
  readonly promptCache: PromptCache | undefined;
}

/** A slot that was given to a sequence. */
export interface AssignedSlot<S extends SequenceView> {
  readonly slot: Slot<S>;
  /** Tokens of the prompt that need not be evaluated. */
  readonly cachedTokens: number;
}

interface OwnSlot<S extends SequenceView> extends Slot<S> {
  tokens: number[];
  user: S | undefined;
  lastUsed: number;
}

/** A copied prefix has to save at least so many tokens of evaluation. */
const minimumCopiedTokens = 64;

export class Slots<S extends SequenceView> {
  readonly #options: SlotsOptions;
  readonly #slots: readonly OwnSlot<S>[];
  #clock = 0;
  #meanOccupancyMs = 1000;

  constructor(options: SlotsOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.parallel }, (_, id) => ({
      id,
      tokens: [],
      user: undefined,
      lastUsed: 0,
    }));
  }

  get all(): readonly Slot<S>[] {
    return this.#slots;
  }

  get(id: number): Slot<S> {
    return this.#own(id);
  }

  get idleCount(): number {
    return this.#slots.reduce((count, slot) => count + (slot.user === undefined ? 1 : 0), 0);
  }

  /** Running mean of the time for which a sequence occupies its slot. */
  get meanOccupancyMs(): number {
    return this.#meanOccupancyMs;
  }

  /**
   * Gives `sequence` a slot, whose state is then the longest prefix of its prompt that could be found; `undefined` when none is idle.
   * @throws Error of the native library; the slot is then idle and empty
   */
  async assign(sequence: S): Promise<AssignedSlot<S> | undefined> {
    const { canTrim } = this.#options;
    const { prompt, scorePrompt } = sequence.request;
    const views = this.#slots.map(({ id, tokens, lastUsed, user }) => ({
      id,
      tokens,
      lastUsed,
      busy: user !== undefined,
    }));
    const choice = chooseSlot(views, {
      prompt,
      canTrim,
      mayReuse: !scorePrompt,
      // A sequence that shares its prompt with another never evaluates it again.
      minimumCopiedTokens: sequence.leader === undefined ? minimumCopiedTokens : 1,
    });
    if (choice === undefined) return undefined;
    const slot = this.#own(choice.slot);
    slot.user = sequence;
    try {
      return { slot, cachedTokens: await this.#prepare(slot, { sequence, ...choice }) };
    } catch (error) {
      this.forget(slot.id);
      slot.user = undefined;
      throw error;
    }
  }

  /** Makes the slot idle. What it holds stays for the next prompt that begins alike. */
  release(id: number, { occupiedMs }: { readonly occupiedMs: number }): void {
    const slot = this.#own(id);
    slot.user = undefined;
    slot.lastUsed = this.#clock += 1;
    this.#meanOccupancyMs += (occupiedMs - this.#meanOccupancyMs) / 8;
  }

  /** Notes tokens that were evaluated behind those that the slot held. */
  append(id: number, tokens: Iterable<number>): void {
    const slot = this.#own(id);
    for (const token of tokens) slot.tokens.push(token);
  }

  /** Empties the slot. */
  forget(id: number): void {
    this.#options.context.clear(id);
    this.#own(id).tokens = [];
  }

  /** True when the slot can compute a filler (batch-order.ts) and lose it again by {@link dropFiller}. */
  canFill(id: number): boolean {
    const { canTrim, contextSize } = this.#options;
    return canTrim && this.#own(id).tokens.length < contextSize;
  }

  /** Takes back what was computed behind the slot's tokens. */
  dropFiller(id: number): void {
    const { context } = this.#options;
    const { tokens } = this.#own(id);
    if (tokens.length === 0) context.clear(id);
    else context.trim(id, tokens.length);
  }

  /** Keeps the first `length` tokens of the slot, or none where the model cannot cut. Returns the number kept. */
  trim(id: number, length: number): number {
    const slot = this.#own(id);
    if (slot.tokens.length <= length) return slot.tokens.length;
    if (length > 0 && this.#options.context.trim(id, length)) slot.tokens.length = length;
    else this.forget(id);
    return slot.tokens.length;
  }

  #own(id: number): OwnSlot<S> {
    return this.#slots[id] as OwnSlot<S>;
  }

  /** Moves the state of `from`, which is empty then, to `to`, whose own state goes to the prompt cache. */
  async #move(from: OwnSlot<S>, to: OwnSlot<S>): Promise<void> {
    const { context, promptCache } = this.#options;
    await promptCache?.keep(to, { keep: 0, copies: false });
    to.tokens = [];
    try {
      await context.copy(to.id, from.id);
    } catch (error) {
      this.forget(to.id);
      throw error;
    }
    to.tokens = from.tokens;
    to.lastUsed = from.lastUsed;
    this.forget(from.id);
  }

  async #prepare(
    slot: OwnSlot<S>,
    { sequence, keep, copyFrom, moveTo }: SlotChoice & { readonly sequence: S },
  ): Promise<number> {
    const { context, promptCache, canTrim } = this.#options;
    const { prompt, scorePrompt } = sequence.request;
    if (moveTo !== null) await this.#move(slot, this.#own(moveTo));
    await promptCache?.keep(slot, { keep, copies: copyFrom !== null });
    if (copyFrom !== null) {
      await context.copy(slot.id, copyFrom);
      slot.tokens = this.#own(copyFrom).tokens.slice();
    }
    if (promptCache === undefined || !canTrim || scorePrompt) return this.trim(slot.id, keep);
    const stored = promptCache.find({ prompt, longerThan: keep });
    if (stored === undefined) return this.trim(slot.id, keep);
    this.forget(slot.id);
    slot.tokens = await promptCache.load(stored, slot.id);
    return this.trim(slot.id, Math.min(stored.common, prompt.length - 1));
  }
}
