// Files that are being written while the next image is made, delivered in the order in which they were begun.

export interface OutputChain {
  /** Calls `deliver` once `file` and everything pushed before it are there. */
  push(file: Promise<Uint8Array>, deliver: (bytes: Uint8Array) => void): void;
  /** Resolves when all are delivered; rejects where one failed. */
  done(): Promise<void>;
  /** Resolves when nothing more will be delivered, whether all went well or not. */
  settled(): Promise<void>;
}

export function createOutputChain(): OutputChain {
  let tail: Promise<void> = Promise.resolve();
  return {
    push(file, deliver) {
      const before = tail;
      tail = (async () => {
        // Waited for together: a file that fails while an earlier one is being written must not go unhandled.
        const [bytes] = await Promise.all([file, before]);
        deliver(bytes);
      })();
      // A request that ends early never asks for the outcome.
      tail.catch(() => {});
    },
    done: () => tail,
    settled: () => tail.catch(() => {}),
  };
}
