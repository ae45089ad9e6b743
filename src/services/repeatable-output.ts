// The output of an operation that may have to run a second time, because its model computes on a GPU whose driver may take the process
// with it. What has been told cannot be taken back: a stream can be begun again until its first content. An answer that is read as a
// whole is held back until it is complete, so it can be repeated at any time.
import type { EventSink } from "../domain/backend.ts";

/** Events that say nothing of the answer. */
const preliminary: ReadonlySet<string> = new Set(["accepted", "progress"]);

export class RepeatableOutput<T> implements EventSink<T> {
  readonly #sink: EventSink<T>;
  readonly #holdsBack: boolean;
  #held: T[] = [];
  #hasToldContent = false;
  #hasAccepted = false;

  /** `holdsBack` = nobody reads the events before the last one. */
  constructor(sink: EventSink<T>, { holdsBack }: { readonly holdsBack: boolean }) {
    this.#sink = sink;
    this.#holdsBack = holdsBack;
  }

  /** Whether the operation can run again without its reader noticing. */
  get isRepeatable(): boolean {
    return !this.#hasToldContent;
  }

  /** What is held back waits for no reader. */
  get credit(): number {
    return this.#holdsBack ? Number.MAX_SAFE_INTEGER : this.#sink.credit;
  }

  onCredit(listener: (events: number) => void): void {
    if (!this.#holdsBack) this.#sink.onCredit(listener);
  }

  push(event: T): void {
    const type = typeOf(event);
    if (type === "accepted") {
      // The reader has acted on the first one: the status and the headers of the answer are sent.
      if (this.#hasAccepted) return;
      this.#hasAccepted = true;
    }
    if (this.#holdsBack && !preliminary.has(type)) {
      this.#held.push(event);
      return;
    }
    this.#hasToldContent ||= !preliminary.has(type);
    this.#sink.push(event);
  }

  /** To be called before the operation runs again. */
  restart(): void {
    this.#held = [];
  }

  /** To be called when the operation has succeeded: tells what was held back. */
  complete(): void {
    for (const event of this.#held) this.#sink.push(event);
    this.#held = [];
  }
}

function typeOf(event: unknown): string {
  return typeof event === "object" && event !== null && "type" in event ? String(event.type) : "";
}
