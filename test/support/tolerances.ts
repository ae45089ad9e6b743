// How far two right computations of the same numbers may lie apart, from the number formats alone. Processors differ in the
// order of their sums (by the width of their vectors), in fused operations, in the batch shapes at which another kernel takes
// over; they do not differ in the formats. A tolerance that was measured on one of them fails on the next.
import { expect } from "vitest";
import type { TokenLogprob } from "../../src/domain/text.ts";

/** Largest relative error of one rounding to the nearest value. */
const unitRoundoff = { float32: 2 ** -24, float16: 2 ** -11 } as const;

/**
 * Relative difference of two sums of `terms` products, each rounded to `format`.
 *
 * Roundings add up like a random walk, to sqrt(terms) of them (Higham and Mary, "A new approach to probabilistic rounding error
 * analysis", 2019). A single one is spread evenly over the unit roundoff, so twice that is 3.5 standard deviations.
 *
 * `terms` is the longest sum of a model. Its depth does not count: the branches of all layers are added to one stream, whose
 * length is normalised, so the share of each branch, and of its error, shrinks as their number grows.
 */
export function roundingDifference(format: keyof typeof unitRoundoff, terms: number): number {
  return 2 * Math.sqrt(terms) * unitRoundoff[format];
}

/**
 * Relative error of a product of values in blocks of 32 with one scale: `steps` is the number of steps from zero to the
 * largest value of a block (127 in q8_0, 8 in q4_0). The largest of 32 normal values is 2.1 standard deviations; a rounding is
 * off by 1 / sqrt(12) of a step. Three such errors stand one behind another in a layer (the input, the weights or keys, and the
 * values); 3.5 standard deviations, as above.
 */
export function blockDifference(steps: number): number {
  return 3.5 * Math.sqrt(3 / 12) * (2.1 / steps);
}

/** `1 - cosine` of two vectors whose relative difference is `relative`: half its square, the angle being small. */
export function cosineDifference(relative: number): number {
  return relative ** 2 / 2;
}

/** Largest difference of components of unit vectors that a float32 encoder of 512 tokens gives; none of them is above a half. */
export const unitVectorDifference = roundingDifference("float32", 512) / 2;

export interface LogprobError {
  /** Relative difference of the logits. */
  readonly relative: number;
  /** Standard deviation of the logits over the vocabulary: a difference of two of them is off by `relative` times that. */
  readonly spread: number;
  /** One of the two log-probabilities. */
  readonly logprob: number;
}

/**
 * Difference of two log-probabilities of one token. Their derivative by the logits is one less the probability for the token's
 * own, and minus the probability for every other: of a token that is nearly certain little can change. The log-probability
 * itself is computed from float32 logits.
 */
export function logprobDifference({ relative, spread, logprob }: LogprobError): number {
  return relative * spread * (1 - Math.exp(logprob)) + roundingDifference("float32", 512) * spread;
}

/**
 * Relative difference of the logits after `cells` tokens where weights are float32. llama.cpp holds keys and values in float16,
 * and its flash attention adds the values up in float16 (a float32 cache is converted for it); the rest is float32.
 */
export function attentionDifference(cells: number): number {
  return roundingDifference("float16", cells);
}

/** The standard deviation of stories260K's logits over its vocabulary. */
export const storiesSpread = 6.5;
/** The same of the story model, which this repository writes. */
export const storyModelSpread = 21;
/** The same of tiny-chat's. */
export const tinyChatSpread = 4.4;

interface Scored {
  readonly id: number;
  readonly top: readonly { readonly id: number; readonly logprob: number | null }[];
}

/**
 * Two greedy texts may part where the two likeliest tokens lie closer together than the error of both of them, and at no other
 * place; what follows is another text. Says how many tokens are the same. Both sides were asked for `topLogprobs: 2` or more.
 */
export function expectSameUntilNearTie(
  actual: readonly Pick<TokenLogprob, "id">[],
  expected: readonly Scored[],
  { relative, spread }: Pick<LogprobError, "relative" | "spread">,
): number {
  const parting = expected.findIndex(({ id }, index) => actual[index]?.id !== id);
  if (parting === -1) {
    expect(actual).toHaveLength(expected.length);
    return expected.length;
  }
  const [first, second] = expected[parting]!.top;
  const margin = first!.logprob! - second!.logprob!;
  expect(margin, `The texts part at token ${parting}, which is no near tie.`).toBeLessThan(2 * relative * spread);
  expect(actual[parting]?.id, `Token ${parting} is neither of the two likeliest.`).toBe(second!.id);
  return parting;
}
