// The parts of a batch, one per sequence: adds their tokens before the decode, then samples and scores from their logits.
import type { NativeSampler, NativeSamplerConfig } from "../native/binding.ts";
import type { NativeContextHandle, TokenScore } from "../native/context.ts";
import type { SequenceView } from "./sequence.ts";
import type { Slot } from "./slots/slot.ts";

/** Tokens of one sequence in a batch. */
export interface BatchPart<S extends SequenceView> {
  readonly slot: Slot;
  readonly sequence: S;
  readonly tokens: Uint32Array;
  /** Places in the batch whose logits were asked for. */
  readonly logits: Uint32Array;
  readonly finishesPrompt: boolean;
}

/** A part whose batch is being computed. */
export interface ComputedPart<S extends SequenceView> extends BatchPart<S> {
  /** The token sampled after this part, where its sampling was queued together with the decode. */
  readonly early: Promise<number> | undefined;
}

export interface SampledToken {
  /** -1 = nothing could be picked: the grammar and what is banned beside it leave no token. */
  readonly token: number;
  readonly score: TokenScore | undefined;
}

/** Adds the share of a sequence: its next token and guesses, or the next `count` tokens of its prompt. */
export function addPart<S extends SequenceView>(
  context: NativeContextHandle,
  { slot, sequence, count }: { readonly slot: Slot; readonly sequence: S; readonly count: number },
): BatchPart<S> {
  const add = sequence.phase === "prompt" ? addPrompt : addDecoding;
  return { slot, sequence, ...add(context, { slot, sequence, count }) };
}

/** Adds a filler: it is computed behind the slot's tokens and taken back after the decode. */
export function addFiller(
  context: NativeContextHandle,
  { id, position, token }: { readonly id: number; readonly position: number; readonly token: number },
): void {
  context.addToBatch(id, { position, tokens: Uint32Array.of(token), logitsFor: new Uint32Array() });
}

interface Share {
  readonly slot: Slot;
  readonly sequence: SequenceView;
  readonly count: number;
}

type SharePart = Pick<BatchPart<SequenceView>, "tokens" | "logits" | "finishesPrompt">;

/** Adds the certain token and the guesses after it, with logits for each. */
function addDecoding(context: NativeContextHandle, { slot, sequence, count }: Share): SharePart {
  const tokens = Uint32Array.from([sequence.nextToken, ...sequence.guessed.slice(0, count - 1)]);
  const logitsFor = tokens.map((_, index) => index);
  const logits = context.addToBatch(slot.id, { position: slot.tokens.length, tokens, logitsFor });
  return { tokens, logits, finishesPrompt: false };
}

/** Adds the next `count` tokens of a prompt, with logits for the last one and, where the prompt is scored, for all. */
function addPrompt(context: NativeContextHandle, { slot, sequence, count }: Share): SharePart {
  const { prompt, scorePrompt, maxNewTokens } = sequence.request;
  const position = slot.tokens.length;
  const tokens = Uint32Array.from(prompt.slice(position, position + count));
  const finishesPrompt = position + count === prompt.length;
  const wanted: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const isLast = position + index + 1 === prompt.length;
    if (isLast ? maxNewTokens > 0 : scorePrompt) wanted.push(index);
  }
  const logits = context.addToBatch(slot.id, { position, tokens, logitsFor: Uint32Array.from(wanted) });
  return { tokens, logits, finishesPrompt };
}

/** Queues the sampling right behind the decode where one token is wanted, which saves a round trip through this thread. */
export function sampleEarly(
  context: NativeContextHandle,
  { sequence, logits }: BatchPart<SequenceView>,
): Promise<number> | undefined {
  const { maxNewTokens, scorePrompt } = sequence.request;
  if (logits.length !== 1 || maxNewTokens === 0 || sequence.sampler === undefined) return undefined;
  if (scorePrompt && sequence.phase === "prompt") return undefined;
  const early = context.sample(logits[0] as number, sequence.sampler);
  // A failed decode fails this too, and then nothing awaits it: an unhandled rejection would end the process.
  early.catch(() => {});
  return early;
}

/** Scores the prompt's tokens that follow those of this part, each from the logits of the token before it. */
export async function scorePromptPart(
  context: NativeContextHandle,
  { slot, sequence, tokens, logits, finishesPrompt }: BatchPart<SequenceView>,
): Promise<TokenScore[]> {
  const { prompt, topCount = 0, maxNewTokens } = sequence.request;
  const first = slot.tokens.length - tokens.length;
  const scored = finishesPrompt && maxNewTokens > 0 ? logits.length - 1 : logits.length;
  const scores: Promise<TokenScore>[] = [];
  for (let index = 0; index < scored; index += 1) {
    const token = prompt[first + index + 1] as number;
    scores.push(context.score(logits[index] as number, { token, topCount }));
  }
  return Promise.all(scores);
}

export interface SamplingSteps {
  readonly context: NativeContextHandle;
  /** True when a grammar that begins with this token wants another one in its place. */
  readonly isRejected: (token: number) => boolean;
  /** Takes the next token; false when the sequence has come to its end. */
  readonly take: (sampled: SampledToken) => boolean;
}

/** How many of a part's guesses were sampled, and how many were not. */
export interface GuessOutcome {
  readonly accepted: number;
  readonly rejected: number;
}

/**
 * Samples after the certain token, then after each guess as long as what is sampled is what was guessed. The slot then holds
 * `rejected` tokens too many.
 */
export async function samplePart(
  { sequence, tokens, logits, early }: ComputedPart<SequenceView>,
  { context, isRejected, take }: SamplingSteps,
): Promise<GuessOutcome> {
  const isDecoding = sequence.generated.length > 0;
  const firstLogit = isDecoding ? 0 : logits.length - 1;
  const { topCount } = sequence.request;
  let accepted = 0;
  for (let index = firstLogit; index < logits.length; index += 1) {
    const place = logits[index] as number;
    const sampler = sequence.sampler as NativeSampler;
    const first = index === firstLogit ? early : undefined;
    let token = await orNothing(sequence, first ?? context.sample(place, sampler));
    if (token >= 0 && isRejected(token)) token = await orNothing(sequence, context.sample(place, sampler));
    const score = topCount === undefined || token < 0 ? undefined : await context.score(place, { token, topCount });
    const goesOn = take({ token, score });
    if (!goesOn || !isDecoding || tokens[index + 1] !== token) break;
    accepted += 1;
  }
  const guesses = isDecoding ? tokens.length - 1 : 0;
  return { accepted, rejected: guesses - accepted };
}

/** The sampled token, or -1 where none is left: llama.cpp then takes any token, and throws over it when its grammar does not allow it. */
async function orNothing(sequence: SequenceView, sampled: Promise<number>): Promise<number> {
  try {
    return await sampled;
  } catch (error) {
    if (sequence.grammar === undefined) throw error;
    return -1;
  }
}

/** Far above every logit and bias, and finite, so that the probabilities of all other tokens come out as zero and none as NaN. */
const forcedBias = 1e9;

/**
 * In place of the caller's bans under a grammar: so far below every logit that the probability of a banned token comes out as zero
 * beside any other one. Where the grammar leaves banned tokens only, one of them is sampled, since the answer could not go on.
 */
const lastResort = -1e4;

/**
 * The settings under what constrains a sequence. Where that is a grammar, ill-formed tokens are banned too. Bans and the forced token
 * override the caller's biases of the same tokens.
 */
export function withGrammar(
  config: NativeSamplerConfig,
  { grammar, illFormed }: Pick<SequenceView, "grammar" | "illFormed">,
): NativeSamplerConfig {
  if (grammar === undefined) return config;
  const { state, forced } = grammar;
  const constrained = state === undefined ? config : { ...config, grammarEvaluationState: state };
  const banned = state === undefined ? grammar.banned : [...grammar.banned, ...illFormed];
  const biases = new Map<number, number>();
  const least = state === undefined ? -Infinity : lastResort;
  config.tokenBiasKeys?.forEach((token, index) => {
    biases.set(token, Math.max(least, config.tokenBiasValues?.[index] ?? 0));
  });
  for (const token of banned) biases.set(token, -Infinity);
  if (forced !== undefined) biases.set(forced, forcedBias);
  if (biases.size === 0) return constrained;
  return {
    ...constrained,
    tokenBiasKeys: Uint32Array.from(biases.keys()),
    tokenBiasValues: Float32Array.from(biases.values()),
  };
}
