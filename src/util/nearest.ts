// Finds the known name that a mistyped one was probably meant to be. It is written here because the common packages compute the plain
// Levenshtein distance, which counts the commonest slip, two letters swapped, as two.

/**
 * Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours, each 1.
 * (Boytsov, "Indexing methods for approximate dictionary searching", 2011, section 2.2.)
 */
export function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      const substitute = (previous[column - 1] ?? 0) + (same ? 0 : 1);
      let best = Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitute);
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        best = Math.min(best, (beforePrevious[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/**
 * The candidate nearest to a mistyped name, or `null` when none is near: at most a third of the letters may differ, or
 * one of the two begins with the other (`warning` is `warn`).
 * Spelling conventions do not count: `contextSize` and `context-size` are `context_size`.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | null {
  const wanted = normalise(name);
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = distanceOf(wanted, normalise(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function distanceOf(wanted: string, candidate: string): number {
  const isPrefix = Math.min(wanted.length, candidate.length) >= 3 && isPrefixOfOther(wanted, candidate);
  return Math.min(editDistance(wanted, candidate), isPrefix ? 1 : Number.POSITIVE_INFINITY);
}

function isPrefixOfOther(left: string, right: string): boolean {
  return left.startsWith(right) || right.startsWith(left);
}

function normalise(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/[\s-]+/g, "_")
    .toLowerCase();
}
