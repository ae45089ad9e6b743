// A clock that only a test moves, for code whose time is injected.

export interface ManualClock {
  readonly now: () => number;
  readonly setTimer: (callback: () => void, delayMs: number) => () => void;
  /** Moves the time on and calls what falls due on the way, each at its own time. */
  readonly advance: (byMs: number) => void;
  /** Calls the next timer before its time. */
  readonly fireEarly: () => void;
  /** Delays of the timers that are set. */
  readonly pending: () => number[];
}

export function createManualClock(): ManualClock {
  let nowMs = 0;
  const timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();
  const next = (): { readonly dueMs: number; readonly callback: () => void } | undefined =>
    [...timers].toSorted((a, b) => a.dueMs - b.dueMs)[0];
  return {
    now: () => nowMs,
    setTimer(callback, delayMs) {
      const timer = { dueMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(byMs) {
      const untilMs = nowMs + byMs;
      for (let timer = next(); timer !== undefined && timer.dueMs <= untilMs; timer = next()) {
        timers.delete(timer);
        nowMs = timer.dueMs;
        timer.callback();
      }
      nowMs = untilMs;
    },
    fireEarly() {
      const timer = next();
      if (timer === undefined) return;
      timers.delete(timer);
      timer.callback();
    },
    pending: () => [...timers].map(({ dueMs }) => dueMs - nowMs),
  };
}
