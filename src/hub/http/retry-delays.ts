// How long to wait before something is tried again.

const firstDelayMs = 500;
const longestDelayMs = 30_000;
/** The longest wait that a server may ask for. */
const longestAskedMs = 300_000;

/**
 * Milliseconds before the next attempt: what the server asked for, else doubling from half a second with up to a quarter of chance, so that
 * many clients do not come back at once. `fruitless` = attempts in a row without progress; 0 = the last one made some.
 */
export function delayOfAttempt(
  fruitless: number,
  { asked, random }: { readonly asked: number | null; readonly random: () => number },
): number {
  if (asked !== null) return Math.min(asked * 1000, longestAskedMs);
  const delayMs = Math.min(firstDelayMs * 2 ** Math.max(0, fruitless - 1), longestDelayMs);
  return Math.round(delayMs * (0.75 + 0.25 * random()));
}
