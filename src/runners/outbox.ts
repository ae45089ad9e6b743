// Joins the updates of a runner's calls into few messages. A message costs more than the events in it: it wakes the server and then
// the client, on cores that the model needs too, and the weights have driven everything that these touch out of the caches.
import { creditWindow, type CallUpdate } from "./protocol.ts";

/** So many waiting updates are sent before the interval is over, or a reader could run out of credit. */
const mostWaiting = creditWindow / 4;

/** Milliseconds that a lazy update waits for another one. */
const lazyMs = 40;

/**
 * - `urgent`: is sent at the end of this turn of the event loop.
 * - `interval`: likewise, unless a message was sent less than {@link Outbox.intervalMs} ago; then it waits for a later update, for at
 *   most two intervals.
 * - `lazy`: waits for the next update, for 40 ms or until a timer that is set already.
 */
export type Urgency = "urgent" | "interval" | "lazy";

/** Sends updates in the order in which they were pushed. */
export class Outbox {
  readonly #send: (updates: readonly CallUpdate[]) => void;
  /**
   * Least milliseconds between two messages with `interval` updates (vLLM has a `stream-interval` in tokens for the same reason);
   * 0 = a message for each turn of the event loop.
   */
  intervalMs = 0;
  #waiting: CallUpdate[] = [];
  #lastSentMs = -Infinity;
  #turn: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (updates: readonly CallUpdate[]) => void) {
    this.#send = send;
  }

  /** Queues an update. It is sent together with all that wait before it. */
  push(update: CallUpdate, urgency: Urgency): void {
    this.#waiting.push(update);
    if (this.#turn !== undefined) return;
    if (urgency !== "lazy" && (urgency === "urgent" || this.#isDue())) this.#turn = setImmediate(() => this.#flush());
    // The timer is a last resort: mostly the next update comes first. A timer at every interval would disturb the computation.
    else this.#timer ??= setTimeout(() => this.#flush(), urgency === "lazy" ? lazyMs : 2 * this.intervalMs);
  }

  #isDue(): boolean {
    return this.#waiting.length >= mostWaiting || performance.now() - this.#lastSentMs >= this.intervalMs;
  }

  #flush(): void {
    clearImmediate(this.#turn);
    clearTimeout(this.#timer);
    this.#turn = undefined;
    this.#timer = undefined;
    const updates = this.#waiting;
    this.#waiting = [];
    this.#lastSentMs = performance.now();
    this.#send(updates);
  }
}
