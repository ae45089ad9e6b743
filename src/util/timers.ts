// A bound that Node's timers have and do not keep: a longer delay than this fires at once.

/** Longest delay of `setTimeout`, milliseconds: about 24.8 days. */
export const maxTimerMs = 2 ** 31 - 1;
