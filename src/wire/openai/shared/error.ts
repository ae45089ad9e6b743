// The one shape of every error answer of OpenAI's API. The HTTP status is none of this floor's business.
import { z } from "zod";
import { errorKinds, type SerializedError } from "../../../domain/errors.ts";
import { once } from "../../contract/common.ts";
import type { Wire } from "../../contract/common.ts";

export const errorResponse = once(() =>
  z
    .object({
      error: z.object({
        message: z.string(),
        type: z.string(),
        param: z.string().nullable(),
        code: z.string().nullable(),
      }),
    })
    .meta({ id: "ErrorResponse" }),
);
export type ErrorResponse = Wire<typeof errorResponse>;

/** The body of an error answer, and the data of an error event in mid-stream. A `ServerError` fits as it is. */
export function toErrorResponse(
  error: Pick<SerializedError, "kind" | "message"> & { readonly param?: string | undefined },
): ErrorResponse {
  const { type, code } = errorKinds[error.kind];
  return { error: { message: error.message, type, param: error.param ?? null, code } };
}
