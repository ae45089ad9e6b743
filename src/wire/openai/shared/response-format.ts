// `response_format`: the form that the text of a chat or completion must have.
import { z } from "zod";
import { freeFormObject } from "../../contract/common.ts";
import { nameSchema } from "./generation.ts";

export function responseFormat() {
  return z.discriminatedUnion("type", [
    z.object({ type: z.literal("text") }),
    z.object({
      type: z.literal("json_object"),
      schema: freeFormObject("Extension: a JSON schema that the object must match.").nullish(),
    }),
    z.object({
      type: z.literal("json_schema"),
      json_schema: z.object({
        name: nameSchema(),
        description: z.string().nullish(),
        schema: freeFormObject("JSON schema of the answer."),
        strict: z.boolean().nullish(),
      }),
    }),
  ]);
}

export type ResponseFormat = z.output<ReturnType<typeof responseFormat>>;
