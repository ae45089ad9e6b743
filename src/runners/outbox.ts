// What leaves a runner, joined into few messages. A message costs more than the events in it: it wakes the server and then
// the client, on cores that the model wants too, and everything they touch has been driven out of the caches by the weights.
import { creditWindow, type CallUpdate } from "./protocol.ts";

/** So many updates leave at once, whatever the time: before their reader runs out of credit. */
const mostHeld = creditWindow / 4;

/** Longest wait of what need not be known at once. */
const lazyMs = 40;

/**
 * `urgent`: leaves with this turn of the event loop. `interval`: leaves with it unless something has left lately. `lazy`: waits
 * a moment for what follows.
 */
export type Urgency = "urgent" | "interval" | "lazy";

/** Joins updates by turns of the event loop and by time. Their order is kept. */
export class Outbox {
  readonly #send: (updates: readonly CallUpdate[]) => void;
  /**
   * Events of a stream leave at most so often (vLLM has a `stream-interval` in tokens for the same reason); 0 = with the
   * turn of the event loop in which they came.
   */
  intervalMs = 0;
  #held: CallUpdate[] = [];
  #lastSentMs = -Infinity;
  #turn: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (updates: readonly CallUpdate[]) => void) {
    this.#send = send;
  }

  /** What waits before an update leaves with it at the latest. */
  push(update: CallUpdate, urgency: Urgency): void {
    this.#held.push(update);
    if (this.#turn !== undefined) return;
    if (urgency !== "lazy" && (urgency === "urgent" || this.#isDue())) this.#turn = setImmediate(() => this.#flush());
    // Mostly the next event comes first and takes this one along: a timer of its own would disturb the computation between.
    else this.#timer ??= setTimeout(() => this.#flush(), urgency === "lazy" ? lazyMs : 2 * this.intervalMs);
  }

  #isDue(): boolean {
    return this.#held.length >= mostHeld || performance.now() - this.#lastSentMs >= this.intervalMs;
  }

  #flush(): void {
    clearImmediate(this.#turn);
    clearTimeout(this.#timer);
    this.#turn = undefined;
    this.#timer = undefined;
    const updates = this.#held;
    this.#held = [];
    this.#lastSentMs = performance.now();
    this.#send(updates);
  }
}
