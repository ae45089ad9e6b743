// Embedding and reranking requests of the domain, and their results.

export type EmbeddingInput = string | readonly number[];

export interface EmbeddingRequest {
  readonly inputs: readonly EmbeddingInput[];
  /** Left out = the model's default role. */
  readonly inputType?: "query" | "passage" | "none";
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
  readonly timings: EncoderTimings;
}

export interface RerankRequest {
  readonly query: string;
  readonly documents: readonly string[];
}

export interface RerankResult {
  /** One score per document, in the documents' order, higher = more relevant; sigmoid of the logit, 0..1. */
  readonly scores: readonly number[];
  readonly promptTokens: number;
  readonly timings: EncoderTimings;
}
