// What was sampled and its receivers have not been told yet. It is told while the next batch is being computed, so that text,
// stop strings and events cost no time of their own.
import { performance } from "node:perf_hooks";
import type { EndReason, Generation } from "./sequence.ts";
import type { TokenScore } from "../native/context.ts";

interface Delivery {
  readonly generation: Generation;
  readonly token: number | undefined;
  readonly score: TokenScore | undefined;
  readonly end: EndReason | undefined;
}

export class DeliveryQueue {
  #deliveries: Delivery[] = [];

  token(generation: Generation, { token, score }: { token: number; score: TokenScore | undefined }): void {
    this.#deliveries.push({ generation, token, score, end: undefined });
  }

  /** The choice is over; `last` = its last token, where that is text. */
  end(
    generation: Generation,
    { reason, last }: { reason: EndReason; last?: { token: number; score: TokenScore | undefined } },
  ): void {
    generation.phase = "ended";
    generation.endedAt = performance.now();
    this.#deliveries.push({ generation, token: last?.token, score: last?.score, end: reason });
  }

  /** Tells the receivers; one that has enough ends its choice. False when there was nothing to tell. */
  flush(): boolean {
    const deliveries = this.#deliveries;
    if (deliveries.length === 0) return false;
    this.#deliveries = [];
    for (const { generation, token, score, end } of deliveries) {
      if (generation.cancelled || generation.receiverDone) continue;
      try {
        deliver({ generation, token, score, end });
      } catch (error) {
        // A receiver that fails costs its own choice, not the batch.
        close(generation);
        generation.request.receiver.onError(error);
      }
    }
    return true;
  }
}

function deliver({ generation, token, score, end }: Delivery): void {
  const { receiver } = generation.request;
  const enough = token !== undefined && receiver.onToken(token, score);
  if (!enough && end === undefined) return;
  close(generation);
  receiver.onEnd(enough ? "receiver" : (end as EndReason));
}

function close(generation: Generation): void {
  generation.receiverDone = true;
  generation.phase = "ended";
  generation.endedAt ??= performance.now();
}
