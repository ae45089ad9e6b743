// Adds a planned batch to the context: its parts in the order that computes fastest, with fillers where they save a pass.
import type { NativeContextHandle } from "../native/context.ts";
import { arrangeBatch } from "./plan/batch-order.ts";
import { addFiller, addPart, type BatchPart } from "./batch-parts.ts";
import type { BatchPlan } from "./plan/batch-plan.ts";
import type { SequenceView } from "./sequence.ts";
import type { Slots } from "./slots/slots.ts";

export interface BuiltBatch<S extends SequenceView> {
  readonly parts: readonly BatchPart<S>[];
  /** Slots that compute a filler, which is to be taken back: the first `length` tokens stay. */
  readonly fillers: readonly { readonly slot: number; readonly length: number }[];
}

/** With `reproducible` a filler makes two rows of every part of one, so that the kernels for a row alone are never used. */
export function buildBatch<S extends SequenceView>(
  plan: BatchPlan,
  {
    context,
    slots,
    reproducible,
    apart,
  }: {
    readonly context: NativeContextHandle;
    readonly slots: Slots<S>;
    readonly reproducible: boolean;
    readonly apart: boolean;
  },
): BuiltBatch<S> {
  const entries = arrangeBatch(plan, {
    apart,
    room: context.batchSize - plan.total,
    isFillable: (slot) => !reproducible && slots.canFill(slot),
  });
  const rowsOf = (count: number): number => (reproducible && count === 1 ? 2 : count);
  context.beginBatch(entries.reduce((total, { count }) => total + rowsOf(count), 0));
  const parts: BatchPart<S>[] = [];
  const fillers: { slot: number; length: number }[] = [];
  for (const { slot: id, count, isFiller } of entries) {
    const slot = slots.get(id);
    const length = slot.tokens.length + (isFiller ? 0 : count);
    if (!isFiller) parts.push(addPart(context, { slot, sequence: slot.user as S, count }));
    if (!isFiller && rowsOf(count) === count) continue;
    addFiller(context, { id, position: length, token: slot.tokens.at(-1) ?? 0 });
    fillers.push({ slot: id, length });
  }
  return { parts, fillers };
}
