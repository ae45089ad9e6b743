// What goes into the next decode: a pure decision. Every generating sequence gets its token first, so that a long prompt
// never stalls somebody's stream; prompts fill what is left.

export interface DecodingSequence {
  readonly slot: number;
  /** Guessed tokens that could be checked in the same step, beside the one that is certain. */
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
  /** Per sequence the number of tokens, certain one and guesses together. */
  readonly decoding: readonly { readonly slot: number; readonly count: number }[];
  readonly prompting: readonly { readonly slot: number; readonly count: number }[];
  readonly total: number;
}

/** Fills a batch of at most `batchSize` tokens: certain tokens, then guesses, then prompts in the order given. */
export function planBatch(
  { decoding, prompting }: { decoding: readonly DecodingSequence[]; prompting: readonly PromptingSequence[] },
  batchSize: number,
): BatchPlan {
  const admitted = decoding.slice(0, batchSize);
  let room = batchSize - admitted.length;
  const decodingPlan = admitted.map(({ slot, guesses }) => {
    const granted = Math.min(guesses, room);
    room -= granted;
    return { slot, count: 1 + granted };
  });
  const promptingPlan: { slot: number; count: number }[] = [];
  for (const { slot, remaining, limit } of prompting) {
    if (room === 0) break;
    const count = Math.min(remaining, limit, room);
    if (count === 0) continue;
    room -= count;
    promptingPlan.push({ slot, count });
  }
  return { decoding: decodingPlan, prompting: promptingPlan, total: batchSize - room };
}
