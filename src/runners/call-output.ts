// The sink of one call in the runner: a backend pushes its events here. Each event takes one credit of those that the server grants
// (protocol.ts), so a backend pauses when the reader is behind, and for no other reason.
import type { EventSink } from "../domain/backend.ts";
import type { Outbox, Urgency } from "./outbox.ts";
import type { CallId } from "./protocol.ts";

// Of a call's first two events. The first says that the call is accepted, which matters only if the second, the first token, is late.
const urgencies: readonly Urgency[] = ["lazy", "urgent"];

export class CallOutput implements EventSink<unknown> {
  readonly #id: CallId;
  readonly #outbox: Outbox;
  readonly #abort = new AbortController();
  #credit: number;
  #events = 0;
  #onCredit: ((events: number) => void) | undefined;

  constructor(id: CallId, { outbox, credit }: { readonly outbox: Outbox; readonly credit: number }) {
    this.#id = id;
    this.#outbox = outbox;
    this.#credit = credit;
  }

  get credit(): number {
    return this.#credit;
  }

  /** Aborts when the server cancels the call. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  push(event: unknown): void {
    this.#credit -= 1;
    this.#outbox.push({ id: this.#id, event }, urgencies[this.#events] ?? "interval");
    this.#events += 1;
  }

  onCredit(listener: (events: number) => void): void {
    this.#onCredit = listener;
  }

  /** Adds the credit of events that the reader has taken. */
  grant(events: number): void {
    this.#credit += events;
    this.#onCredit?.(events);
  }

  cancel(reason: unknown): void {
    this.#abort.abort(reason);
  }
}
