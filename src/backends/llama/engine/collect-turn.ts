// Collects the sequences that want tokens in the next batch: those that decode and whose reader has granted credit, and those
// with prompt tokens to evaluate, in the order in which they got their slots.
import type { PromptingSequence } from "./plan/batch-plan.ts";
import type { SequenceView } from "./sequence.ts";
import type { Slot } from "./slots/slot.ts";

/** Floats of logits that one scored prompt may keep for a batch. */
const maximumScoredLogits = 8 * 1024 * 1024;

/** What one turn of the decode loop, which computes one batch, has to choose from. */
export interface Turn<S extends SequenceView> {
  readonly decoding: readonly S[];
  readonly prompting: readonly PromptingSequence[];
}

export function collectTurn<S extends SequenceView>(
  slots: readonly Slot<S>[],
  { batchSize, vocabularySize }: { readonly batchSize: number; readonly vocabularySize: number },
): Turn<S> {
  const decoding: S[] = [];
  const prompting: (PromptingSequence & { readonly startedAt: number })[] = [];
  for (const { user, id, tokens } of slots) {
    if (user === undefined || user.isCancelled) continue;
    if (user.phase === "decoding" && !user.request.receiver.isPaused) decoding.push(user);
    if (user.phase !== "prompt") continue;
    const limit = user.request.scorePrompt ? Math.max(1, Math.floor(maximumScoredLogits / vocabularySize)) : batchSize;
    const remaining = user.request.prompt.length - tokens.length;
    prompting.push({ slot: id, remaining, limit, startedAt: user.startedAt ?? 0 });
  }
  return { decoding, prompting: prompting.toSorted((first, second) => first.startedAt - second.startedAt) };
}
