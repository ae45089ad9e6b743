// OpenAI's dialect: its errors and the ends of its streams. Reranking, which OpenAI's API does not have, uses it too.
import type { Dialect } from "../dialect.ts";
import { toErrorResponse } from "./shared/error.ts";

export const openAiDialect: Dialect = {
  errorBody: toErrorResponse,
  streamError: (error) => ({ data: JSON.stringify(toErrorResponse(error)) }),
  streamEnd: [{ data: "[DONE]" }],
};

/** OpenAI's image streams end with their last event; there is no `[DONE]`. */
export const openAiImageDialect: Dialect = { ...openAiDialect, streamEnd: [] };
