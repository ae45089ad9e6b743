// Chooses the waiting texts that go into one run of the graph together. The cost of a padded batch is longest x count, so it takes texts
// of similar length, within two limits found by measurement.

/** A text that waits to be evaluated. */
export interface PendingText {
  /** Length in tokens, special tokens included; at least 1. */
  readonly tokens: number;
}

export interface MicroBatchLimits {
  /** Largest `longest x count` of a micro-batch. A single text longer than this is a micro-batch of its own. */
  readonly maxBatchTokens: number;
  /** Largest share of padding in a micro-batch, 0..1: 1 - tokens / (longest x count). */
  readonly maxPaddingShare: number;
}

/** The texts `start` (included) to `end` (excluded) of the sorted list. */
export interface BatchWindow {
  readonly start: number;
  readonly end: number;
}

/**
 * The micro-batch around the text at `seed`: a window of `texts`, which are sorted by length, shortest first. The window
 * grows from the seed to the side that adds the smaller share of padding, as long as both limits hold.
 *
 * The seed is always part of it, so a caller that takes each request's texts as seeds in turn starves none.
 */
export function selectMicroBatch(
  texts: readonly PendingText[],
  { seed, limits }: { readonly seed: number; readonly limits: MicroBatchLimits },
): BatchWindow {
  let start = seed;
  let end = seed + 1;
  let tokens = tokensAt(texts, seed);
  let longest = tokens;
  for (;;) {
    const count = end - start + 1;
    const shorter = start > 0 ? tokensAt(texts, start - 1) : undefined;
    const longer = end < texts.length ? tokensAt(texts, end) : undefined;
    const shorterShare = shorter === undefined ? Infinity : paddingShare(tokens + shorter, longest * count);
    const longerShare = longer === undefined ? Infinity : paddingShare(tokens + longer, longer * count);
    const shorterFits = shorterShare <= limits.maxPaddingShare && longest * count <= limits.maxBatchTokens;
    const longerFits =
      longer !== undefined && longerShare <= limits.maxPaddingShare && longer * count <= limits.maxBatchTokens;
    if (shorter !== undefined && shorterFits && (!longerFits || shorterShare <= longerShare)) {
      start -= 1;
      tokens += shorter;
    } else if (longerFits) {
      end += 1;
      tokens += longer;
      longest = longer;
    } else {
      return { start, end };
    }
  }
}

function paddingShare(tokens: number, paddedTokens: number): number {
  return 1 - tokens / paddedTokens;
}

function tokensAt(texts: readonly PendingText[], index: number): number {
  const text = texts[index];
  if (text === undefined) throw new RangeError(`There is no text at ${index}.`);
  return text.tokens;
}
