// Delivers encoded pictures in the order in which they were begun. Encoding goes on while the next image is made.

export interface OutputChain {
  /** Calls `deliver` once `file` is encoded and everything pushed before it is delivered. */
  push(file: Promise<Uint8Array>, deliver: (bytes: Uint8Array) => void): void;
  /** Resolves when all are delivered; rejects when one has failed, after which none is delivered. */
  done(): Promise<void>;
  /** Resolves when nothing more will be delivered, failed or not. */
  settled(): Promise<void>;
}

export function createOutputChain(): OutputChain {
  let tail: Promise<void> = Promise.resolve();
  return {
    push(file, deliver) {
      const before = tail;
      tail = (async () => {
        // Both at once: a file that fails while an earlier one is being encoded must not be an unhandled rejection.
        const [bytes] = await Promise.all([file, before]);
        deliver(bytes);
      })();
      // A request that ends early never awaits `done`.
      tail.catch(() => {});
    },
    done: () => tail,
    settled: () => tail.catch(() => {}),
  };
}
