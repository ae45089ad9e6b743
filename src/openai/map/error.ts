// Errors as OpenAI writes them. The HTTP status is none of this floor's business.
import { errorKinds } from "../../domain/errors.ts";
import type { SerializedError } from "../../domain/errors.ts";
import type { ErrorResponse } from "../schema/error.ts";

/** The body of an error answer, and the data of an error event in mid-stream. A `ServerError` fits as it is. */
export function toErrorResponse(
  error: Pick<SerializedError, "kind" | "message"> & { readonly param?: string | undefined },
): ErrorResponse {
  const { type, code } = errorKinds[error.kind];
  return { error: { message: error.message, type, param: error.param ?? null, code } };
}
