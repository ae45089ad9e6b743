// Shares the next batch out among the sequences: a pure decision. Every generating sequence gets its token first, so that a long
// prompt never stalls a stream; prompts fill what is left.
import { nextPromptPart } from "./prompt-shape.ts";

export interface DecodingSequence {
  readonly slot: number;
  /** Guessed tokens that could be checked in the same step, beside the certain one. */
  readonly guesses: number;
}

export interface PromptingSequence {
  readonly slot: number;
  /** Tokens of the prompt that are not evaluated yet. */
  readonly remaining: number;
  /** Most tokens of this prompt in one step; for prompts whose logits are all wanted. */
  readonly limit: number;
}

export interface BatchPlan {
  /** Tokens of each sequence: the certain one and the granted guesses. */
  readonly decoding: readonly { readonly slot: number; readonly count: number }[];
  readonly prompting: readonly { readonly slot: number; readonly count: number }[];
  readonly total: number;
}

interface Demand {
  readonly decoding: readonly DecodingSequence[];
  readonly prompting: readonly PromptingSequence[];
}

interface TurnOptions {
  readonly batchSize: number;
  /** Answers must not depend on what is computed beside them. */
  readonly reproducible: boolean;
  /** The last batch had tokens of a prompt. */
  readonly hasPrompted: boolean;
}

/** What the next batch computes. */
export function planTurn(demand: Demand, { batchSize, reproducible, hasPrompted }: TurnOptions): BatchPlan {
  return reproducible ? planUniformBatch(demand, { batchSize, hasPrompted }) : planBatch(demand, batchSize);
}

/**
 * Fills a batch of at most `batchSize` tokens.
 *
 * 1. The certain token of every generating sequence, then its guesses.
 * 2. Prompts shorter than the oldest one, the shortest first, as many as half of the rest holds whole: they do not wait behind a
 *    long one.
 * 3. The other prompts in the order given, the oldest first: it always goes on.
 *
 * A prompt's last tokens are kept for a batch after that of its others (prompt-shape.ts).
 */
export function planBatch({ decoding, prompting }: Demand, batchSize: number): BatchPlan {
  const admitted = decoding.slice(0, batchSize);
  let room = batchSize - admitted.length;
  const decodingPlan = admitted.map(({ slot, guesses }) => {
    const granted = Math.min(guesses, room);
    room -= granted;
    return { slot, count: 1 + granted };
  });
  const counts = new Map<number, number>();
  const [oldest, ...later] = prompting;
  let passing = Math.floor(room / 2);
  for (const { slot, remaining, limit } of later.toSorted((first, second) => first.remaining - second.remaining)) {
    if (remaining > Math.min(passing, limit) || remaining >= (oldest?.remaining ?? 0)) break;
    const count = nextPromptPart(remaining, remaining);
    counts.set(slot, count);
    passing -= count;
    room -= count;
  }
  for (const { slot, remaining, limit } of prompting) {
    if (counts.has(slot)) continue;
    const count = nextPromptPart(remaining, Math.min(limit, room));
    counts.set(slot, count);
    room -= count;
  }
  const promptingPlan = prompting
    .map(({ slot }) => ({ slot, count: counts.get(slot) ?? 0 }))
    .filter(({ count }) => count > 0);
  return { decoding: decodingPlan, prompting: promptingPlan, total: batchSize - room };
}

/**
 * The same where answers must not depend on what is computed beside them: a batch holds a part of one prompt alone, the
 * oldest, or the certain tokens of all generating sequences, and the two take turns. llama.cpp cuts a batch of unequal parts into
 * pieces of equal rows, and with them the kernels would depend on the neighbours.
 *
 * @param batchSize every generating sequence takes two rows of it (build-batch.ts)
 */
function planUniformBatch(
  { decoding, prompting }: Demand,
  { batchSize, hasPrompted }: { batchSize: number; hasPrompted: boolean },
): BatchPlan {
  if (prompting.length > 0 && (decoding.length === 0 || !hasPrompted)) {
    return planBatch({ decoding: [], prompting: prompting.slice(0, 1) }, batchSize);
  }
  const certain = decoding.map(({ slot }) => ({ slot, guesses: 0 }));
  return planBatch({ decoding: certain, prompting: [] }, Math.floor(batchSize / 2));
}
