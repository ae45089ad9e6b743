// A batch in the making: the tokens of each sequence, and what is sampled and scored once the batch is computed.
import type { NativeContextHandle, TokenScore } from "../native/context.ts";
import type { NativeSampler, NativeSamplerConfig } from "../native/binding.ts";
import type { Generation, HeldGrammar } from "./sequence.ts";
import type { SequenceSlots, Slot } from "./slots/slots.ts";

/** Tokens of one sequence in a batch. */
export interface BatchPart {
  readonly slot: Slot;
  readonly generation: Generation;
  readonly tokens: Uint32Array;
  /** Places in the batch whose logits were asked for. */
  readonly logits: Uint32Array;
  readonly finishesPrompt: boolean;
  /** The token sampled after this part, when that could be handed over together with the decode. */
  early: Promise<number> | undefined;
}

export interface SampledToken {
  /** -1 = nothing could be picked: the grammar and the vocabulary have no token in common. */
  readonly token: number;
  readonly score: TokenScore | undefined;
}

/** Adds the share of a slot's generation: its next token and guesses, or the next `count` tokens of its prompt. */
export function addPart(context: NativeContextHandle, slot: Slot, count: number): BatchPart {
  const { phase } = slot.generation as Generation;
  return phase === "prompt" ? addPrompt(context, slot, count) : addDecoding(context, slot, count);
}

/** Adds a token that nobody wants, for the sake of the sequences beside it (sequence-runs.ts). */
export function addFiller(context: NativeContextHandle, { id, tokens }: Slot): void {
  const filler = Uint32Array.of(tokens.at(-1) ?? 0);
  context.addToBatch(id, { position: tokens.length, tokens: filler, logitsFor: new Uint32Array() });
}

/** The token that is certain, and the guesses after it. */
function addDecoding(context: NativeContextHandle, slot: Slot, count: number): BatchPart {
  const generation = slot.generation as Generation;
  const tokens = Uint32Array.from([generation.nextToken, ...generation.guessed.slice(0, count - 1)]);
  const logitsFor = tokens.map((_, index) => index);
  const logits = context.addToBatch(slot.id, { position: slot.tokens.length, tokens, logitsFor });
  return { slot, generation, tokens, logits, finishesPrompt: false, early: undefined };
}

/** The next `count` tokens of a prompt. */
function addPrompt(context: NativeContextHandle, slot: Slot, count: number): BatchPart {
  const generation = slot.generation as Generation;
  const { prompt, scorePrompt, maxNewTokens } = generation.request;
  const position = slot.tokens.length;
  const tokens = Uint32Array.from(prompt.slice(position, position + count));
  const finishesPrompt = position + count === prompt.length;
  const wanted: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const isLast = position + index + 1 === prompt.length;
    if (isLast ? maxNewTokens > 0 : scorePrompt) wanted.push(index);
  }
  const logits = context.addToBatch(slot.id, { position, tokens, logitsFor: Uint32Array.from(wanted) });
  return { slot, generation, tokens, logits, finishesPrompt, early: undefined };
}

/** Hands the sampling over right behind the decode, without a round trip through this thread, where one token is wanted. */
export function sampleEarly(context: NativeContextHandle, part: BatchPart): void {
  const { generation, logits } = part;
  const { maxNewTokens, scorePrompt } = generation.request;
  if (logits.length !== 1 || maxNewTokens === 0 || generation.sampler === undefined) return;
  if (scorePrompt && generation.phase === "prompt") return;
  part.early = context.sample(logits[0] as number, generation.sampler);
  // When the decode fails this fails as well, and nobody waits for it any more.
  part.early.catch(() => {});
}

/** Scores of the prompt's tokens in this part, each from the logits of the token before it. */
export async function scorePromptPart(context: NativeContextHandle, part: BatchPart): Promise<TokenScore[]> {
  const { slot, generation, tokens, logits, finishesPrompt } = part;
  const { prompt, topCount = 0, maxNewTokens } = generation.request;
  const first = slot.tokens.length - tokens.length;
  const scored = finishesPrompt && maxNewTokens > 0 ? logits.length - 1 : logits.length;
  const scores: Promise<TokenScore>[] = [];
  for (let index = 0; index < scored; index += 1) {
    const token = prompt[first + index + 1] as number;
    scores.push(context.score(logits[index] as number, { token, topCount }));
  }
  return Promise.all(scores);
}

/**
 * Samples after the certain token, and goes on through the guesses as long as what is sampled is what was guessed; `take`
 * answers false when the choice has come to its end. What was guessed wrongly is cut off the sequence.
 */
export async function samplePart(
  part: BatchPart,
  {
    context,
    slots,
    take,
  }: { context: NativeContextHandle; slots: SequenceSlots; take: (sampled: SampledToken) => boolean },
): Promise<void> {
  const { slot, generation, tokens, logits, early } = part;
  const isDecoding = generation.generated.length > 0;
  const firstLogit = isDecoding ? 0 : logits.length - 1;
  const { topCount } = generation.request;
  let accepted = 0;
  for (let index = firstLogit; index < logits.length; index += 1) {
    const place = logits[index] as number;
    const sampler = generation.sampler as NativeSampler;
    const first = index === firstLogit ? early : undefined;
    let token = await orNothing(generation, first ?? context.sample(place, sampler));
    if (token >= 0 && isRejectedByGate(generation, token)) {
      token = await orNothing(generation, context.sample(place, sampler));
    }
    const score = topCount === undefined || token < 0 ? undefined : await context.score(place, { token, topCount });
    const goesOn = take({ token, score });
    if (!goesOn || !isDecoding || tokens[index + 1] !== token) break;
    accepted += 1;
  }
  const guesses = isDecoding ? tokens.length - 1 : 0;
  if (guesses === 0) return;
  generation.acceptedGuesses += accepted;
  generation.rejectedGuesses += guesses - accepted;
  slots.trim(slot, slot.tokens.length - (guesses - accepted));
}

/**
 * Under a grammar that has come to its end only an end token may follow. Where a bias forbids that as well nothing is left:
 * llama.cpp then takes any token and fails over it, which is the end of the answer and no fault.
 */
async function orNothing(generation: Generation, sampled: Promise<number>): Promise<number> {
  try {
    return await sampled;
  } catch (error) {
    if (generation.grammar === undefined) throw error;
    return -1;
  }
}

/** Lets a grammar begin that has waited for its moment; true when the token it begins with has to be another one. */
function isRejectedByGate(generation: Generation, token: number): boolean {
  const { gate, sampler: plan } = generation.request;
  if (gate === undefined || gate.settled) return false;
  const opened = gate.next(token);
  if (opened === undefined) return false;
  generation.grammar = opened.grammar;
  generation.sampler?.applyConfig(withGrammar(plan.config, opened.grammar));
  return opened.again;
}

/** The settings while a grammar holds; a ban goes over what the caller's bias says of the same token. */
export function withGrammar(config: NativeSamplerConfig, grammar: HeldGrammar | undefined): NativeSamplerConfig {
  if (grammar === undefined) return config;
  const held = { ...config, grammarEvaluationState: grammar.state };
  if (grammar.banned.length === 0) return held;
  const biases = new Map<number, number>();
  config.tokenBiasKeys?.forEach((token, index) => biases.set(token, config.tokenBiasValues?.[index] ?? 0));
  for (const token of grammar.banned) biases.set(token, -Infinity);
  return {
    ...held,
    tokenBiasKeys: Uint32Array.from(biases.keys()),
    tokenBiasValues: Float32Array.from(biases.values()),
  };
}
