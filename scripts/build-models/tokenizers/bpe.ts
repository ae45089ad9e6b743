// Trains CLIP's byte-level BPE vocabulary, for image prompts.

import { byteAlphabet, toByteLevel } from "./byte-level.ts";
import { countItems, learnMerges } from "./pair-merging.ts";

export interface BpeVocabulary {
  /** Ids are indices. */
  readonly tokens: readonly string[];
  /** `left right`, in order of priority. */
  readonly merges: readonly string[];
}

/** CLIP's, on lower-case text; spaces are dropped, the end of a word is marked. */
const clipPattern = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;
const clipWordEnd = "</w>";

/** 256 bytes within and 256 at the end of words, and what merging adds; ends with the two control tokens. */
export function trainClipBpe(corpus: string, size: number): BpeVocabulary {
  const words = countItems(corpus.toLowerCase().match(clipPattern) ?? []).map(([word, count]) => {
    const symbols = Array.from(toByteLevel(word));
    symbols.push(symbols.pop()! + clipWordEnd);
    return { symbols, count };
  });
  const alphabet = [...byteAlphabet, ...byteAlphabet.map((character) => character + clipWordEnd)];
  const { tokens, merges } = withMerges(alphabet, words, size - 2);
  return { tokens: [...tokens, "<|startoftext|>", "<|endoftext|>"], merges };
}

function withMerges(
  alphabet: readonly string[],
  words: readonly { symbols: string[]; count: number }[],
  size: number,
): BpeVocabulary {
  const learned = learnMerges(words, { merges: size - alphabet.length });
  // Two different pairs can merge to the same token; it gets one id, and both rules stay.
  const tokens = [...new Set([...alphabet, ...learned.map(({ merged }) => merged)])];
  return { tokens, merges: learned.map(({ left, right }) => `${left} ${right}`) };
}
