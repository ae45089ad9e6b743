// Learns byte-pair encoding from word counts (Sennrich et al., 2016). BPE vocabularies keep the merges, WordPiece only their results. Ties are broken by code units, so that the result does not depend on the order of the words.

/** A word as its symbols, and how often it occurs. */
export interface CountedWord {
  readonly symbols: readonly string[];
  readonly count: number;
}

export interface PairMerge {
  readonly left: string;
  readonly right: string;
  readonly merged: string;
}

export interface PairMergingOptions {
  readonly merges: number;
  /** How two symbols become one. @default concatenation */
  readonly join?: (left: string, right: string) => string;
  /** A pair seen less often is not merged. @default 1 */
  readonly minimumCount?: number;
}

/** Up to `merges` merges, the most frequent pair first each time. */
export function learnMerges(words: readonly CountedWord[], options: PairMergingOptions): PairMerge[] {
  const { merges, join = (left, right) => left + right, minimumCount = 1 } = options;
  let current = words.map((word) => ({ symbols: [...word.symbols], count: word.count }));
  const learned: PairMerge[] = [];
  while (learned.length < merges) {
    const best = mostFrequentPair(current, minimumCount);
    if (best === undefined) break;
    const merge = { ...best, merged: join(best.left, best.right) };
    learned.push(merge);
    // Words that are one symbol have no pairs left; without them every round gets shorter.
    current = current
      .map((word) => ({ symbols: applyMerge(word.symbols, merge), count: word.count }))
      .filter((word) => word.symbols.length > 1);
  }
  return learned;
}

/** The symbols after one merge, left to right. */
export function applyMerge(symbols: string[], { left, right, merged }: PairMerge): string[] {
  if (!symbols.includes(left)) return symbols;
  const result: string[] = [];
  for (let index = 0; index < symbols.length; index += 1) {
    if (symbols[index] === left && symbols[index + 1] === right) {
      result.push(merged);
      index += 1;
    } else {
      result.push(symbols[index]!);
    }
  }
  return result;
}

/** How often each item occurs, in code-unit order of the items. */
export function countItems(items: Iterable<string>): [string, number][] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort(([left], [right]) => (left < right ? -1 : 1));
}

function mostFrequentPair(
  words: readonly CountedWord[],
  minimumCount: number,
): { left: string; right: string } | undefined {
  const counts = new Map<string, { left: string; right: string; count: number }>();
  for (const { symbols, count } of words) {
    for (let index = 0; index + 1 < symbols.length; index += 1) {
      const left = symbols[index]!;
      const right = symbols[index + 1]!;
      const key = `${left} ${right}`;
      const pair = counts.get(key);
      if (pair === undefined) counts.set(key, { left, right, count });
      else pair.count += count;
    }
  }
  let bestKey: string | undefined;
  let best: { left: string; right: string; count: number } | undefined;
  for (const [key, pair] of counts) {
    if (pair.count < minimumCount) continue;
    if (best === undefined || pair.count > best.count || (pair.count === best.count && key < bestKey!)) {
      bestKey = key;
      best = pair;
    }
  }
  return best;
}
