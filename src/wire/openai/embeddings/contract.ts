// POST /v1/embeddings: request, fields and answer.
import { z } from "zod";
import { once } from "../../contract/common.ts";
import type { Wire } from "../../contract/common.ts";
import type { RequestContract } from "../../contract/contract.ts";
import { accepted, honouredWith } from "../../contract/field-table.ts";
import type { FieldTable } from "../../contract/field-table.ts";
import { timeToLive } from "../../contract/time-to-live.ts";
import { textInput } from "../../contract/text-input.ts";

const maxEmbeddingInputs = 2048;

export const embeddingRequest = once(() =>
  z
    .object({
      model: z.string().min(1).nullish(),
      input: textInput(
        { maxEntries: maxEmbeddingInputs, allowEmptyText: false },
        "Text, texts, token ids or lists of token ids.",
      ),
      encoding_format: z.enum(["float", "base64"]).nullish(),
      dimensions: z.int().min(1).nullish(),
      input_type: z
        .enum(["query", "passage", "none"])
        .nullish()
        .describe("Extension: the role of the texts, for models with prompts."),
      prompt_name: z
        .string()
        .min(1)
        .nullish()
        .describe("Extension: one of the model's own prompts by its name, in place of input_type."),
      truncate: z
        .boolean()
        .nullish()
        .describe("Extension: true cuts a text that is too long, false refuses it; left out = as configured."),
      user: z.string().nullish(),
      ttl: timeToLive().nullish(),
    })
    .meta({ id: "EmbeddingRequest" }),
);
export type EmbeddingRequestWire = Wire<typeof embeddingRequest>;

export const embeddingFields: FieldTable = {
  model: honouredWith("May be left out: the configured default answers."),
  input: honouredWith(
    "Empty text is refused. Token ids are OpenAI's (cl100k_base) where the model is configured so or asked for by a name of OpenAI's, " +
      "else the model's own, which the header x-hearth-warnings says.",
  ),
  encoding_format: honouredWith("base64 is little-endian float32."),
  dimensions: honouredWith("Refused by models whose configuration does not allow cutting."),
  input_type: honouredWith("Extension: query or passage puts the model's prompt for that role before the texts."),
  prompt_name: honouredWith("Extension: as sentence-transformers calls it."),
  truncate: honouredWith("Extension: also what text-embeddings-inference calls it."),
  ttl: honouredWith("Extension: seconds, or a duration such as 10m, for which the model stays loaded."),
  user: accepted("Identifies an end user to OpenAI's abuse detection; this server has none."),
};

export const embeddingContract: RequestContract<EmbeddingRequestWire> = {
  schema: embeddingRequest,
  fields: embeddingFields,
};

export const embeddingResponse = once(() =>
  z
    .object({
      object: z.literal("list"),
      data: z.array(
        z.object({
          object: z.literal("embedding"),
          index: z.int(),
          embedding: z.union([z.array(z.number()), z.string()]).describe("Numbers, or base64 where asked for."),
        }),
      ),
      model: z.string(),
      usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
    })
    .meta({ id: "EmbeddingResponse" }),
);
