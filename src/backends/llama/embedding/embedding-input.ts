// The texts of embedding requests as tokens of a GGUF's vocabulary. What an input means is decided by the policy that ONNX models
// follow as well; here is what is llama.cpp's own.
import { EmbeddingPolicy, type EmbeddingPolicyOptions, type EncodedBody } from "../../common/embedding-policy.ts";
import { TextTokenizer, TokenLimitError } from "../tokens/tokenizer.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

export interface InputReaderParts {
  readonly vocabulary: Vocabulary;
  readonly options: EmbeddingPolicyOptions;
  /** Longest input, tokens, special tokens included. */
  readonly maxTokens: number;
  /** Width of a whole vector. */
  readonly embeddingSize: number;
  /** The vocabulary knows no accented letters. */
  readonly stripsAccents: boolean;
}

/** Special tokens that a text spells are read as such, as the Python originals read them. */
const parseSpecial = true;

/** The policy for one model. */
export function createPolicy(parts: InputReaderParts): EmbeddingPolicy {
  const { vocabulary, options, maxTokens, embeddingSize } = parts;
  const { start, end } = vocabulary.frame;
  return new EmbeddingPolicy({
    options,
    maxTokens,
    dimensions: embeddingSize,
    vocabularySize: vocabulary.size,
    before: start,
    after: end,
    encode: (text) => vocabulary.tokenize(decomposed(text, parts), { parseSpecial }),
  });
}

/** Encodes texts of any length, as the policy asks for them. */
export function createTextEncoder(
  parts: InputReaderParts,
): (text: string, context: { readonly limit: number; readonly signal: AbortSignal }) => Promise<EncodedBody> {
  const { options, maxTokens } = parts;
  const tokenizer = new TextTokenizer(parts.vocabulary);
  return async (whole, { limit, signal }) => {
    const text = decomposed(whole, parts);
    if (options.truncation === "truncate") {
      const ids = await tokenizer.tokenizeBeginning(text, { count: limit, parseSpecial, signal });
      return { ids, tokens: ids.length };
    }
    try {
      const ids = await tokenizer.tokenize(text, { parseSpecial, contextSize: maxTokens, signal });
      return { ids, tokens: ids.length };
    } catch (error) {
      if (!(error instanceof TokenLimitError)) throw error;
      return { ids: [], tokens: error.atLeast, isLowerBound: true };
    }
  };
}

/**
 * Of a character that decomposes, llama.cpp keeps the first code point, which is half of nothing for Hangul; a text that is decomposed
 * already it leaves alone.
 */
function decomposed(text: string, { stripsAccents }: InputReaderParts): string {
  return stripsAccents ? text.normalize("NFD") : text;
}
