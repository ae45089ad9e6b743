// The data of server-sent events, for tests that read a mapper's stream as a client would: comments are skipped.
import type { SseEvent } from "../../../../src/wire/sse-event.ts";

export function dataOf(events: readonly SseEvent[]): string[] {
  return events.flatMap((event) => ("data" in event ? [event.data] : []));
}
