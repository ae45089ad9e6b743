// Token usage of text endpoints, and the pieces that chat and completion responses share.
import { z } from "zod";
import { once } from "./common.ts";
import type { Wire } from "./common.ts";

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
