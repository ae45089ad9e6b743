// Helpers around AbortSignal: a listener that also hears a signal that has aborted already, and a delay that leaves neither a timer nor
// a listener behind.

/** Calls `listener` once when `signal` aborts, at once if it already has. Returns the function that unsubscribes. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => {};
  }
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

/** Resolves after `delayMs`, or rejects with the signal's reason. The timer never keeps the process alive. */
export async function delay(delayMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      unsubscribe?.();
      resolve();
    }, delayMs);
    timer.unref();
    const unsubscribe =
      signal &&
      onAbort(signal, () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
  });
}
