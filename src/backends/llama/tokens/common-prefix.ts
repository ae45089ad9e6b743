// How much of two token lists is the same.

/** Number of tokens in which two lists agree from their beginning. */
export function commonPrefixLength(first: readonly number[], second: readonly number[]): number {
  const limit = Math.min(first.length, second.length);
  let length = 0;
  while (length < limit && first[length] === second[length]) length += 1;
  return length;
}
