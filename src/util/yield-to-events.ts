// The runtime's calls block the thread: between two of them the event loop gets a turn, so that cancellations and new requests arrive.

/** Messages that have arrived are handled before it resolves. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
