// Queues sequences that wait for a slot, in the order in which they were submitted.
import { ServerError } from "../../../../domain/errors.ts";
import { Sequence, type SequenceRequest } from "../sequence.ts";

/** How busy the slots are, for the decision whether one more request may wait. */
export interface SlotLoad {
  readonly slots: number;
  readonly idle: number;
  /** Running mean of the time for which a sequence occupies its slot. */
  readonly meanOccupancyMs: number;
}

export class WaitingQueue {
  readonly #maximum: number;
  readonly #sequences: Sequence[] = [];

  /** `maximum` = prompts that may wait when no slot is idle, whatever the number of choices of each. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /**
   * Queues the choices of one request; entries with the same `prompt` array share its evaluation.
   * @throws ServerError `overloaded` when all slots are taken and the queue is full
   */
  add(requests: readonly SequenceRequest[], load: SlotLoad): readonly Sequence[] {
    this.#refuseWhenFull(load);
    const leaders = new Map<readonly number[], Sequence>();
    const sequences = requests.map((request) => {
      const sequence = new Sequence(request, leaders.get(request.prompt));
      if (sequence.leader === undefined) leaders.set(request.prompt, sequence);
      return sequence;
    });
    this.#sequences.push(...sequences);
    return sequences;
  }

  /** Sequences that could start at once. */
  get readyCount(): number {
    return this.#sequences.filter(({ isReadyToStart }) => isReadyToStart).length;
  }

  /** Takes the next sequence that can start out of the queue. */
  take(): Sequence | undefined {
    const index = this.#sequences.findIndex((sequence) => sequence.isReadyToStart);
    return index === -1 ? undefined : this.#sequences.splice(index, 1)[0];
  }

  /** Takes cancelled sequences out of the queue. */
  dropCancelled(): Sequence[] {
    const cancelled = this.#sequences.filter((sequence) => sequence.isCancelled);
    for (const sequence of cancelled) this.#sequences.splice(this.#sequences.indexOf(sequence), 1);
    return cancelled;
  }

  takeAll(): Sequence[] {
    return this.#sequences.splice(0);
  }

  #refuseWhenFull({ slots, idle, meanOccupancyMs }: SlotLoad): void {
    // Choices that share a prompt count as one: a request for more of them than there are slots only waits for itself.
    const waiting = this.#sequences.filter((sequence) => sequence.leader === undefined && !sequence.isCancelled).length;
    if (waiting < this.#maximum + idle) return;
    throw new ServerError("overloaded", {
      message: `The model is busy: ${waiting} requests are waiting already. Please try again later.`,
      retryAfterSeconds: Math.max(1, Math.ceil(((waiting + 1) * meanOccupancyMs) / slots / 1000)),
    });
  }
}
