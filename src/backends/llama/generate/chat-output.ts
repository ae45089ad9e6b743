// One choice of a chat on its way out: tokens become text, the family's parser tells text, reasoning and calls apart, and the
// caller's stop strings end the text.
import type { ChatRequest } from "../../../domain/chat.ts";
import type { FinishReason, TextEvent, TokenLogprob } from "../../../domain/text.ts";
import { StopMatcher } from "../../../util/stop-matcher.ts";
import type { TokenScore } from "../native/context.ts";
import { createOutputParser } from "../chat/output-parser.ts";
import type { ChatPlan, OutputParser, ParsedEvent } from "../chat/types.ts";
import type { EventBuffer } from "./event-buffer.ts";
import type { EndReason, GenerationReceiver } from "../engine/sequence.ts";
import { ReleaseGate, TokenText, toTokenLogprob, type ReleasedText } from "../tokens/detokenizer.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

export interface ChatReceiverOptions {
  readonly request: ChatRequest;
  readonly plan: ChatPlan;
  /** Control tokens that the parser reads. */
  readonly keptTokens: ReadonlySet<number>;
  readonly vocabulary: Vocabulary;
  readonly buffer: EventBuffer;
  readonly finished: () => void;
  readonly choice: number;
}

export class ChatReceiver implements GenerationReceiver {
  readonly #options: ChatReceiverOptions;
  readonly #text: TokenText;
  /** The family's own end texts, looked for before the parser sees anything. */
  readonly #familyStops: StopMatcher;
  readonly #parser: OutputParser;
  /** The caller's stop strings, looked for in the answer's text only: reasoning and calls are not what they mean. */
  readonly #gate: ReleaseGate;
  /** The grammar leaves room for calls only, so that all other text is a call's markup. */
  readonly #callsOnly: boolean;
  #logprobs: TokenLogprob[] = [];
  #calls = 0;
  #stopped = false;
  /** Generated tokens inside reasoning. */
  reasoningTokens = 0;

  constructor(options: ChatReceiverOptions) {
    const { vocabulary, keptTokens, plan, request } = options;
    this.#options = options;
    this.#text = new TokenText(vocabulary, keptTokens);
    this.#familyStops = new StopMatcher(plan.stopTexts);
    this.#parser = createOutputParser(plan.parser);
    this.#gate = new ReleaseGate(request.limits.stop);
    this.#callsOnly = plan.grammar?.type === "tool-calls" && plan.grammarStart.when !== "after-trigger";
  }

  get isFull(): boolean {
    return this.#options.buffer.isFull;
  }

  onPrompt(): void {}

  onToken(token: number, score: TokenScore | undefined): boolean {
    const { buffer, request, vocabulary } = this.#options;
    buffer.countToken();
    const wasInReasoning = this.#parser.inReasoning;
    if (request.topLogprobs !== null) this.#logprobs.push(toTokenLogprob(vocabulary, { token, score }));
    const match = this.#familyStops.push(this.#text.push(token));
    this.#take(this.#parser.push(match.text));
    if (match.stopped && !this.#stopped) {
      this.#take(this.#parser.end());
      this.#release(this.#gate.flush());
      this.#stopped = true;
    }
    if (wasInReasoning || this.#parser.inReasoning) this.reasoningTokens += 1;
    return this.#stopped || this.#parser.done;
  }

  onEnd(reason: EndReason): void {
    const { buffer, choice, finished } = this.#options;
    if (!this.#stopped) {
      const rest = this.#familyStops.push(this.#text.flush());
      this.#take(this.#parser.push(rest.text));
      if (!rest.stopped) this.#take(this.#parser.push(this.#familyStops.flush()));
      const cutOff = reason === "length";
      const ending = this.#parser.end({ cutOff });
      // Where there is room for calls only, even the beginning of a call's opening is no text.
      this.#take(cutOff && this.#callsOnly ? ending.filter(({ type }) => type !== "text") : ending);
      if (!this.#stopped) this.#release(this.#gate.flush());
    }
    buffer.push({ type: "finish", choice, reason: this.#finishReason(reason) });
    finished();
  }

  onError(error: unknown): void {
    this.#options.buffer.fail(error);
  }

  /**
   * `length` stays `length`, for arguments that were cut off are no call. Who named the tool knows that it was called, so
   * that OpenAI says `stop` there.
   */
  #finishReason(reason: EndReason): FinishReason {
    if (reason === "length") return "length";
    const { request } = this.#options;
    if (this.#calls === 0 || request.toolChoice.type === "named") return "stop";
    return request.legacyFunctions ? "function_call" : "tool_calls";
  }

  #take(events: readonly ParsedEvent[]): void {
    for (const event of events) {
      if (this.#stopped) return;
      this.#emit(event);
    }
  }

  #emit(event: ParsedEvent): void {
    const { buffer, choice } = this.#options;
    switch (event.type) {
      case "text": {
        const released = this.#gate.push(event.text, this.#logprobs);
        this.#logprobs = [];
        this.#release(released);
        this.#stopped = released.stopped;
        return;
      }
      case "reasoning":
        this.#logprobs = [];
        if (event.text !== "") buffer.push({ type: "reasoning-delta", choice, text: event.text });
        return;
      case "tool-call-start":
        this.#logprobs = [];
        this.#calls += 1;
        buffer.push({ type: "tool-call-start", choice, index: event.index, id: event.id, name: event.name });
        return;
      case "tool-call-delta":
        this.#logprobs = [];
        buffer.push({ type: "tool-call-delta", choice, index: event.index, arguments: event.arguments });
        return;
    }
  }

  #release({ text, logprobs }: ReleasedText): void {
    if (text === "" && logprobs.length === 0) return;
    const { buffer, choice, request } = this.#options;
    const event: TextEvent = { type: "text-delta", choice, text };
    buffer.push(request.topLogprobs === null ? event : { ...event, logprobs });
  }
}
