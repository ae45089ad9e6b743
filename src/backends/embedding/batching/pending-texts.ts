// The queue of texts of all requests. Requests take turns, round robin: a turn gives a request one micro-batch around its longest text.
// Every function is pure and returns a new state, so that fairness and cancellation can be tested without a clock and a model.
import { selectMicroBatch, type MicroBatchLimits, type PendingText } from "./micro-batch.ts";

/** Identifies a request among those that wait. */
export type RequestKey = number;

export interface QueuedText extends PendingText {
  readonly request: RequestKey;
  /** Index of the text in its request. */
  readonly index: number;
}

/** The state of the queue. */
export interface PendingTexts {
  /** All waiting texts, shortest first; those of equal length in order of arrival. */
  readonly texts: readonly QueuedText[];
  /** The requests that have waiting texts, in the order of their turns. */
  readonly turns: readonly RequestKey[];
}

export interface NextMicroBatch {
  /** Empty only if nothing waits. */
  readonly batch: readonly QueuedText[];
  /** The request whose turn it was. */
  readonly request: RequestKey | undefined;
  readonly rest: PendingTexts;
}

export const nothingPending: PendingTexts = { texts: [], turns: [] };

/** Adds a request, with the last turn. `lengths` are the token counts of its texts, in order. */
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
 * Takes the next micro-batch: the seed is the longest text of the request whose turn it is, and texts of similar length from any
 * request join it. A request of 2,048 texts thus delays another by one micro-batch per turn. Long texts go first, so that the runtime's
 * buffers get their size at once.
 *
 * `rest.turns` lacks the served request; {@link endTurn} puts it back when its micro-batch has ended. A request that arrives meanwhile
 * is ahead of it then, and waits for the running micro-batch only.
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

/** Gives the request that was served the last turn, if it has texts left. */
export function endTurn(pending: PendingTexts, request: RequestKey): PendingTexts {
  const hasTexts = pending.texts.some((text) => text.request === request);
  if (!hasTexts || pending.turns.includes(request)) return pending;
  return { texts: pending.texts, turns: [...pending.turns, request] };
}
