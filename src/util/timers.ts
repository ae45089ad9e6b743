// A timer of Node with two bounds: it waits no longer than Node can count, and it does not keep the process alive.

/** Longest delay of `setTimeout`, milliseconds: about 24.8 days. A longer one fires at once. */
export const maxTimerMs = 2 ** 31 - 1;

/** Calls `callback` once after `delayMs`, or after {@link maxTimerMs} where that is less. Returns the function that cancels it. */
export function setTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, Math.min(delayMs, maxTimerMs));
  timer.unref();
  return () => clearTimeout(timer);
}
