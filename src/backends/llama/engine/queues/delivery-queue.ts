// Queues what was sampled until its receivers are told, which is done while the next batch is computed, so that text, stop strings
// and events cost no time of their own.
import type { TokenScore } from "../../native/context.ts";
import type { EndReason, SequenceView } from "../sequence.ts";

export interface Delivery<S extends SequenceView> {
  readonly sequence: S;
  /** The token, where there is one: an end may come without. */
  readonly token: number | undefined;
  readonly score: TokenScore | undefined;
  /** Set where the sequence ends with this. */
  readonly end: EndReason | undefined;
}

export class DeliveryQueue<S extends SequenceView> {
  #deliveries: Delivery<S>[] = [];

  push(delivery: Delivery<S>): void {
    this.#deliveries.push(delivery);
  }

  /**
   * Tells the receivers. `close` is called before a receiver hears of its sequence's end, which comes early where the receiver has
   * had enough or has thrown. False when there was nothing to tell.
   */
  flush(close: (sequence: S) => void): boolean {
    const deliveries = this.#deliveries;
    if (deliveries.length === 0) return false;
    this.#deliveries = [];
    for (const delivery of deliveries) {
      const { sequence } = delivery;
      if (sequence.isCancelled || sequence.isDelivered) continue;
      try {
        deliver(delivery, close);
      } catch (error) {
        // A receiver that fails costs its own choice, not the batch.
        close(sequence);
        sequence.request.receiver.onError(error);
      }
    }
    return true;
  }
}

function deliver<S extends SequenceView>(
  { sequence, token, score, end }: Delivery<S>,
  close: (sequence: S) => void,
): void {
  const { receiver } = sequence.request;
  const isEnough = token !== undefined && receiver.onToken(token, score);
  if (!isEnough && end === undefined) return;
  close(sequence);
  receiver.onEnd(isEnough ? "receiver" : (end as EndReason));
}
