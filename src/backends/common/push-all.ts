// From an async iterable to a sink: for backends whose events come from a generator, at the pace of whoever reads them.
import type { Call } from "../../domain/backend.ts";
import { onAbort } from "../../util/abort.ts";

/**
 * Pushes every event, and asks for the next one only while there is credit. When the signal aborts, the generator is returned and
 * the signal's reason is thrown.
 */
export async function pushAll<T>(events: AsyncIterable<T>, { sink, signal }: Call<T>): Promise<void> {
  let wake: (() => void) | undefined;
  sink.onCredit(() => wake?.());
  const unsubscribe = onAbort(signal, () => wake?.());
  try {
    for await (const event of events) {
      signal.throwIfAborted();
      sink.push(event);
      while (sink.credit <= 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      signal.throwIfAborted();
    }
  } finally {
    unsubscribe();
  }
}
