// Decides how many requests a model generates for at once: how many sequences its context begins with, and how many it may come to
// have while requests wait (engine/slots/growth.ts).
import type { TextModelOptions } from "../../../domain/model.ts";

export interface Parallel {
  readonly start: number;
  readonly maximum: number;
}

/** Sequences of `auto` at the start: a few conversations keep their state, and small machines can hold it. */
const startSequences = 4;
/** Most sequences of `auto`: with more, on a CPU, each answer is slower and all together hardly faster. */
const mostSequences = 16;
/** Share of the budget for all models that the sequences beyond the first few may take. */
const growthShare = 1 / 8;

/** Sequences that the context is created with. */
export function startOf({ parallel }: Pick<TextModelOptions, "parallel">): number {
  return parallel === "auto" ? startSequences : parallel;
}

/**
 * @param contextBytes of the context with the sequences that it starts with
 * @param budgetBytes for all models together
 * @param isFixed the context cannot get more sequences later on
 */
export function resolveParallel(
  options: Pick<TextModelOptions, "parallel">,
  {
    contextBytes,
    budgetBytes,
    isFixed,
  }: { readonly contextBytes: number; readonly budgetBytes: number; readonly isFixed: boolean },
): Parallel {
  const start = startOf(options);
  if (options.parallel !== "auto" || isFixed) return { start, maximum: start };
  const affordable = Math.floor((budgetBytes * growthShare) / (contextBytes / start));
  return { start, maximum: Math.min(mostSequences, start + affordable) };
}
