// Limits on grammars made from schemas: llama.cpp copies and walks whole grammars while it samples, and callers choose the schemas.

export interface GrammarLimits {
  /** UTF-8 bytes of the grammar text. @default 524288 */
  readonly maxGrammarBytes: number;
  /**
   * Elements after llama.cpp has unrolled every repetition. Measured: a quarter of a second and 18 MB for each choice at 200,000.
   * @default 200000
   */
  readonly maxExpandedElements: number;
  /** Levels of nested schemas; a recursive `$ref` counts once. @default 128 */
  readonly maxSchemaDepth: number;
  /** Branches that one place of the schema may have after `anyOf`, `oneOf` and `allOf` are multiplied out. @default 512 */
  readonly maxAlternatives: number;
  /** States of the automaton of one string constraint. @default 3000 */
  readonly maxAutomatonStates: number;
  /**
   * Items or characters that are counted exactly. A larger upper bound is lowered to this, which only leaves valid texts out; a
   * larger lower bound is refused. @default 100000
   */
  readonly maxRepetitions: number;
}

export const DEFAULT_GRAMMAR_LIMITS: GrammarLimits = {
  maxGrammarBytes: 524_288,
  maxExpandedElements: 200_000,
  maxSchemaDepth: 128,
  maxAlternatives: 512,
  maxAutomatonStates: 3_000,
  maxRepetitions: 100_000,
};

/**
 * llama.cpp's `MAX_REPETITION_THRESHOLD` (src/llama-grammar.cpp). A lower bound above it is a parse error, and an upper bound
 * above it silently becomes "no bound". Grammars of schemas count in blocks that are far below it (grammar-writer.ts).
 */
export const LLAMA_MAX_REPETITION = 2_000;
