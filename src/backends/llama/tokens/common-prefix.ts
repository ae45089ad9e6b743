// The common prefix of two lists of tokens: as much of a prompt as a state holds already.

/** Number of tokens in which two lists agree from their beginning. */
export function commonPrefixLength(first: readonly number[], second: readonly number[]): number {
  const limit = Math.min(first.length, second.length);
  let length = 0;
  while (length < limit && first[length] === second[length]) length += 1;
  return length;
}
