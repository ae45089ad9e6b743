// Waiting for a reader who is behind.
import type { Call } from "../../domain/backend.ts";
import { onAbort } from "../../util/abort.ts";

/** Resolves as soon as the reader has credit left, at once if it has; rejects with the signal's reason. */
export async function waitForCredit<T>({ sink, signal }: Call<T>): Promise<void> {
  signal.throwIfAborted();
  while (sink.credit <= 0) {
    await new Promise<void>((resolve) => {
      const unsubscribe = onAbort(signal, resolve);
      sink.onCredit(() => {
        unsubscribe();
        resolve();
      });
    });
    signal.throwIfAborted();
  }
}
