// Checkpoints of slots whose state cannot be cut: at the end of a prompt, what would be lost is copied, so that another answer to the
// prompt, or a next turn that writes the last answer differently, need not evaluate the prompt again. They are of use as long as the slot
// still holds the tokens before them.
import type { NativeCheckpoint } from "../../native/binding.ts";
import type { NativeContextHandle } from "../../native/context.ts";

interface Checkpoint {
  readonly length: number;
  readonly native: NativeCheckpoint;
  /** Slots that hold it: copies of a state share its checkpoints. */
  holders: number;
}

export interface CheckpointsOptions {
  readonly context: NativeContextHandle;
  readonly slots: number;
  /** Bytes of all checkpoints together. */
  readonly budgetBytes: number;
}

/** Checkpoints of one slot: those of the last prompt and of the one before. */
const mostOfSlot = 2;

export class Checkpoints {
  readonly #options: CheckpointsOptions;
  /** By slot, the shortest first. */
  #held: Checkpoint[][];
  #bytes = 0;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    this.#held = Array.from({ length: options.slots }, () => []);
  }

  /** Numbers of tokens to which the slot can be cut. */
  lengths(slot: number): readonly number[] {
    return this.#of(slot).map(({ length }) => length);
  }

  /** Makes one of the slot's first `length` tokens, which are all that it holds. Without room for it the slot's older ones go. */
  async add(slot: number, length: number): Promise<void> {
    const held = this.#of(slot);
    if (held.some((checkpoint) => checkpoint.length === length)) return;
    const native = await this.#options.context.checkpoint(slot);
    held.push({ length, native, holders: 1 });
    this.#bytes += native.size;
    while (held.length > mostOfSlot || (this.#bytes > this.#options.budgetBytes && held.length > 0)) {
      this.#release(held.shift());
    }
  }

  /** Cuts the slot to `length` tokens; false where it has no checkpoint of them, or where its state is lost. */
  async cut(slot: number, length: number): Promise<boolean> {
    const found = this.#of(slot).find((checkpoint) => checkpoint.length === length);
    if (found === undefined) return false;
    return await this.#options.context.cutTo(slot, { checkpoint: found.native, length });
  }

  /** The slot holds `length` tokens now: checkpoints of more are of no use any more. */
  drop(slot: number, length: number): void {
    const held = this.#of(slot);
    while ((held.at(-1)?.length ?? 0) > length) this.#release(held.pop());
  }

  /** `target` is a copy of `source` now. */
  copy(target: number, source: number): void {
    this.drop(target, 0);
    for (const checkpoint of this.#of(source)) {
      checkpoint.holders += 1;
      this.#of(target).push(checkpoint);
    }
  }

  /** The context has become another one, of so many sequences: no checkpoint is of use any more. */
  reset(slots: number): void {
    this.dispose();
    this.#held = Array.from({ length: slots }, () => []);
  }

  dispose(): void {
    for (const slot of this.#held.keys()) this.drop(slot, 0);
  }

  #of(slot: number): Checkpoint[] {
    return this.#held[slot] as Checkpoint[];
  }

  #release(checkpoint: Checkpoint | undefined): void {
    if (checkpoint === undefined) return;
    checkpoint.holders -= 1;
    if (checkpoint.holders > 0) return;
    this.#bytes -= checkpoint.native.size;
    checkpoint.native.dispose();
  }
}
