// Pauses in work that blocks the thread (calls of a runtime, tokenising a thousand texts): the event loop handles cancellations, new
// requests and other work in between.

/** Longest time without a pause. A micro-batch takes 20 to 100 ms on a CPU, so a slice delays one by little. */
const sliceMs = 10;

/** One turn of the event loop: messages that have arrived are handled before it resolves. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export interface TimeSlices {
  /** Pauses if the slice is used up; throws the signal's reason if it was aborted meanwhile. */
  pauseIfDue(): Promise<void>;
  /** Milliseconds of work so far, pauses left out. */
  workMs(): number;
}

export function createTimeSlices(signal: AbortSignal): TimeSlices {
  let sliceStart = performance.now();
  let doneMs = 0;
  return {
    async pauseIfDue() {
      const elapsedMs = performance.now() - sliceStart;
      if (elapsedMs < sliceMs) return;
      doneMs += elapsedMs;
      await yieldToEvents();
      signal.throwIfAborted();
      sliceStart = performance.now();
    },
    workMs: () => doneMs + performance.now() - sliceStart,
  };
}
