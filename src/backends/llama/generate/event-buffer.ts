// What waits between the decode loop and the reader of one request. Neighbouring deltas of a choice are joined while they
// wait, and a reader who is behind makes the buffer full, which pauses that request's sequences and nobody else's.
import type { TextEvent } from "../../../domain/text.ts";

/** Tokens that may wait unread. */
const capacityTokens = 256;

export class EventBuffer implements AsyncIterable<TextEvent> {
  readonly #onDrained: () => void;
  #events: TextEvent[] = [];
  #waitingTokens = 0;
  #outcome: { readonly error?: unknown } | undefined;
  #notify: (() => void) | undefined;

  /** `onDrained` is called when a full buffer can take tokens again. */
  constructor(onDrained: () => void) {
    this.#onDrained = onDrained;
  }

  get isFull(): boolean {
    return this.#waitingTokens >= capacityTokens;
  }

  /** To be called per token, so that tokens without text count as well. */
  countToken(): void {
    this.#waitingTokens += 1;
  }

  push(event: TextEvent): void {
    if (this.#outcome !== undefined) return;
    const last = this.#events.at(-1);
    const joined = last === undefined ? undefined : join(last, event);
    if (joined === undefined) this.#events.push(event);
    else this.#events[this.#events.length - 1] = joined;
    this.#wake();
  }

  end(): void {
    this.#outcome ??= {};
    this.#wake();
  }

  /** The reader gets `error` after what was pushed before. */
  fail(error: unknown): void {
    this.#outcome ??= { error };
    this.#wake();
  }

  /** As {@link fail}, for a reader who has left: what waits is dropped. */
  abandon(error: unknown): void {
    this.#events = [];
    this.#outcome = { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TextEvent, void, undefined> {
    for (;;) {
      if (this.#events.length > 0) {
        const events = this.#events;
        const wasFull = this.isFull;
        this.#events = [];
        this.#waitingTokens = 0;
        if (wasFull) this.#onDrained();
        yield* events;
        continue;
      }
      if (this.#outcome !== undefined) {
        if ("error" in this.#outcome) throw this.#outcome.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }

  #wake(): void {
    const notify = this.#notify;
    this.#notify = undefined;
    notify?.();
  }
}

/** Two neighbouring deltas as one, or `undefined` when they are of different kinds. */
function join(first: TextEvent, second: TextEvent): TextEvent | undefined {
  if (first.type === "text-delta" && second.type === "text-delta" && first.choice === second.choice) {
    const logprobs =
      first.logprobs === undefined && second.logprobs === undefined
        ? undefined
        : [...(first.logprobs ?? []), ...(second.logprobs ?? [])];
    const text = first.text + second.text;
    return logprobs === undefined ? { ...first, text } : { ...first, text, logprobs };
  }
  if (first.type === "reasoning-delta" && second.type === "reasoning-delta" && first.choice === second.choice) {
    return { ...first, text: first.text + second.text };
  }
  if (
    first.type === "tool-call-delta" &&
    second.type === "tool-call-delta" &&
    first.choice === second.choice &&
    first.index === second.index
  ) {
    return { ...first, arguments: first.arguments + second.arguments };
  }
  return undefined;
}
