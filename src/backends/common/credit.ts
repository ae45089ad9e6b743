// Lets a producer wait for a reader that has granted no more credit (`EventSink` in domain/backend.ts).
import type { Call } from "../../domain/backend.ts";
import { onAbort } from "../../util/abort.ts";

/** Resolves once the sink has credit, which may be at once; rejects with the signal's reason when that aborts. */
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
