// A slot: a sequence of llama.cpp's KV cache with the tokens that it holds. Only slots.ts changes one.
import type { SequenceView } from "../sequence.ts";
import type { HeldTokens } from "../plan/prompt-shape.ts";

export interface Slot<S extends SequenceView = SequenceView> {
  readonly id: number;
  /** Tokens that the slot's KV cache holds. */
  readonly tokens: readonly number[];
  /** How many of them came from the last prompt; the others were generated. */
  readonly promptLength: number;
  /** How many of them, from the first one on, were computed in wide parts (prompt-shape.ts). */
  readonly wideTokens: number;
  readonly user: S | undefined;
  /** Grows with every use; the smallest is the least recently used. */
  readonly lastUsed: number;
}

/** A slot as its owner sees it. */
export interface OwnSlot<S extends SequenceView> extends Slot<S> {
  tokens: number[];
  promptLength: number;
  wideTokens: number;
  user: S | undefined;
  lastUsed: number;
}

/** A slot that nothing uses and that holds nothing. */
export function emptySlot<S extends SequenceView>(id: number): OwnSlot<S> {
  return { id, tokens: [], promptLength: 0, wideTokens: 0, user: undefined, lastUsed: 0 };
}

export const noTokens: HeldTokens = { tokens: [], promptLength: 0, wideTokens: 0 };

/** Notes that the slot holds what `held` tells. */
export function hold<S extends SequenceView>(slot: OwnSlot<S>, { tokens, promptLength, wideTokens }: HeldTokens): void {
  slot.tokens = tokens.slice();
  slot.promptLength = promptLength;
  slot.wideTokens = wideTokens;
}
