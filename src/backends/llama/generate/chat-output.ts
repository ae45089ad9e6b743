// Turns the tokens of one chat choice into events: the family's parser tells text, reasoning and calls apart, and the caller's stop
// strings end the text.
import type { ChatRequest } from "../../../domain/chat.ts";
import type { EventSink } from "../../../domain/backend.ts";
import type { TextEvent, TokenLogprob } from "../../../domain/text.ts";
import { StopMatcher } from "../../../util/stop-matcher.ts";
import { createOutputParser } from "../chat/output-parser.ts";
import type { ChatPlan, OutputParser, ParsedEvent } from "../chat/types.ts";
import type { EndReason, TokenReceiver } from "../engine/sequence.ts";
import type { TokenScore } from "../native/context.ts";
import { ReleaseBuffer, TokenText, toTokenLogprob, type ReleasedText } from "../tokens/detokenizer.ts";
import type { MarkupTokens } from "../tokens/markup-tokens.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";
import { PartWriter } from "./part-writer.ts";
import type { ChoiceOutlet } from "./run-choices.ts";

export interface ChatOutputOptions {
  readonly request: ChatRequest;
  readonly plan: ChatPlan;
  /** The tokens that the parser reads as markup. */
  readonly markup: MarkupTokens;
  readonly vocabulary: Vocabulary;
  readonly outlet: ChoiceOutlet;
  readonly choice: number;
}

export class ChatOutput implements TokenReceiver {
  readonly #options: ChatOutputOptions;
  readonly #sink: EventSink<TextEvent>;
  readonly #writer: PartWriter;
  readonly #text: TokenText;
  /** The family's own end texts, matched before the parser sees the text. */
  readonly #familyStops: StopMatcher;
  readonly #parser: OutputParser;
  /** Matches the caller's stop strings, in the answer's text only: they do not mean reasoning and calls. */
  readonly #buffer: ReleaseBuffer;
  /** The grammar allows calls only, so that all other text is a call's markup. */
  readonly #callsOnly: boolean;
  #logprobs: TokenLogprob[] = [];
  /** Text of the prompt that the parser has been given and may still yield: the caller has it already. */
  #hidden = "";
  #calls = 0;
  /** Nothing more is shown: a stop string has come, the caller's or the family's. */
  #stopped = false;
  /** The caller's stop string that has come. */
  #stopString: string | undefined;
  /** Generated tokens inside reasoning. */
  reasoningTokens = 0;

  constructor(options: ChatOutputOptions) {
    const { vocabulary, markup, plan, request, outlet, choice } = options;
    this.#options = options;
    this.#sink = outlet.sink;
    this.#writer = new PartWriter(outlet.sink, choice);
    this.#text = new TokenText(vocabulary, markup);
    this.#familyStops = new StopMatcher(plan.stopTexts.map((text) => markup.sign(text)));
    this.#parser = createOutputParser({ ...plan.parser, markup });
    this.#buffer = new ReleaseBuffer(request.limits.stop);
    this.#callsOnly = plan.grammar?.type === "tool-calls" && plan.grammarStart.when !== "after-trigger";
  }

  get isPaused(): boolean {
    return this.#sink.credit <= 0;
  }

  /** A call that the prompt has begun, where the last message is continued, is told from its beginning. */
  onPrompt(): void {
    const { plan, markup } = this.#options;
    if (plan.prefilled === "" || plan.grammar === null || plan.parser.tools.length === 0) return;
    this.#hidden = plan.prefilled;
    this.#take(this.#parser.push(markup.sign(plan.prefilled)));
  }

  onToken(token: number, score: TokenScore | undefined): boolean {
    const { request, vocabulary } = this.#options;
    const wasInReasoning = this.#parser.inReasoning;
    if (request.topLogprobs !== null) this.#logprobs.push(toTokenLogprob(vocabulary, { token, score }));
    const match = this.#familyStops.push(this.#text.push(token));
    this.#take(this.#parser.push(match.text));
    if (match.stop !== undefined && !this.#stopped) {
      this.#take(this.#parser.end());
      this.#release(this.#buffer.flush());
      this.#stopped = true;
    }
    if (wasInReasoning || this.#parser.inReasoning) this.reasoningTokens += 1;
    return this.#stopped || this.#parser.done;
  }

  onEnd(reason: EndReason): void {
    if (!this.#stopped) {
      const rest = this.#familyStops.push(this.#text.flush());
      this.#take(this.#parser.push(rest.text));
      if (rest.stop === undefined) this.#take(this.#parser.push(this.#familyStops.flush()));
      const cutOff = reason === "length";
      this.#take(this.#parser.end({ cutOff }));
      if (!this.#stopped) this.#release(this.#buffer.flush());
    }
    this.#end(reason);
    this.#options.outlet.finished();
  }

  onError(error: unknown): void {
    this.#options.outlet.failed(error);
  }

  /** A call that was cut off is none: the reason told is the limit. */
  #end(reason: EndReason): void {
    if (reason === "length") this.#writer.end("length");
    else if (this.#calls > 0) this.#writer.end("tool-calls");
    else if (this.#stopString !== undefined) this.#writer.end("stop-string", this.#stopString);
    else this.#writer.end("end-of-turn");
  }

  #take(events: readonly ParsedEvent[]): void {
    for (const event of events) {
      if (this.#stopped) return;
      this.#emit(event);
    }
  }

  #emit(event: ParsedEvent): void {
    if (event.type === "text") {
      // What looks like text is the beginning of markup that was cut off.
      if (this.#callsOnly) return;
      const text = this.#withoutHidden(event.text);
      if (text === "") return;
      const released = this.#buffer.push(text, this.#logprobs);
      this.#logprobs = [];
      this.#release(released);
      this.#stopString = released.stop;
      this.#stopped = released.stop !== undefined;
      return;
    }
    this.#logprobs = [];
    switch (event.type) {
      case "reasoning":
        this.#writer.reasoning(event.text);
        return;
      case "tool-call-start":
        this.#calls += 1;
        this.#writer.startCall({ index: event.index, id: event.id, name: event.name });
        return;
      case "tool-call-delta":
        this.#writer.callArguments(event.index, event.arguments);
        return;
    }
  }

  #withoutHidden(text: string): string {
    let place = 0;
    while (this.#hidden !== "") {
      if (place === text.length) return "";
      // The parser leaves out white space beside markup.
      if (this.#hidden[0] === text[place]) place += 1;
      else if (this.#hidden.trimStart() === this.#hidden) this.#hidden = "";
      this.#hidden = this.#hidden.slice(1);
    }
    return text.slice(place);
  }

  #release({ text, logprobs }: ReleasedText): void {
    this.#writer.text(text, this.#options.request.topLogprobs === null ? undefined : logprobs);
  }
}
