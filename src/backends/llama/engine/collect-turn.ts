// Who wants a share of the next batch: decoding sequences whose readers have granted credit, and prompts, oldest first.
import type { PromptingSequence } from "./batch-plan.ts";
import type { SequenceView } from "./sequence.ts";
import type { Slot } from "./slots/slots.ts";

/** Logits of scored prompts are held for a whole batch: so many floats at most. */
const maximumScoredLogits = 8 * 1024 * 1024;

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
