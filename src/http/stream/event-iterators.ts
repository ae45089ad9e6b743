// Iterations over the events of an operation on their way to the socket. Every token passes here, so they are written without
// generators, each of which costs a token three turns of the microtask queue.
import type { PulledEvents } from "../../util/event-queue.ts";
import type { SseEvent } from "../../wire/sse-event.ts";

const nothing: readonly SseEvent[] = [];

/** The same events, each seen by `onEvent` as it is taken; `fail` throws in place of what is thrown. */
export function observed<T>(
  events: PulledEvents<T>,
  { onEvent, fail }: { readonly onEvent: (event: T) => void; readonly fail: (thrown: unknown) => never },
): PulledEvents<T> {
  const see = (result: IteratorResult<T, void>): IteratorResult<T, void> => {
    if (result.done !== true) onEvent(result.value);
    return result;
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => events.next().then(see, fail),
    return: () => events.return(),
  };
}

/** What `toEvents` makes of each event, one by one, and then `streamEnd`. */
export function mapEvents<T>(
  events: PulledEvents<T>,
  {
    toEvents,
    streamEnd,
  }: { readonly toEvents: (event: T) => Iterable<SseEvent>; readonly streamEnd: readonly SseEvent[] },
): PulledEvents<SseEvent> {
  let made: Iterator<SseEvent> = nothing.values();
  let isOver = false;
  const next = async (): Promise<IteratorResult<SseEvent, void>> => {
    for (;;) {
      const { done, value } = made.next();
      if (done !== true) return { done: false, value };
      if (isOver) return { done: true, value: undefined };
      const result = await events.next();
      isOver = result.done === true;
      made = (result.done === true ? streamEnd : toEvents(result.value))[Symbol.iterator]();
    }
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next,
    return: async () => {
      isOver = true;
      made = nothing.values();
      await events.return();
      return { done: true, value: undefined };
    },
  };
}
