// What text generation yields: the events shared by chat and completions.

export type FinishReason = "stop" | "length" | "tool_calls" | "function_call" | "content_filter";

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
  /** Tokens of the prompt, counted once for all choices of it. */
  readonly promptTokens: number;
  /** Of those, tokens whose state was reused. */
  readonly cachedTokens: number;
  /** Generated tokens over all choices, those of discarded `bestOf` candidates included. */
  readonly completionTokens: number;
  /** Of those, tokens inside reasoning segments. */
  readonly reasoningTokens: number;
  /** Of the guesses of a draft or of prompt lookup: taken, and thrown away. */
  readonly acceptedPredictionTokens: number;
  readonly rejectedPredictionTokens: number;
}

export interface TextTimings {
  readonly queueMs: number;
  readonly promptMs: number;
  readonly decodeMs: number;
}

/**
 * In order: one `accepted`, then any number of deltas per choice with one `finish` per choice, then one `usage`.
 * Concatenated deltas are the whole text. Deltas hold whole code points only.
 */
export type TextEvent =
  /** The request is valid, counted and queued: nothing more can be refused. */
  | { readonly type: "accepted"; readonly promptTokens: number }
  | {
      readonly type: "text-delta";
      readonly choice: number;
      readonly text: string;
      readonly logprobs?: readonly TokenLogprob[];
    }
  | { readonly type: "reasoning-delta"; readonly choice: number; readonly text: string }
  /** Opens call number `index` of a choice; its arguments follow as pieces that concatenate to JSON. */
  | {
      readonly type: "tool-call-start";
      readonly choice: number;
      readonly index: number;
      readonly id: string;
      readonly name: string;
    }
  | { readonly type: "tool-call-delta"; readonly choice: number; readonly index: number; readonly arguments: string }
  | { readonly type: "finish"; readonly choice: number; readonly reason: FinishReason }
  | { readonly type: "usage"; readonly usage: TextUsage; readonly timings: TextTimings };

/** A chat rendered through the model's template. */
export interface AppliedTemplate {
  readonly prompt: string;
  readonly tokens: readonly number[];
}
