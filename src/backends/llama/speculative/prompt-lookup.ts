// Guesses the next tokens of a choice from its own text (prompt lookup decoding), so that one batch can check several of them. A guess
// changes no answer: at each place the same token is sampled as without it.
import type { Guesser } from "../engine/guesser.ts";
import type { SequenceView } from "../engine/sequence.ts";

/** Longest and shortest run of tokens that is looked up. */
const longestRun = 4;
const shortestRun = 2;

/** Guesses by finding the last few tokens earlier in the prompt, in the answer, or in the text that the caller expects. */
export const promptLookup: Guesser = {
  guess: (sequences) => Promise.resolve(sequences.map(lookUp)),
};

/** How many tokens to guess: none past the end of the choice, none while a gate may yet replace the sampled token. */
export function guessLimit({ request, generated }: SequenceView): number {
  if (request.gate !== undefined && !request.gate.settled) return 0;
  return Math.max(0, Math.min(request.guesses, request.maxNewTokens - generated.length - 1));
}

function lookUp(sequence: SequenceView): readonly number[] {
  const limit = guessLimit(sequence);
  if (limit === 0) return [];
  const { prompt, expected = [] } = sequence.request;
  const text = prompt.concat(sequence.generated);
  return findContinuation(text, { sources: [expected, text], limit });
}

/**
 * Finds the last few tokens of `text` in one of `sources`, and returns up to `limit` tokens that followed them there. Longer runs go
 * before shorter ones, then earlier sources, then later places.
 * Source: prompt lookup decoding, https://github.com/apoorvumang/prompt-lookup-decoding
 */
export function findContinuation(
  text: readonly number[],
  { sources, limit }: { sources: readonly (readonly number[])[]; limit: number },
): readonly number[] {
  for (let run = longestRun; run >= shortestRun; run -= 1) {
    if (text.length < run) continue;
    for (const source of sources) {
      for (let end = source.length - 1; end >= run; end -= 1) {
        if (!endsWithRun(source, { end, text, run })) continue;
        return source.slice(end, end + limit);
      }
    }
  }
  return [];
}

/** True where the `run` tokens before `end` in `source` are the last `run` of `text`. */
function endsWithRun(
  source: readonly number[],
  { end, text, run }: { end: number; text: readonly number[]; run: number },
): boolean {
  for (let back = 1; back <= run; back += 1) {
    if (source[end - back] !== text[text.length - back]) return false;
  }
  return true;
}
