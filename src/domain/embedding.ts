// Embedding and reranking requests of the domain, and their results.

export type EmbeddingInput = string | readonly number[];

export interface EmbeddingRequest {
  readonly inputs: readonly EmbeddingInput[];
  /** The role of the texts, whose prompt comes before them. Left out = what the model's files put before every text. */
  readonly inputType?: "query" | "passage" | "none";
  /** One of the model's own prompts by name, in place of a role's. */
  readonly promptName?: string;
  /** The caller asked for the model by a name of OpenAI's, for which clients make token ids by OpenAI's table. */
  readonly asksForOpenAi?: boolean;
  /** What is too long is cut (true) or refused (false). Left out = as the model is configured. */
  readonly truncate?: boolean;
  /** Left out = all dimensions of the model. */
  readonly dimensions?: number;
}

/** Milliseconds of each phase. */
export interface EncoderTimings {
  readonly tokenizeMs: number;
  /** Waiting for the device. */
  readonly queueMs: number;
  readonly inferenceMs: number;
}

export interface EmbeddingResult {
  /** `[inputs.length, dimensions]` row-major. */
  readonly vectors: Float32Array;
  readonly dimensions: number;
  /** Tokens really evaluated, prefix and special tokens included, after truncation. */
  readonly promptTokens: number;
  /** Sentences about what the caller may not expect, with fields in braces as in `ErrorDetails.message`. */
  readonly warnings?: readonly string[];
  readonly timings: EncoderTimings;
}

export interface RerankRequest {
  readonly query: string;
  readonly documents: readonly string[];
  /** Scores without the model's activation. */
  readonly rawScores?: boolean;
}

export interface RerankResult {
  /** One score per document, in the documents' order, higher = more relevant; after the model's own activation unless raw. */
  readonly scores: readonly number[];
  readonly promptTokens: number;
  readonly timings: EncoderTimings;
}
