// Turns the inputs of embedding requests into tokens of a GGUF's vocabulary. The policy for both GGUF and ONNX models decides what an
// input means (backends/common/embedding-policy.ts); this file gives it llama.cpp's tokenizer.
import {
  EmbeddingPolicy,
  type EmbeddingPolicyOptions,
  type EncodedBody,
  type InputLength,
} from "../../common/embedding-policy.ts";
import { TextTokenizer, TokenLimitError } from "../tokens/tokenizer.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

export interface InputReaderParts {
  readonly vocabulary: Vocabulary;
  readonly options: EmbeddingPolicyOptions;
  /** Longest input, tokens, special tokens included. */
  readonly maxTokens: number;
  /** Width of a whole vector. */
  readonly embeddingSize: number;
  /** The model's tokenizer strips accents. */
  readonly stripsAccents: boolean;
}

/** Special tokens that a text spells stay text, as for ONNX models (backends/embedding/text/tokenizer/added-tokens.ts says why). */
const parseSpecial = false;

/** The embedding policy with this model's limits and tokenizer. */
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
): (text: string, context: InputLength & { readonly signal: AbortSignal }) => Promise<EncodedBody> {
  const { maxTokens } = parts;
  const tokenizer = new TextTokenizer(parts.vocabulary);
  return async (whole, { limit, truncation, signal }) => {
    const text = decomposed(whole, parts);
    if (truncation === "truncate") {
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
 * Decomposes the text (NFD) for models that strip accents. llama.cpp would keep the first code point only of a character that
 * decomposes, and so lose most of every Hangul syllable; it does not touch a text that is decomposed already.
 */
function decomposed(text: string, { stripsAccents }: InputReaderParts): string {
  return stripsAccents ? text.normalize("NFD") : text;
}
