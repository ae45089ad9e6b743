// The runner's end of one call: the sink that a backend writes its events to. Each event costs one of the credits that the server
// grants, so that events stop coming when their reader is behind, and for no other reason.
import type { EventSink } from "../domain/backend.ts";
import type { Outbox, Urgency } from "./outbox.ts";
import type { CallId } from "./protocol.ts";

/** That a call was accepted is of use only when its first token is long in coming; that one never waits. */
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

  /** The server's reader has taken so many events. */
  grant(events: number): void {
    this.#credit += events;
    this.#onCredit?.(events);
  }

  cancel(reason: unknown): void {
    this.#abort.abort(reason);
  }
}
