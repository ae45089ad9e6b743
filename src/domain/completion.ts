// A text completion request of the domain.
import type { OutputConstraint, OutputLimits, SamplingOptions } from "./sampling.ts";

export type CompletionPrompt = string | readonly number[];

/** Choices are numbered prompt-major: choice = prompt index * n + i. */
export interface CompletionRequest {
  readonly prompts: readonly CompletionPrompt[];
  /** Text after the insertion point, for models with fill-in-the-middle tokens. */
  readonly suffix?: string;
  readonly echo: boolean;
  readonly n: number;
  /** Candidates per prompt, of which the `n` with the highest mean log-probability are returned. */
  readonly bestOf: number;
  /** `null` = no log-probabilities; else how many alternatives per token, 0..20. */
  readonly topLogprobs: number | null;
  readonly constraint: OutputConstraint;
  readonly sampling: SamplingOptions;
  readonly limits: OutputLimits;
}
