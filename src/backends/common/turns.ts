// One at a time, first come first served. A request takes a turn per image, so that a request for ten does not keep others waiting
// for all ten.
import { onAbort } from "../../util/abort.ts";

export interface Turns {
  /** Those waiting. */
  readonly waiting: number;
  /** Resolves with the function that ends the turn; rejects with the signal's reason. */
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
