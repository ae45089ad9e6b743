// POST /v1/completions: request, fields, rules and answer. Answer and chunk have the same shape.
import { z } from "zod";
import { responseFormat } from "../shared/response-format.ts";
import { once } from "../../contract/common.ts";
import type { Wire } from "../../contract/common.ts";
import { invalidValue } from "../../contract/contract.ts";
import type { RequestContract } from "../../contract/contract.ts";
import { honoured, honouredWith } from "../../contract/field-table.ts";
import type { FieldTable } from "../../contract/field-table.ts";
import { checkStreamOptions, generationFields, generationShape } from "../shared/generation.ts";
import { textInput } from "../../contract/text-input.ts";
import { completionUsage } from "../shared/usage.ts";

const maxPrompts = 2048;

export const completionRequest = once(() =>
  z
    .object({
      model: z.string().min(1),
      prompt: textInput(
        { maxEntries: maxPrompts, allowEmptyText: true },
        "Text, texts, token ids or lists of token ids.",
      ),
      ...generationShape(),
      max_tokens: z.int().min(0).nullish(),
      logprobs: z.int().min(0).max(5).nullish(),
      echo: z.boolean().nullish(),
      best_of: z.int().min(0).max(20).nullish(),
      suffix: z.string().nullish(),
      response_format: responseFormat().nullish().describe("Extension: as in chat."),
    })
    .meta({ id: "CompletionRequest" }),
);
export type CompletionRequestWire = Wire<typeof completionRequest>;

export const completionFields: FieldTable = {
  model: honoured,
  prompt: honouredWith("Required, as in the provider's reference; token ids are the model's own."),
  ...generationFields,
  max_tokens: honouredWith("16 by default; 0 evaluates only the prompt."),
  logprobs: honouredWith("0..5: how many alternatives per token, beside the token itself."),
  echo: honoured,
  best_of: honouredWith("At least n; more than n is not possible in a stream."),
  suffix: honouredWith("Through the model's fill-in-the-middle tokens; refused where it has none. Empty means absent."),
  response_format: honouredWith("Extension: as in chat."),
};

export const completionContract: RequestContract<CompletionRequestWire> = {
  schema: completionRequest,
  fields: completionFields,
  check: checkCompletionRequest,
};

/** The same shape streamed and unstreamed; `finish_reason` is null and `usage` may be absent only in a stream. */
export const completion = once(() =>
  z
    .object({
      id: z.string(),
      object: z.literal("text_completion"),
      created: z.int(),
      model: z.string(),
      system_fingerprint: z.string(),
      choices: z.array(
        z.object({
          text: z.string(),
          index: z.int(),
          logprobs: z
            .object({
              tokens: z.array(z.string()),
              token_logprobs: z.array(z.number().nullable()),
              top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
              text_offset: z.array(z.int()),
            })
            .nullable(),
          finish_reason: z.enum(["stop", "length", "content_filter"]).nullable(),
        }),
      ),
      usage: completionUsage().nullable().optional(),
      obfuscation: z.string().optional().describe("Present only with stream_options.include_obfuscation."),
    })
    .meta({ id: "Completion" }),
);
export type Completion = Wire<typeof completion>;
export type CompletionLogprobs = NonNullable<Completion["choices"][number]["logprobs"]>;

function checkCompletionRequest(request: CompletionRequestWire): void {
  const n = request.n ?? 1;
  const bestOf = request.best_of ?? n;
  checkStreamOptions(request);
  if (bestOf < n) {
    throw invalidValue("best_of", `Invalid 'best_of': it must be at least 'n' (${n}), but got ${bestOf} instead.`);
  }
  if (request.stream === true && bestOf > n) {
    throw invalidValue(
      "best_of",
      "Invalid value for 'best_of': results cannot be streamed when 'best_of' is greater than 'n'.",
    );
  }
  const format = request.response_format?.type ?? "text";
  if (typeof request.grammar === "string" && format !== "text") {
    throw invalidValue(
      "grammar",
      `Invalid value for 'grammar': it cannot be used with 'response_format' of type '${format}'.`,
    );
  }
}
