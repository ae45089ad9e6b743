// The events of text generation, detailed enough for every dialect to make its own stream from them.

/**
 * Why a choice ended: the model ended its turn, one of the caller's stop strings came, the turn ended with tool calls, or a
 * limit on tokens was reached (then calls may be cut off). `content-filter` is for upstreams; no backend yields it.
 */
export type FinishReason = "end-of-turn" | "stop-string" | "tool-calls" | "length" | "content-filter";

/** One token with its log-probability, and the likeliest alternatives at its place. */
export interface TokenLogprob {
  /** Token id of the model. */
  readonly id: number;
  /** The token as text; bytes that are no whole code point show as U+FFFD. */
  readonly text: string;
  /** The token's own bytes, so that a caller can join code points split over tokens. */
  readonly bytes: readonly number[];
  /** Natural logarithm of the probability; `null` for the first token of a prompt, which nothing predicts. */
  readonly logprob: number | null;
  /** Likeliest first. */
  readonly top: readonly Omit<TokenLogprob, "top">[];
}

export interface TextUsage {
  /** Tokens of the prompts, each counted once for all its choices. */
  readonly promptTokens: number;
  /** Of those, tokens whose state was reused. */
  readonly cachedTokens: number;
  /** Generated tokens over all choices, those of discarded `bestOf` candidates included. */
  readonly completionTokens: number;
  /** Of those, tokens inside reasoning segments. */
  readonly reasoningTokens: number;
  /** Tokens guessed by a draft model or prompt lookup that became part of the output. */
  readonly acceptedPredictionTokens: number;
  /** Guessed tokens that were thrown away. */
  readonly rejectedPredictionTokens: number;
}

/** Milliseconds of each phase. Phases follow each other, so their sum is the time from the request's arrival to its end. */
export interface TextTimings {
  /** Rendering the conversation, tokenising it, and compiling the grammar. */
  readonly tokenizeMs: number;
  /** Waiting for a sequence. */
  readonly queueMs: number;
  /** Evaluating the prompt, up to the first token. */
  readonly promptMs: number;
  /** From the first token to the end of the last choice. */
  readonly decodeMs: number;
}

/** A stretch of a choice: its text, its reasoning, or one tool call. Calls are numbered from 0 within their choice. */
export type TextPart =
  | { readonly type: "text" }
  | { readonly type: "reasoning" }
  | { readonly type: "tool-call"; readonly index: number; readonly id: string; readonly name: string };

/**
 * In order: one `accepted`; then, per choice, parts one after the other, each a `part-start`, deltas of its kind and a
 * `part-end`, and a `choice-end`; last one `finish`. Events of different choices interleave. Concatenated deltas are the whole
 * part; deltas of text and reasoning hold whole code points only, deltas of a tool call concatenate to the JSON of its
 * arguments. A part without any delta is an empty one.
 */
export type TextEvent =
  /**
   * The request is valid, counted and queued: nothing more can be refused. `warnings`: sentences about what of it is not held, with
   * fields in braces as in `ErrorDetails.message`.
   */
  | { readonly type: "accepted"; readonly promptTokens: number; readonly warnings?: readonly string[] }
  | { readonly type: "part-start"; readonly choice: number; readonly part: TextPart }
  | {
      readonly type: "text-delta";
      readonly choice: number;
      readonly text: string;
      readonly logprobs?: readonly TokenLogprob[];
    }
  | { readonly type: "reasoning-delta"; readonly choice: number; readonly text: string }
  /** `index` is that of the open tool call. */
  | { readonly type: "tool-call-delta"; readonly choice: number; readonly index: number; readonly arguments: string }
  | { readonly type: "part-end"; readonly choice: number }
  | {
      readonly type: "choice-end";
      readonly choice: number;
      readonly reason: FinishReason;
      /** The stop string that came, where the reason is `stop-string`. */
      readonly stopString?: string;
    }
  | { readonly type: "finish"; readonly usage: TextUsage; readonly timings: TextTimings };

/** A chat rendered through the model's template. */
export interface AppliedTemplate {
  readonly prompt: string;
  readonly tokens: readonly number[];
  /** What was changed for the template to show the conversation, in words; empty = nothing. */
  readonly adaptations: readonly string[];
}
