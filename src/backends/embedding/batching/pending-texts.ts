// What waits for the device, from all requests together, and whose turn it is. Plain data with pure steps: every step
// returns a new state, so that fairness and cancellation can be tested without a clock and without a device.
import { selectMicroBatch, type MicroBatchLimits, type PendingText } from "./micro-batch.ts";

/** Identifies a request among those that wait. */
export type RequestKey = number;

export interface QueuedText extends PendingText {
  readonly request: RequestKey;
  /** Place of the text in its request. */
  readonly index: number;
}

/** The state of the queue. */
export interface PendingTexts {
  /** All waiting texts, shortest first; of equal length in the order of arrival. */
  readonly texts: readonly QueuedText[];
  /** The requests that have waiting texts, in the order of their turns. */
  readonly turns: readonly RequestKey[];
}

export interface NextMicroBatch {
  /** Empty only where nothing waits. */
  readonly batch: readonly QueuedText[];
  /** The request whose turn it was. */
  readonly request: RequestKey | undefined;
  readonly rest: PendingTexts;
}

export const nothingPending: PendingTexts = { texts: [], turns: [] };

/** Adds a request at the end of the turns. `lengths` are token counts in the order of the request's texts. */
export function addRequest(
  pending: PendingTexts,
  { request, lengths }: { readonly request: RequestKey; readonly lengths: readonly number[] },
): PendingTexts {
  if (lengths.length === 0) return pending;
  const added = lengths.map((tokens, index) => ({ tokens, request, index }));
  return {
    // The sort is stable, which is what keeps the order of arrival among equals.
    texts: [...pending.texts, ...added].sort((a, b) => a.tokens - b.tokens),
    turns: [...pending.turns, request],
  };
}

/** Removes a request whose caller has left, or that failed. */
export function removeRequest(pending: PendingTexts, request: RequestKey): PendingTexts {
  return {
    texts: pending.texts.filter((text) => text.request !== request),
    turns: pending.turns.filter((turn) => turn !== request),
  };
}

/**
 * Takes the next micro-batch: the request at the head of the turns gives its longest text as the seed, and texts of
 * like length join it, whoever sent them. Requests take turns in a circle, so one of 2,048 texts delays another by one
 * micro-batch per turn. Long texts first: they set the size of the runtime's buffers once.
 *
 * The served request is left out of `rest.turns`; give it back with {@link endTurn} once its micro-batch is done. A
 * request that arrives meanwhile then stands ahead of it, and waits for the running micro-batch only.
 */
export function takeMicroBatch(pending: PendingTexts, limits: MicroBatchLimits): NextMicroBatch {
  const [request, ...turns] = pending.turns;
  const seed = pending.texts.findLastIndex((text) => text.request === request);
  if (request === undefined || seed < 0) return { batch: [], request: undefined, rest: pending };
  const { start, end } = selectMicroBatch(pending.texts, { seed, limits });
  const batch = pending.texts.slice(start, end);
  const texts = [...pending.texts.slice(0, start), ...pending.texts.slice(end)];
  const emptied = new Set(batch.map((text) => text.request));
  for (const text of texts) {
    if (emptied.size === 0) break;
    emptied.delete(text.request);
  }
  return { batch, request, rest: { texts, turns: turns.filter((turn) => !emptied.has(turn)) } };
}

/** Puts the request that was just served at the end of the turns, if it has texts left. */
export function endTurn(pending: PendingTexts, request: RequestKey): PendingTexts {
  const hasTexts = pending.texts.some((text) => text.request === request);
  if (!hasTexts || pending.turns.includes(request)) return pending;
  return { texts: pending.texts, turns: [...pending.turns, request] };
}
