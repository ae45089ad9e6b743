// A backend's events as an async iterable, for tests that read them one by one.
import type { Backend, Operation, Operations } from "../../src/domain/backend.ts";
import { pullEvents } from "../../src/util/event-queue.ts";

/** `window` = events that may wait unread before the backend is to pause. */
export function runBackend<O extends Operation>(
  backend: Backend,
  operation: O,
  request: Operations[O]["request"],
  {
    signal = new AbortController().signal,
    window = 64,
  }: { readonly signal?: AbortSignal; readonly window?: number } = {},
): AsyncGenerator<Operations[O]["event"], void, undefined> {
  async function* events(): AsyncGenerator<Operations[O]["event"], void, undefined> {
    yield* pullEvents<Operations[O]["event"]>((call) => backend.run(operation, request, call), { window, signal });
  }
  return events();
}
