// A first-in, first-out lock. Its holder has a turn: the exclusive use of the model until it ends the turn. The image backend takes
// a turn for each image, so that a request for ten images does not keep others waiting for all ten.
import { onAbort } from "../../util/abort.ts";

export interface Turns {
  /** Callers that wait for a turn. */
  readonly waiting: number;
  /** Waits for a turn; resolves with the function that ends it. Rejects with the signal's reason when that aborts first. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createTurns(): Turns {
  const queue: (() => void)[] = [];
  let busy = false;

  function next(): void {
    const start = queue.shift();
    if (start === undefined) busy = false;
    else start();
  }

  function createRelease(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      next();
    };
  }

  return {
    get waiting() {
      return queue.length;
    },
    async take(signal) {
      signal.throwIfAborted();
      if (!busy) {
        busy = true;
        return createRelease();
      }
      await new Promise<void>((resolve, reject) => {
        const start = (): void => {
          unsubscribe();
          resolve();
        };
        queue.push(start);
        const unsubscribe = onAbort(signal, () => {
          queue.splice(queue.indexOf(start), 1);
          reject(signal.reason as Error);
        });
      });
      return createRelease();
    },
  };
}
