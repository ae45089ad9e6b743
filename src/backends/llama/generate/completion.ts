// Text completions in full: several prompts as text or token ids, echo, log-probabilities of prompt and answer, the best of
// several candidates. What the model reads of each is made in completion-prompt.ts.
import { randomInt } from "node:crypto";
import type { CompletionRequest } from "../../../domain/completion.ts";
import type { FinishReason, TextEvent, TokenLogprob } from "../../../domain/text.ts";
import type { TokenScore } from "../native/context.ts";
import { preparePrompts, type PreparedPrompt } from "./completion-prompt.ts";
import type { EventBuffer } from "./event-buffer.ts";
import type { EndReason, GenerationReceiver, GenerationRequest } from "../engine/sequence.ts";
import { choiceSeed, planSampler } from "../engine/sampler-config.ts";
import type { TextModel } from "./text-model.ts";
import { runText } from "./run-choices.ts";
import { ReleaseGate, TokenText, toTokenLogprob } from "../tokens/detokenizer.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

/** Runs a completion request; choices are numbered prompt-major. */
export async function* runCompletion(
  model: TextModel,
  request: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<TextEvent, void, undefined> {
  const prompts = await preparePrompts(model, { request, signal });
  model.assertLogitBias(request.sampling);
  const createGrammar = await model.compileConstraint(request.constraint, signal);
  const candidates = Math.max(request.n, request.bestOf);
  const picksBest = candidates > request.n;
  const seed = request.sampling.seed ?? randomInt(2 ** 32 - 1);
  const receivers: CompletionReceiver[] = [];

  const choices = (buffer: EventBuffer, finished: () => void): GenerationRequest[] =>
    prompts.flatMap((prompt, promptIndex) => {
      const { tokens } = prompt;
      return Array.from({ length: candidates }, (_, candidate) => {
        const receiver = new CompletionReceiver(model.vocabulary, {
          request,
          prompt,
          buffer,
          finished,
          choice: promptIndex * request.n + candidate,
          keepsEvents: picksBest,
        });
        receivers.push(receiver);
        const grammar = createGrammar?.();
        return {
          prompt: tokens,
          maxNewTokens: prompt.maxNewTokens,
          sampler: planSampler({
            sampling: request.sampling,
            defaults: model.options.defaults,
            prompt: tokens,
            seed: choiceSeed(seed, candidate),
            contextSize: model.contextSize,
          }),
          ...(grammar === undefined ? {} : { grammar }),
          ...(request.topLogprobs !== null || picksBest ? { topCount: request.topLogprobs ?? 0 } : {}),
          scorePrompt: request.echo && request.topLogprobs !== null && candidate === 0,
          guesses: model.guesses,
          receiver,
        };
      });
    });

  yield* runText(
    model.engine,
    {
      choices,
      promptTokens: prompts.reduce((sum, prompt) => sum + prompt.tokens.length, 0),
      reasoningTokens: () => 0,
      ...(picksBest ? { conclude: () => pickBest(receivers, { candidates, n: request.n }) } : {}),
    },
    signal,
  );
}

/** The `n` candidates of every prompt with the highest mean log-probability, renumbered in that order. */
function pickBest(
  receivers: readonly CompletionReceiver[],
  { candidates, n }: { candidates: number; n: number },
): TextEvent[] {
  const events: TextEvent[] = [];
  for (let first = 0; first < receivers.length; first += candidates) {
    const best = receivers
      .slice(first, first + candidates)
      .toSorted((one, other) => other.meanLogprob - one.meanLogprob)
      .slice(0, n);
    const firstChoice = (first / candidates) * n;
    best.forEach((receiver, index) => events.push(...receiver.eventsAs(firstChoice + index)));
  }
  return events;
}

interface CompletionReceiverOptions {
  readonly request: CompletionRequest;
  readonly prompt: PreparedPrompt;
  readonly buffer: EventBuffer;
  readonly finished: () => void;
  readonly choice: number;
  /** Collects the events instead of sending them: the best candidates are chosen in the end. */
  readonly keepsEvents: boolean;
}

/** Turns one candidate's tokens into its events. */
class CompletionReceiver implements GenerationReceiver {
  readonly #vocabulary: Vocabulary;
  readonly #options: CompletionReceiverOptions;
  readonly #text: TokenText;
  readonly #gate: ReleaseGate;
  readonly #wantsLogprobs: boolean;
  readonly #kept: TextEvent[] = [];
  #logprobSum = 0;
  #tokens = 0;

  constructor(vocabulary: Vocabulary, options: CompletionReceiverOptions) {
    this.#vocabulary = vocabulary;
    this.#options = options;
    this.#text = new TokenText(vocabulary);
    this.#gate = new ReleaseGate(options.request.limits.stop);
    this.#wantsLogprobs = options.request.topLogprobs !== null;
  }

  get isFull(): boolean {
    return this.#options.buffer.isFull;
  }

  /** Of the generated tokens; an answer without any is the worst. */
  get meanLogprob(): number {
    return this.#tokens === 0 ? -Infinity : this.#logprobSum / this.#tokens;
  }

  eventsAs(choice: number): TextEvent[] {
    return this.#kept.map((event) => ("choice" in event ? { ...event, choice } : event));
  }

  onPrompt(scores: readonly TokenScore[]): void {
    const { request, prompt } = this.#options;
    if (!request.echo) return;
    const shown = prompt.tokens.slice(prompt.hiddenTokens, prompt.hiddenTokens + prompt.echoedTokens);
    const logprobs = !this.#wantsLogprobs
      ? []
      : shown.map((token, index) => {
          const score = scores[prompt.hiddenTokens + index - 1];
          return toTokenLogprob(this.#vocabulary, { token, score });
        });
    this.#emitText(prompt.text, logprobs);
  }

  onToken(token: number, score: TokenScore | undefined): boolean {
    this.#options.buffer.countToken();
    this.#tokens += 1;
    this.#logprobSum += score?.logprob ?? 0;
    const logprobs = this.#wantsLogprobs ? [toTokenLogprob(this.#vocabulary, { token, score })] : [];
    const released = this.#gate.push(this.#text.push(token), logprobs);
    this.#emitText(released.text, released.logprobs);
    return released.stopped;
  }

  onEnd(reason: EndReason): void {
    if (reason !== "receiver") {
      const last = this.#gate.push(this.#text.flush(), []);
      const rest = last.stopped ? last : this.#gate.flush();
      this.#emitText(last.text, last.logprobs);
      if (!last.stopped) this.#emitText(rest.text, rest.logprobs);
    }
    const finish: FinishReason = reason === "length" ? "length" : "stop";
    this.#emit({ type: "finish", choice: this.#options.choice, reason: finish });
    this.#options.finished();
  }

  onError(error: unknown): void {
    this.#options.buffer.fail(error);
  }

  #emitText(text: string, logprobs: readonly TokenLogprob[]): void {
    if (text === "" && logprobs.length === 0) return;
    const { choice } = this.#options;
    this.#emit({ type: "text-delta", choice, text, ...(this.#wantsLogprobs ? { logprobs } : {}) });
  }

  #emit(event: TextEvent): void {
    if (this.#options.keepsEvents) this.#kept.push(event);
    else this.#options.buffer.push(event);
  }
}
