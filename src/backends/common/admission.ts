// Limits how many requests of a model run or wait at once. A request above the limit is refused at once, with a time after which to
// retry: in a longer queue it would wait for an answer that comes too late.
import { ServerError } from "../../domain/errors.ts";
import { onAbort } from "../../util/abort.ts";

export interface AdmissionOptions {
  /** Requests that the model works on at once. */
  readonly running: number;
  /** Further requests that may wait. */
  readonly maxQueue: number;
  /** Seconds until a place is likely to be free; becomes the header `retry-after`. */
  readonly retryAfterSeconds: () => number;
}

export interface Admission {
  /**
   * Takes a place and returns the function that gives it back; calling that again does nothing. The place is also given back when
   * the signal aborts, as an aborted request takes the model for the rest of its step at most.
   * @throws ServerError `overloaded` where no place is free
   */
  enter(signal: AbortSignal): () => void;
}

export function createAdmission({ running, maxQueue, retryAfterSeconds }: AdmissionOptions): Admission {
  let size = 0;
  return {
    enter(signal) {
      if (size >= running + maxQueue) {
        throw new ServerError("overloaded", {
          message: `The model is busy: ${size} requests are running or waiting, and no more than ${maxQueue} may wait. Retry later.`,
          retryAfterSeconds: retryAfterSeconds(),
        });
      }
      size += 1;
      let inside = true;
      const leave = (): void => {
        if (inside) size -= 1;
        inside = false;
      };
      const unsubscribe = onAbort(signal, leave);
      return () => {
        unsubscribe();
        leave();
      };
    },
  };
}

/** Whole seconds until `waitingTokens` are done at `tokensPerSecond`, 1 to 60; 1 where no speed has been measured yet. */
export function estimateRetryAfterSeconds({
  waitingTokens,
  tokensPerSecond,
}: {
  readonly waitingTokens: number;
  readonly tokensPerSecond: number;
}): number {
  if (tokensPerSecond <= 0) return 1;
  return Math.min(60, Math.max(1, Math.ceil(waitingTokens / tokensPerSecond)));
}
