// Chooses the slot for a new prompt: a pure decision over what the slots hold.
import { commonPrefixLength } from "../../tokens/common-prefix.ts";
import { closestIdle } from "../plan/batch-order.ts";
import { reusableOf, tailTokens, type HeldTokens } from "../plan/prompt-shape.ts";

/** What a slot's KV cache holds, and whether a sequence uses it. */
export interface SlotView extends HeldTokens {
  readonly id: number;
  /** The first position whose cells are all held; more than 0 where a sliding window has left the beginning behind. */
  readonly firstPosition: number;
  /** Lengths to which the slot can be cut though its state cannot, ascending (checkpoints.ts). */
  readonly checkpoints: readonly number[];
  readonly busy: boolean;
  /** Grows with every use; the smallest is the least recently used. */
  readonly lastUsed: number;
}

export interface SlotChoice {
  readonly slot: number;
  /** Tokens of the prompt that need not be evaluated. */
  readonly keep: number;
  /** The slot whose state is copied first; `null` = the chosen slot's own state is used. */
  readonly copyFrom: number | null;
  /** The idle slot to which the chosen slot's state moves before anything else; `null` = that state is used or lost. */
  readonly moveTo: number | null;
}

export interface SlotQuestion {
  readonly prompt: readonly number[];
  /** False for models whose state cannot be cut at its end. */
  readonly canTrim: boolean;
  /** Positions to which a token of this model attends, as far as some layers go; `Infinity` = all. */
  readonly window: number;
  /** The cells of a prompt are computed by the same kernels however it is cut, so that any prefix can be reused. */
  readonly isUniform: boolean;
  /** False when every token of the prompt has to be evaluated, for its logits. */
  readonly mayReuse: boolean;
  /** A copy has to save at least so many tokens. */
  readonly minimumCopiedTokens: number;
}

/** Share of the prompt that has to be common before a slot is preferred to the least recently used one. */
const minimumCommonShare = 0.1;

/**
 * The idle slot for a prompt, or `undefined` when all are busy.
 *
 * 1. The idle slot with the longest common prefix, if that is at least a tenth of the prompt.
 * 2. Else the least recently used idle slot.
 * 3. When the prompt would cut `minimumCopiedTokens` or more off that slot's conversation although another slot is empty, the
 *    empty one is taken.
 * 4. When another slot, busy or not, has a prefix that is longer by `minimumCopiedTokens`, its state is copied.
 * 5. Where the slot's own state saves less than `minimumCopiedTokens`, a slot beside the busy ones is taken instead (see
 *    batch-order.ts), and what that one holds moves to the slot first chosen.
 *
 * The last tokens of the prompt are always evaluated (prompt-shape.ts).
 */
export function chooseSlot(slots: readonly SlotView[], question: SlotQuestion): SlotChoice | undefined {
  const { prompt, minimumCopiedTokens, mayReuse } = question;
  const idle = slots.filter((slot) => !slot.busy);
  const oldest = leastRecentlyUsed(idle);
  if (oldest === undefined) return undefined;
  if (!mayReuse) return placed(slots, { slot: oldest.id, keep: 0, copyFrom: null }, question);

  const reusable = new Map(slots.map((slot) => [slot.id, reusableTokens(slot, question)]));
  const keepOf = (slot: SlotView): number => reusable.get(slot.id) ?? 0;

  // 1, 2
  const best = longestFirst(idle, keepOf);
  let chosen = best !== undefined && keepOf(best) >= prompt.length * minimumCommonShare ? best : oldest;

  // 3
  const empty = idle.find((slot) => slot.tokens.length === 0);
  if (empty !== undefined && chosen.tokens.length - keepOf(chosen) >= minimumCopiedTokens) chosen = empty;

  // 4
  const source = longestFirst(slots, keepOf);
  if (source !== undefined && source !== chosen && keepOf(source) >= keepOf(chosen) + minimumCopiedTokens) {
    return placed(slots, { slot: chosen.id, keep: keepOf(source), copyFrom: source.id }, question);
  }
  return placed(slots, { slot: chosen.id, keep: keepOf(chosen), copyFrom: null }, question);
}

/** Rule 5. Fewer than `minimumCopiedTokens` are evaluated as fast as they are copied or moved. */
function placed(slots: readonly SlotView[], choice: Omit<SlotChoice, "moveTo">, question: SlotQuestion): SlotChoice {
  const { minimumCopiedTokens } = question;
  const stays = { ...choice, moveTo: null };
  if (choice.copyFrom === null && choice.keep >= minimumCopiedTokens) return stays;
  const closest = slots.find((slot) => slot.id === closestIdle(slots, choice.slot));
  if (closest === undefined || closest.id === choice.slot || closest.id === choice.copyFrom) return stays;
  const moves = closest.tokens.length >= minimumCopiedTokens;
  return {
    slot: closest.id,
    keep: choice.copyFrom !== null ? choice.keep : moves || !question.mayReuse ? 0 : reusableTokens(closest, question),
    copyFrom: choice.copyFrom,
    moveTo: moves ? choice.slot : null,
  };
}

/** Tokens at the beginning of a prompt whose state `held` has. Where that cannot be cut to them, its last checkpoint before them counts. */
export function reusableTokens(
  held: HeldTokens & Pick<SlotView, "firstPosition" | "checkpoints">,
  { prompt, canTrim, window, isUniform }: Pick<SlotQuestion, "prompt" | "canTrim" | "window" | "isUniform">,
): number {
  const { tokens } = held;
  const common = commonPrefixLength(tokens, prompt);
  const keepOf = (length: number): number =>
    reusableOf(held, { promptLength: prompt.length, common: length, isUniform });
  if (canTrim) {
    const keep = keepOf(common);
    if (canCutTo(keep, { firstPosition: held.firstPosition, window })) return keep;
  } else if (common === tokens.length && common < prompt.length) return common;
  // The prompt goes on where the held one ended: rule 2 of `reusableOf` counts for the checkpoints before that as well.
  const isNextTurn = common >= held.promptLength;
  const isOfUse = (length: number): boolean =>
    length <= common && (isNextTurn ? length <= prompt.length - tailTokens : keepOf(length) === length);
  return held.checkpoints.findLast(isOfUse) ?? 0;
}

/** Whether a state that is cut to `length` tokens still has all positions to which the next token attends. */
export function canCutTo(
  length: number,
  { firstPosition, window }: { readonly firstPosition: number; readonly window: number },
): boolean {
  return firstPosition <= Math.max(0, length - window);
}

function leastRecentlyUsed(slots: readonly SlotView[]): SlotView | undefined {
  return slots.reduce<SlotView | undefined>(
    (oldest, slot) => (oldest === undefined || slot.lastUsed < oldest.lastUsed ? slot : oldest),
    undefined,
  );
}

function longestFirst(slots: readonly SlotView[], keepOf: (slot: SlotView) => number): SlotView | undefined {
  return slots.reduce<SlotView | undefined>(
    (best, slot) => (best === undefined || keepOf(slot) > keepOf(best) ? slot : best),
    undefined,
  );
}
