// The answers of POST /v1/chat/completions, one object or chunks of a stream, and of POST /apply-template.
import { z } from "zod";
import { once } from "../../contract/common.ts";
import type { Wire } from "../../contract/common.ts";
import { completionUsage } from "../shared/usage.ts";

const finishReasons = ["stop", "length", "tool_calls", "content_filter", "function_call"] as const;

export const chatTokenLogprob = once(() => {
  const token = { token: z.string(), logprob: z.number(), bytes: z.array(z.int()).nullable() };
  return z.object({ ...token, top_logprobs: z.array(z.object(token)) }).meta({ id: "ChatCompletionTokenLogprob" });
});
export type ChatTokenLogprob = Wire<typeof chatTokenLogprob>;

const choiceLogprobs = once(() =>
  z.object({ content: z.array(chatTokenLogprob()).nullable(), refusal: z.array(chatTokenLogprob()).nullable() }),
);

function functionCall() {
  return z.object({ name: z.string(), arguments: z.string() });
}

export const chatCompletion = once(() =>
  z
    .object({
      id: z.string(),
      object: z.literal("chat.completion"),
      created: z.int(),
      model: z.string(),
      choices: z.array(
        z.object({
          index: z.int(),
          message: z.object({
            role: z.literal("assistant"),
            content: z.string().nullable(),
            refusal: z.string().nullable(),
            reasoning_content: z.string().optional().describe("Extension: the model's reasoning."),
            tool_calls: z
              .array(z.object({ id: z.string(), type: z.literal("function"), function: functionCall() }))
              .optional(),
            function_call: functionCall().optional(),
          }),
          logprobs: choiceLogprobs().nullable(),
          finish_reason: z.enum(finishReasons),
        }),
      ),
      usage: completionUsage(),
      service_tier: z.literal("default").optional(),
      system_fingerprint: z.string(),
    })
    .meta({ id: "ChatCompletion" }),
);
export type ChatCompletion = Wire<typeof chatCompletion>;

export const chatCompletionChunk = once(() =>
  z
    .object({
      id: z.string(),
      object: z.literal("chat.completion.chunk"),
      created: z.int(),
      model: z.string(),
      service_tier: z.literal("default").optional(),
      system_fingerprint: z.string(),
      choices: z.array(
        z.object({
          index: z.int(),
          delta: z.object({
            role: z.literal("assistant").optional(),
            content: z.string().nullable().optional(),
            refusal: z.string().nullable().optional(),
            reasoning_content: z.string().optional(),
            tool_calls: z
              .array(
                z.object({
                  index: z.int(),
                  id: z.string().optional(),
                  type: z.literal("function").optional(),
                  function: functionCall().partial(),
                }),
              )
              .optional(),
            function_call: functionCall().partial().optional(),
          }),
          logprobs: choiceLogprobs().nullable(),
          finish_reason: z.enum(finishReasons).nullable(),
        }),
      ),
      usage: completionUsage().nullable().optional().describe("Present only with stream_options.include_usage."),
      obfuscation: z.string().optional().describe("Present only with stream_options.include_obfuscation."),
    })
    .meta({ id: "ChatCompletionChunk" }),
);

/** The answer of POST /apply-template. */
export const appliedTemplate = once(() =>
  z
    .object({ prompt: z.string(), tokens: z.array(z.int()), adaptations: z.array(z.string()) })
    .meta({ id: "AppliedTemplate" }),
);
