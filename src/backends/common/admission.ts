// How many requests may run or wait at once. A request that finds the queue full is told so at once, with a time after which
// trying again makes sense, rather than left to wait for an answer that comes too late.
import { ServerError } from "../../domain/errors.ts";
import { onAbort } from "../../util/abort.ts";

export interface AdmissionOptions {
  /** Requests that the device works on at once. */
  readonly running: number;
  /** Requests that may wait beside them. */
  readonly maxQueue: number;
  /** Seconds until a place is likely to be free; becomes `retry-after`. */
  readonly retryAfterSeconds: () => number;
}

export interface Admission {
  /** Requests inside. */
  readonly size: number;
  /**
   * Takes a place and returns the function that gives it back (calling it twice does no harm). It is given back as well when the
   * signal aborts, as the device is then only waited for, up to the end of its step.
   * @throws ServerError `overloaded` where no place is free
   */
  enter(signal: AbortSignal): () => void;
}

export function createAdmission({ running, maxQueue, retryAfterSeconds }: AdmissionOptions): Admission {
  let size = 0;
  return {
    get size() {
      return size;
    },
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

/**
 * Whole seconds until `waitingTokens` are done at the measured speed, 1 to 60. Before anything was measured it is 1.
 */
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
