// Turns the tokens of one completion candidate into text and events: stop strings end the text, and log-probabilities are sent with
// their text.
import type { CompletionRequest } from "../../../domain/completion.ts";
import type { FinishReason, TokenLogprob } from "../../../domain/text.ts";
import type { EndReason, TokenReceiver } from "../engine/sequence.ts";
import type { TokenScore } from "../native/context.ts";
import { ReleaseBuffer, TokenText, toTokenLogprob, type ReleasedText } from "../tokens/detokenizer.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";
import type { PreparedPrompt } from "./completion-prompt.ts";
import { PartWriter } from "./part-writer.ts";
import type { ChoiceOutlet } from "./run-choices.ts";

export interface CompletionOutputOptions {
  readonly request: CompletionRequest;
  readonly prompt: PreparedPrompt;
  readonly vocabulary: Vocabulary;
  readonly outlet: ChoiceOutlet;
  /** `undefined` = the text is kept until the best candidates are chosen: see {@link CompletionOutput.writeAs}. */
  readonly choice: number | undefined;
}

export class CompletionOutput implements TokenReceiver {
  readonly #options: CompletionOutputOptions;
  readonly #writer: PartWriter | undefined;
  readonly #text: TokenText;
  readonly #buffer: ReleaseBuffer;
  readonly #wantsLogprobs: boolean;
  readonly #kept: { text: string; readonly logprobs: TokenLogprob[] } = { text: "", logprobs: [] };
  #end: { readonly reason: FinishReason; readonly stopString: string | undefined } | undefined;
  #stopString: string | undefined;
  #logprobSum = 0;
  #tokens = 0;

  constructor(options: CompletionOutputOptions) {
    const { request, vocabulary, outlet, choice } = options;
    this.#options = options;
    this.#writer = choice === undefined ? undefined : new PartWriter(outlet.sink, choice);
    this.#text = new TokenText(vocabulary);
    this.#buffer = new ReleaseBuffer(request.limits.stop);
    this.#wantsLogprobs = request.topLogprobs !== null;
  }

  get isPaused(): boolean {
    return this.#options.outlet.sink.credit <= 0;
  }

  /** Mean over the generated tokens; -Infinity for an answer without any, so that it is the worst. */
  get meanLogprob(): number {
    return this.#tokens === 0 ? -Infinity : this.#logprobSum / this.#tokens;
  }

  /** Writes what was kept as the events of one choice. */
  writeAs(choice: number): void {
    const { text, logprobs } = this.#kept;
    const writer = new PartWriter(this.#options.outlet.sink, choice);
    writer.text(text, this.#wantsLogprobs ? logprobs : undefined);
    writer.end(this.#end?.reason ?? "end-of-turn", this.#end?.stopString);
  }

  onPrompt(scores: readonly TokenScore[]): void {
    const { request, prompt, vocabulary } = this.#options;
    if (!request.echo) return;
    const shown = prompt.tokens.slice(prompt.hiddenTokens, prompt.hiddenTokens + prompt.echoedTokens);
    const logprobs = !this.#wantsLogprobs
      ? []
      : shown.map((token, index) => {
          const score = scores[prompt.hiddenTokens + index - 1];
          return toTokenLogprob(vocabulary, { token, score });
        });
    this.#write({ text: prompt.text, logprobs });
  }

  onToken(token: number, score: TokenScore | undefined): boolean {
    const { vocabulary } = this.#options;
    this.#tokens += 1;
    this.#logprobSum += score?.logprob ?? 0;
    const logprobs = this.#wantsLogprobs ? [toTokenLogprob(vocabulary, { token, score })] : [];
    const released = this.#buffer.push(this.#text.push(token), logprobs);
    this.#write(released);
    this.#stopString = released.stop;
    return released.stop !== undefined;
  }

  onEnd(reason: EndReason): void {
    if (reason !== "receiver") {
      const last = this.#buffer.push(this.#text.flush(), []);
      this.#write(last);
      this.#stopString = last.stop;
      if (last.stop === undefined) this.#write(this.#buffer.flush());
    }
    const stopString = reason === "length" ? undefined : this.#stopString;
    this.#end = {
      reason: reason === "length" ? "length" : stopString === undefined ? "end-of-turn" : "stop-string",
      stopString,
    };
    this.#writer?.end(this.#end.reason, stopString);
    this.#options.outlet.finished();
  }

  onError(error: unknown): void {
    this.#options.outlet.failed(error);
  }

  #write({ text, logprobs }: Pick<ReleasedText, "text" | "logprobs">): void {
    if (this.#writer !== undefined) {
      this.#writer.text(text, this.#wantsLogprobs ? logprobs : undefined);
      return;
    }
    this.#kept.text += text;
    this.#kept.logprobs.push(...logprobs);
  }
}
