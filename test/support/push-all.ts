// Pushes the events of an async iterable to a sink, as fast as the reader grants credit.
import type { Call } from "../../src/domain/backend.ts";
import { waitForCredit } from "../../src/backends/common/credit.ts";

/**
 * Pushes every event, and asks for the next one only while there is credit. When the signal aborts, the generator is returned and
 * the signal's reason is thrown.
 */
export async function pushAll<T>(events: AsyncIterable<T>, call: Call<T>): Promise<void> {
  for await (const event of events) {
    call.signal.throwIfAborted();
    call.sink.push(event);
    await waitForCredit(call);
  }
}
