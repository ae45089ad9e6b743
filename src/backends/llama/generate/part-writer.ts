// Writes one choice's events in the order that `domain/text.ts` promises: deltas between the start and the end of their part.
import type { EventSink } from "../../../domain/backend.ts";
import type { FinishReason, TextEvent, TextPart, TokenLogprob } from "../../../domain/text.ts";

export class PartWriter {
  readonly #sink: EventSink<TextEvent>;
  readonly #choice: number;
  #open: TextPart | undefined;

  constructor(sink: EventSink<TextEvent>, choice: number) {
    this.#sink = sink;
    this.#choice = choice;
  }

  /** `logprobs` may come without text, from a token that has no whole code point. */
  text(text: string, logprobs?: readonly TokenLogprob[]): void {
    if (text === "" && (logprobs === undefined || logprobs.length === 0)) return;
    if (this.#open?.type !== "text") this.#start({ type: "text" });
    const choice = this.#choice;
    this.#sink.push({ type: "text-delta", choice, text, ...(logprobs === undefined ? {} : { logprobs }) });
  }

  reasoning(text: string): void {
    if (text === "") return;
    if (this.#open?.type !== "reasoning") this.#start({ type: "reasoning" });
    this.#sink.push({ type: "reasoning-delta", choice: this.#choice, text });
  }

  startCall(call: { readonly index: number; readonly id: string; readonly name: string }): void {
    this.#start({ type: "tool-call", ...call });
  }

  /** A piece of the open call's arguments. */
  callArguments(index: number, piece: string): void {
    this.#sink.push({ type: "tool-call-delta", choice: this.#choice, index, arguments: piece });
  }

  end(reason: FinishReason, stopString?: string): void {
    this.#close();
    const choice = this.#choice;
    this.#sink.push({ type: "choice-end", choice, reason, ...(stopString === undefined ? {} : { stopString }) });
  }

  #start(part: TextPart): void {
    this.#close();
    this.#open = part;
    this.#sink.push({ type: "part-start", choice: this.#choice, part });
  }

  #close(): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    this.#sink.push({ type: "part-end", choice: this.#choice });
  }
}
