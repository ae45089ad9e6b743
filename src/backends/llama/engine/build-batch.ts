// Adds a planned batch to the context: its parts in the order that computes fastest, with fillers where they save a pass.
import type { NativeContextHandle } from "../native/context.ts";
import { arrangeBatch } from "./batch-order.ts";
import { addFiller, addPart, type BatchPart } from "./batch-parts.ts";
import type { BatchPlan } from "./batch-plan.ts";
import type { SequenceView } from "./sequence.ts";
import type { Slots } from "./slots/slots.ts";

export interface BuiltBatch<S extends SequenceView> {
  readonly parts: readonly BatchPart<S>[];
  /** Slots that compute a filler, which is to be taken back. */
  readonly fillers: readonly number[];
}

export function buildBatch<S extends SequenceView>(
  plan: BatchPlan,
  { context, slots }: { readonly context: NativeContextHandle; readonly slots: Slots<S> },
): BuiltBatch<S> {
  const entries = arrangeBatch(plan, {
    room: context.batchSize - plan.total,
    isFillable: (slot) => slots.canFill(slot),
  });
  context.beginBatch(entries.reduce((total, { count }) => total + count, 0));
  const parts: BatchPart<S>[] = [];
  const fillers: number[] = [];
  for (const { slot: id, count, isFiller } of entries) {
    const slot = slots.get(id);
    if (isFiller) {
      addFiller(context, slot);
      fillers.push(id);
    } else parts.push(addPart(context, { slot, sequence: slot.user as S, count }));
  }
  return { parts, fillers };
}
