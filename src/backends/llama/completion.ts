// Text completions in full: several prompts as text or token ids, echo, log-probabilities of prompt and answer, the best of
// several candidates, and insertion between a prompt and a suffix.
import { randomInt } from "node:crypto";
import type { CompletionPrompt, CompletionRequest } from "../../domain/completion.ts";
import { ServerError } from "../../domain/errors.ts";
import type { FinishReason, TextEvent, TokenLogprob } from "../../domain/text.ts";
import type { TokenScore } from "./native-context.ts";
import { assertTokensInVocabulary, resolveMaxTokens } from "./admission.ts";
import type { EventBuffer } from "./event-buffer.ts";
import type { EndReason, GenerationReceiver, GenerationRequest } from "./generation.ts";
import { choiceSeed, planSampler } from "./sampler-config.ts";
import type { TextModel } from "./text-model.ts";
import { runText } from "./text-run.ts";
import { ReleaseGate, TokenText, toTokenLogprob } from "./token-text.ts";
import type { Vocabulary } from "./vocabulary.ts";

interface PreparedPrompt {
  readonly tokens: readonly number[];
  /** The prompt as the caller wrote it, or as its token ids read. */
  readonly text: string;
  /** Tokens at the beginning that the caller did not write, such as BOS: they are not echoed. */
  readonly hiddenTokens: number;
  readonly maxNewTokens: number;
}

/** Runs a completion request; choices are numbered prompt-major. */
export async function* runCompletion(
  model: TextModel,
  request: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<TextEvent, void, undefined> {
  const prompts: PreparedPrompt[] = [];
  for (const [index, prompt] of request.prompts.entries()) {
    prompts.push(await preparePrompt(model, { request, prompt, index, signal }));
  }
  model.assertLogitBias(request.sampling);
  const createGrammar = model.compileConstraint(request.constraint);
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

async function preparePrompt(
  model: TextModel,
  {
    request,
    prompt,
    index,
    signal,
  }: { request: CompletionRequest; prompt: CompletionPrompt; index: number; signal: AbortSignal },
): Promise<PreparedPrompt> {
  const { vocabulary, contextSize } = model;
  const param = request.prompts.length === 1 ? "prompt" : `prompt[${index}]`;
  const isText = typeof prompt === "string";
  if (!isText) assertTokensInVocabulary(prompt, { vocabularySize: vocabulary.size, param });
  const read = (text: string, parseSpecial: boolean): Promise<readonly number[]> =>
    model.readPrompt(() => model.tokenizer.tokenize(text, { parseSpecial, contextSize, signal }), {
      requested: request.limits.maxTokens,
      promptName: "prompt",
    });
  const own = isText ? await read(prompt, true) : prompt;
  const { tokens, hiddenTokens } = request.suffix
    ? await insertionPrompt(vocabulary, { before: own, readSuffix: () => read(request.suffix ?? "", false) })
    : withBeginning(vocabulary, { tokens: own, isText, param });
  const maxNewTokens = resolveMaxTokens({
    promptTokens: tokens.length,
    requested: request.limits.maxTokens,
    fallback: model.options.defaults.maxTokens,
    contextSize,
    promptName: "prompt",
  });
  return { tokens, text: isText ? prompt : readTokens(vocabulary, own), hiddenTokens, maxNewTokens };
}

/**
 * Text gets the BOS that the model was trained with; token ids are taken as they are. An empty prompt is BOS alone (EOS where
 * there is no BOS): the model begins a text of its own.
 */
function withBeginning(
  vocabulary: Vocabulary,
  { tokens, isText, param }: { tokens: readonly number[]; isText: boolean; param: string },
): { tokens: readonly number[]; hiddenTokens: number } {
  if (isText && vocabulary.prependsBos && tokens[0] !== vocabulary.bos) {
    return { tokens: [vocabulary.bos as number, ...tokens], hiddenTokens: 1 };
  }
  if (tokens.length > 0) return { tokens, hiddenTokens: 0 };
  const start = vocabulary.bos ?? vocabulary.eos;
  if (start === undefined) {
    throw new ServerError("invalid_value", {
      message: "The prompt is empty and this model has no token to begin with.",
      param,
    });
  }
  return { tokens: [start], hiddenTokens: 1 };
}

async function insertionPrompt(
  vocabulary: Vocabulary,
  { before, readSuffix }: { before: readonly number[]; readSuffix: () => Promise<readonly number[]> },
): Promise<{ tokens: readonly number[]; hiddenTokens: number }> {
  const marks = vocabulary.fillInTheMiddle;
  if (marks === undefined) {
    throw new ServerError("unsupported_parameter", {
      message: "This model has no fill-in-the-middle tokens, so 'suffix' is not supported.",
      param: "suffix",
    });
  }
  const start = vocabulary.prependsBos ? [vocabulary.bos as number] : [];
  const tokens = [...start, marks.prefix, ...before, marks.suffix, ...(await readSuffix()), marks.middle];
  // The marks and the suffix are ours: an echo shows the text before the gap only.
  return { tokens, hiddenTokens: start.length + 1 };
}

function readTokens(vocabulary: Vocabulary, tokens: readonly number[]): string {
  const text = new TokenText(vocabulary, new Set(tokens));
  return tokens.map((token) => text.push(token)).join("") + text.flush();
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
    const shown = prompt.tokens.slice(prompt.hiddenTokens, prompt.hiddenTokens + this.#echoedTokens());
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

  /** With a suffix the tokens after the prompt are marks of ours. */
  #echoedTokens(): number {
    const { request, prompt } = this.#options;
    const total = prompt.tokens.length - prompt.hiddenTokens;
    if (!request.suffix) return total;
    return prompt.tokens.indexOf(this.#vocabulary.fillInTheMiddle?.suffix ?? -1) - prompt.hiddenTokens;
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
