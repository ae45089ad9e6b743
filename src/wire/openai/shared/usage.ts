// Token counts of text generation on the wire: the shape, and the mapping from the domain.
import { z } from "zod";
import type { TextUsage } from "../../../domain/text.ts";
import { once } from "../../contract/common.ts";
import type { Wire } from "../../contract/common.ts";

export const completionUsage = once(() =>
  z
    .object({
      prompt_tokens: z.int().nonnegative(),
      completion_tokens: z.int().nonnegative(),
      total_tokens: z.int().nonnegative(),
      prompt_tokens_details: z.object({
        cached_tokens: z.int().nonnegative(),
        audio_tokens: z.int().nonnegative(),
      }),
      completion_tokens_details: z.object({
        reasoning_tokens: z.int().nonnegative(),
        audio_tokens: z.int().nonnegative(),
        accepted_prediction_tokens: z.int().nonnegative(),
        rejected_prediction_tokens: z.int().nonnegative(),
      }),
    })
    .meta({ id: "CompletionUsage" }),
);
export type CompletionUsage = Wire<typeof completionUsage>;

export function toCompletionUsage(usage: TextUsage): CompletionUsage {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: usage.acceptedPredictionTokens,
      rejected_prediction_tokens: usage.rejectedPredictionTokens,
    },
  };
}
