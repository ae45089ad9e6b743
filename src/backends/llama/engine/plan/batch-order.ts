// Orders a batch so that llama.cpp needs few passes over the weights. Every slot is a sequence of llama.cpp with a KV cache of its
// own, and sequences are computed together only where their numbers follow each other (`llama_batch_allocr::split_equal` with
// `sequential`). 0, 1, 2, 3 are one pass; 0, 1, 3, 4 are two, and a pass costs more than several tokens do.
import type { BatchPlan } from "./batch-plan.ts";

/** With two active sequences a filler saves nothing: 1 + 1 take no longer than 3 together. */
const fewestSequencesToFill = 3;

/** Tokens of one sequence in a batch. A filler is one token whose result is thrown away. */
export interface BatchEntry {
  readonly slot: number;
  readonly count: number;
  readonly isFiller: boolean;
}

/**
 * Orders the sequences of a batch into as few and as cheap passes as possible:
 *
 * 1. By the sequences' numbers, so that neighbours are computed together.
 * 2. An idle sequence between two that work computes a filler, which joins what would else be two passes. Measured with
 *    `llama-bench -p 1,2,3,4,5,6,7,8 -n 0`: 143 M parameters in Q8_0 take 6 ms for one token and about 10 + 1.2 n ms for n
 *    of them, so 2 + 2 sequences take 25 ms, and 5 take 18.
 * 3. A single generated token stays behind the prompts: alone it is a product with a vector, which is far cheaper than the
 *    pass that it would begin with the first token of each prompt.
 *
 * @param room tokens that the batch can take beyond the plan
 * @param isFillable false for a sequence that cannot take a token and lose it again
 * @param apart a pass for every sequence: in descending order no number follows the one before it
 */
export function arrangeBatch(
  { decoding, prompting }: Pick<BatchPlan, "decoding" | "prompting">,
  {
    room,
    isFillable,
    apart = false,
  }: { readonly room: number; readonly isFillable: (slot: number) => boolean; readonly apart?: boolean },
): BatchEntry[] {
  const entries = [...decoding, ...prompting]
    .map((share) => ({ ...share, isFiller: false }))
    .toSorted((first, second) => first.slot - second.slot);
  if (apart) return entries.toReversed();
  if (decoding.length === 1 && prompting.length > 0) {
    const alone = decoding[0]?.slot;
    return entries.toSorted((first, second) => Number(first.slot === alone) - Number(second.slot === alone));
  }
  const active = entries.map(({ slot }) => slot);
  const holes = findHoles(active).filter(isFillable).slice(0, room);
  const fillers = holes.map((slot) => ({ slot, count: 1, isFiller: true }));
  return [...entries, ...fillers].toSorted((first, second) => first.slot - second.slot);
}

/** Single idle sequences between two active ones; none where too few are active for joining them to pay. */
function findHoles(active: readonly number[]): number[] {
  if (active.length < fewestSequencesToFill) return [];
  return active.slice(1).flatMap((slot, index) => (slot - (active[index] as number) === 2 ? [slot - 1] : []));
}

/** The passes that computing `sequences` (ascending) takes: the number of their unbroken runs. */
export function countRuns(sequences: readonly number[]): number {
  return sequences.filter((sequence, index) => index === 0 || sequences[index - 1] !== sequence - 1).length;
}

/**
 * The idle sequence with which the busy ones form the fewest runs. Among equals it is `preferred`, else the least recently used
 * one. `undefined` when none is idle.
 */
export function closestIdle(
  sequences: readonly { readonly id: number; readonly busy: boolean; readonly lastUsed: number }[],
  preferred: number,
): number | undefined {
  const runsWith = (id: number): number =>
    countRuns(sequences.filter((sequence) => sequence.busy || sequence.id === id).map((sequence) => sequence.id));
  let best: number | undefined;
  let fewest = Infinity;
  let oldest = Infinity;
  for (const { id, busy, lastUsed } of sequences) {
    if (busy) continue;
    const runs = runsWith(id);
    const age = id === preferred ? -1 : lastUsed;
    if (runs > fewest || (runs === fewest && age >= oldest)) continue;
    best = id;
    fewest = runs;
    oldest = age;
  }
  return best;
}
