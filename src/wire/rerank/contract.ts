// POST /v1/rerank: request, fields and answer, in the shape that Cohere, Jina and llama-server share.
import { z } from "zod";
import { isRecord } from "../../util/is-record.ts";
import { inspected, missingProblem, once, typeProblem, valueProblem } from "../contract/common.ts";
import type { Problem, Wire } from "../contract/common.ts";
import type { RequestContract } from "../contract/contract.ts";
import { accepted, honoured, honouredWith, refused } from "../contract/field-table.ts";
import type { FieldTable } from "../contract/field-table.ts";
import { timeToLive } from "../contract/time-to-live.ts";

const maxRerankDocuments = 2048;

export type RerankDocument = string | { readonly text: string };

export const rerankRequest = once(() =>
  z
    .object({
      model: z.string().min(1),
      query: z.string().min(1),
      documents: documents(),
      top_n: z.int().min(1).nullish(),
      return_documents: z.boolean().nullish(),
      raw_scores: z
        .boolean()
        .nullish()
        .describe("Extension: scores before the model's activation; of two labels, the second's lead over the first."),
      user: z.string().nullish(),
      ttl: timeToLive().nullish(),
    })
    .meta({ id: "RerankRequest" }),
);
export type RerankRequestWire = Wire<typeof rerankRequest>;

export const rerankFields: FieldTable = {
  model: honoured,
  query: honoured,
  documents: honouredWith("Strings, or objects with text."),
  top_n: honouredWith("All documents by default."),
  return_documents: honouredWith("false by default."),
  raw_scores: honouredWith(
    "Extension, as in text-embeddings-inference. false by default: after the model's own activation.",
  ),
  ttl: honouredWith("Extension: seconds, or a duration such as 10m, for which the model stays loaded."),
  user: accepted("A label; nothing is recorded."),
  rank_fields: refused("Documents have one field, text."),
  max_chunks_per_doc: refused("A document is scored as one text."),
};

export const rerankContract: RequestContract<RerankRequestWire> = { schema: rerankRequest, fields: rerankFields };

export const rerankResponse = once(() =>
  z
    .object({
      id: z.string(),
      object: z.literal("list"),
      model: z.string(),
      results: z.array(
        z.object({
          index: z.int(),
          relevance_score: z.number(),
          document: z.object({ text: z.string() }).optional(),
        }),
      ),
      usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
    })
    .meta({ id: "RerankResponse" }),
);
export type RerankResponse = Wire<typeof rerankResponse>;

function documents(): z.ZodType<RerankDocument[]> {
  const text = { type: "string", minLength: 1 };
  return inspected<RerankDocument[]>(inspectDocuments, {
    type: "array",
    minItems: 1,
    maxItems: maxRerankDocuments,
    items: { anyOf: [text, { type: "object", properties: { text }, required: ["text"] }] },
  });
}

function inspectDocuments(value: unknown): Problem | null {
  if (value === undefined || value === null) return missingProblem();
  if (!Array.isArray(value)) return typeProblem("an array of strings", value);
  if (value.length === 0) {
    return valueProblem("empty array. Expected an array with minimum length 1, but got an empty array instead.");
  }
  if (value.length > maxRerankDocuments) {
    return valueProblem(
      `array too long. Expected an array with maximum length ${maxRerankDocuments}, but got an array with length ${value.length} instead.`,
    );
  }
  for (const [index, entry] of value.entries()) {
    const isObject = isRecord(entry);
    const text: unknown = isObject ? entry["text"] : entry;
    const path = isObject ? [index, "text"] : [index];
    if (isObject && (text === undefined || text === null)) return missingProblem(path);
    if (typeof text !== "string")
      return typeProblem(isObject ? "a string" : "a string or an object with text", text, path);
    if (text === "") return valueProblem("an empty document cannot be scored.", path);
  }
  return null;
}
