// The slots of one model: each is a sequence of llama.cpp's KV cache, with the tokens that it holds and the sequence of ours that
// uses it. A new prompt gets a slot with as much of it evaluated already as possible. Only this file changes a slot.
import type { SequenceView } from "../sequence.ts";
import { emptySlot, hold, noTokens, type OwnSlot, type Slot } from "./slot.ts";
import { type HeldTokens, tailTokens, wideRows } from "../plan/prompt-shape.ts";
import type { SlotsOptions } from "./slots-options.ts";
import { Checkpoints } from "./checkpoints.ts";
import { canCutTo, chooseSlot, reusableTokens, type SlotChoice } from "./choose-slot.ts";
import { shortestStored } from "./prompt-cache.ts";
import { resizeContext } from "./resize-context.ts";

/** A slot that was given to a sequence. */
export interface AssignedSlot<S extends SequenceView> {
  readonly slot: Slot<S>;
  /** Tokens of the prompt that need not be evaluated. */
  readonly cachedTokens: number;
}

/** A copied prefix has to save at least so many tokens of evaluation. */
const minimumCopiedTokens = 64;
/** A state is stored ahead of its loss when at least so many of its tokens are in no file. */
const longState = 1024;

export class Slots<S extends SequenceView> {
  readonly #options: SlotsOptions;
  #slots: OwnSlot<S>[];
  readonly #checkpoints: Checkpoints;
  #clock = 0;
  #meanOccupancyMs = 1000;

  constructor(options: SlotsOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.parallel }, (_, id) => emptySlot<S>(id));
    const { context, parallel, checkpointBytes } = options;
    this.#checkpoints = new Checkpoints({ context, slots: parallel, budgetBytes: checkpointBytes });
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

  /** Tokens that the busy slots hold. */
  get busyTokens(): number {
    return this.#slots.reduce((sum, { user, tokens }) => sum + (user === undefined ? 0 : tokens.length), 0);
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
    const { canTrim, window, isUniform } = this.#options;
    const { prompt, scorePrompt } = sequence.request;
    const views = this.#slots.map((slot) => ({
      ...slot,
      firstPosition: this.#firstPosition(slot),
      checkpoints: this.#checkpoints.lengths(slot.id),
      busy: slot.user !== undefined,
    }));
    const choice = chooseSlot(views, {
      prompt,
      canTrim,
      window,
      isUniform,
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
  async append(id: number, tokens: ArrayLike<number> & Iterable<number>): Promise<void> {
    const slot = this.#own(id);
    if (tokens.length >= wideRows && slot.wideTokens === slot.tokens.length) slot.wideTokens += tokens.length;
    for (const token of tokens) slot.tokens.push(token);
    if (slot.user?.phase === "prompt") slot.promptLength = slot.tokens.length;
    await this.#keepBody(id);
  }

  /** Empties the slot. */
  forget(id: number): void {
    this.#options.context.clear(id);
    this.#checkpoints.drop(id, 0);
    hold(this.#own(id), noTokens);
  }

  /**
   * Adds slots until there are `count`. What idle slots hold is lost.
   * @throws Error of the native library or the file system; all is as it was then
   */
  async grow(count: number): Promise<void> {
    const busy = this.#slots.filter(({ user }) => user !== undefined);
    await this.#resize(count, busy, ({ id }) => id);
    for (const slot of this.#slots) if (slot.user === undefined) hold(slot, noTokens);
    while (this.#slots.length < count) this.#slots.push(emptySlot(this.#slots.length));
  }

  /**
   * Leaves `count` slots, while none is used. With `carries` those used last keep what they hold; the rest goes to the prompt cache.
   * @throws Error as {@link grow}
   */
  async shrink(count: number, { carries }: { readonly carries: boolean }): Promise<void> {
    await this.storeAll();
    const latest = this.#slots.toSorted((first, second) => second.lastUsed - first.lastUsed);
    const kept = carries ? latest.slice(0, count) : [];
    await this.#resize(count, kept, (_, index) => index);
    this.#slots = Array.from({ length: count }, (_, id) => ({ ...(kept[id] ?? emptySlot<S>(id)), id }));
  }

  async #resize(
    count: number,
    kept: readonly OwnSlot<S>[],
    idOf: (slot: OwnSlot<S>, index: number) => number,
  ): Promise<void> {
    const carried = kept.map((slot, index) => ({ from: slot.id, to: idOf(slot, index), tokens: slot.tokens }));
    await resizeContext(this.#options.context, { sequences: count, carried });
    // States that have checkpoints are not carried.
    this.#checkpoints.reset(count);
  }

  /** True when the slot can compute a filler (batch-order.ts) and lose it again by {@link dropFiller}. */
  canFill(id: number): boolean {
    const { canTrim, contextSize } = this.#options;
    return canTrim && this.#own(id).tokens.length < contextSize;
  }

  /** Takes back the filler that was computed behind the first `length` tokens. */
  dropFiller({ slot, length }: { readonly slot: number; readonly length: number }): void {
    const { context } = this.#options;
    if (length === 0) context.clear(slot);
    else context.trim(slot, length);
  }

  /** Keeps the first `length` tokens of the slot, or none where the model cannot cut. Returns the number kept. */
  trim(id: number, length: number): number {
    const slot = this.#own(id);
    if (slot.tokens.length <= length) return slot.tokens.length;
    const { context, window } = this.#options;
    const isHeld = canCutTo(length, { firstPosition: this.#firstPosition(slot), window });
    if (length > 0 && isHeld && context.trim(id, length)) this.#shorten(slot, length);
    else this.forget(id);
    return slot.tokens.length;
  }

  /** Makes a checkpoint of a slot that holds all of its prompt but the tail, which is evaluated for every answer. */
  async #keepBody(id: number): Promise<void> {
    const { user, tokens } = this.#own(id);
    if (this.#options.checkpointBytes === 0 || user?.phase !== "prompt" || tokens.length < shortestStored) return;
    if (tokens.length !== user.request.prompt.length - tailTokens) return;
    // Without it the prompt is evaluated again some day.
    await this.#checkpoints.add(id, tokens.length).catch(() => {});
  }

  /** {@link trim}, by a checkpoint where the state cannot be cut. */
  async #cut(slot: OwnSlot<S>, length: number): Promise<number> {
    const { canTrim, window } = this.#options;
    const isHeld = canTrim && canCutTo(length, { firstPosition: this.#firstPosition(slot), window });
    if (slot.tokens.length <= length || isHeld || !(await this.#checkpoints.cut(slot.id, length))) {
      return this.trim(slot.id, length);
    }
    this.#shorten(slot, length);
    return length;
  }

  #shorten(slot: OwnSlot<S>, length: number): void {
    slot.tokens.length = length;
    slot.promptLength = Math.min(slot.promptLength, length);
    slot.wideTokens = Math.min(slot.wideTokens, length);
    this.#checkpoints.drop(slot.id, length);
  }

  #firstPosition({ id, tokens }: OwnSlot<S>): number {
    return tokens.length === 0 ? 0 : this.#options.context.firstPosition(id);
  }

  #own(id: number): OwnSlot<S> {
    return this.#slots[id] as OwnSlot<S>;
  }

  /** Moves the state of `from`, which is empty then, to `to`, whose own state goes to the prompt cache. */
  async #move(from: OwnSlot<S>, to: OwnSlot<S>): Promise<void> {
    const { context, promptCache } = this.#options;
    if (promptCache !== undefined) await this.#store(to);
    hold(to, noTokens);
    try {
      await context.copy(to.id, from.id);
    } catch (error) {
      this.forget(to.id);
      throw error;
    }
    hold(to, from);
    this.#checkpoints.copy(to.id, from.id);
    to.lastUsed = from.lastUsed;
    this.forget(from.id);
  }

  async #prepare(
    slot: OwnSlot<S>,
    { sequence, keep, copyFrom, moveTo }: SlotChoice & { readonly sequence: S },
  ): Promise<number> {
    const { context, promptCache } = this.#options;
    const { prompt, scorePrompt } = sequence.request;
    if (moveTo !== null) await this.#move(slot, this.#own(moveTo));
    // What is lost of an answer's end is evaluated as fast as it is read.
    if (copyFrom !== null || slot.tokens.length - keep >= shortestStored) await this.#store(slot);
    if (copyFrom !== null) {
      await context.copy(slot.id, copyFrom);
      hold(slot, this.#own(copyFrom));
      this.#checkpoints.copy(slot.id, copyFrom);
    }
    if (promptCache === undefined || scorePrompt) return this.#cut(slot, keep);
    const stored = await promptCache.find({ longerThan: keep, keepOf: (held) => this.#keepOfStored(held, prompt) });
    if (stored === undefined) return this.#cut(slot, keep);
    this.forget(slot.id);
    hold(slot, (await promptCache.load(stored, slot.id)) ?? noTokens);
    return this.trim(slot.id, stored.keep);
  }

  /**
   * A file has of the layers with a window only the positions to which the token after the last one attends, whatever the cache held:
   * it is of use as a whole only.
   */
  #keepOfStored(held: HeldTokens, prompt: readonly number[]): number {
    const { canTrim, window, isUniform } = this.#options;
    const keep = reusableTokens({ ...held, firstPosition: 0, checkpoints: [] }, { prompt, canTrim, window, isUniform });
    return window === Infinity || keep === held.tokens.length ? keep : 0;
  }

  /** Stores the state of an idle slot that is about to lose it. */
  async #store(slot: OwnSlot<S>): Promise<void> {
    const { promptCache, canTrim, window } = this.#options;
    if (promptCache === undefined || slot.tokens.length < shortestStored) return;
    // The answer's end is left out of a window's file, or the prompt could not be asked again from it.
    if (canTrim && window !== Infinity) await this.#cut(slot, Math.max(1, slot.promptLength - tailTokens));
    await promptCache.store(slot.id, slot);
  }

  /**
   * Stores long states while nothing is to be computed, so that they survive a process that is killed. One at each call; false when
   * there is none.
   */
  async storeLongest(): Promise<boolean> {
    const { promptCache, window } = this.#options;
    if (promptCache === undefined || window !== Infinity) return false;
    const longest = this.#slots
      .filter(({ user, tokens }) => user === undefined && tokens.length - promptCache.storedLength(tokens) >= longState)
      .find((slot) => promptCache.isWorthStoring(slot));
    if (longest === undefined) return false;
    await promptCache.store(longest.id, longest);
    return true;
  }

  /** Reads the state that was used last, where it is long, into a slot: while no slot is used, before it is asked for. */
  async restoreLatest(): Promise<void> {
    const { promptCache } = this.#options;
    const latest = await promptCache?.findLatest(longState);
    const slot = this.#own(0);
    if (latest !== undefined) hold(slot, (await promptCache?.load(latest, slot.id)) ?? noTokens);
  }

  /** Stores all states that are worth it, before the context is disposed of. */
  async storeAll(): Promise<void> {
    for (const slot of this.#slots) if (slot.user === undefined) await this.#store(slot);
    this.#checkpoints.dispose();
  }
}
