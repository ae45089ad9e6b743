// The error object of OpenAI's API, and its `type` and `code` for each kind. The HTTP statuses are in `http/error-response.ts`.
import { z } from "zod";
import type { ErrorKind } from "../../../domain/errors.ts";
import { once } from "../../contract/common.ts";
import type { Wire } from "../../contract/common.ts";
import type { ErrorReport } from "../../dialect.ts";

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

/** `type` and `code` of every kind, as OpenAI's error object carries them. */
export const errorWords = {
  invalid_request: { type: "invalid_request_error", code: null },
  invalid_json: { type: "invalid_request_error", code: "invalid_json" },
  missing_parameter: { type: "invalid_request_error", code: "missing_required_parameter" },
  invalid_type: { type: "invalid_request_error", code: "invalid_type" },
  invalid_value: { type: "invalid_request_error", code: "invalid_value" },
  unsupported_parameter: { type: "invalid_request_error", code: "unsupported_parameter" },
  unsupported_value: { type: "invalid_request_error", code: "unsupported_value" },
  unsupported_content: { type: "invalid_request_error", code: "unsupported_content" },
  unsupported_schema: { type: "invalid_request_error", code: "invalid_json_schema" },
  unsupported_operation: { type: "invalid_request_error", code: "unsupported_operation" },
  context_length_exceeded: { type: "invalid_request_error", code: "context_length_exceeded" },
  invalid_api_key: { type: "invalid_request_error", code: "invalid_api_key" },
  forbidden: { type: "permission_error", code: "forbidden" },
  model_not_found: { type: "invalid_request_error", code: "model_not_found" },
  unknown_path: { type: "invalid_request_error", code: "unknown_url" },
  method_not_allowed: { type: "invalid_request_error", code: "method_not_supported" },
  body_too_large: { type: "invalid_request_error", code: "request_too_large" },
  unsupported_media_type: { type: "invalid_request_error", code: "unsupported_media_type" },
  overloaded: { type: "rate_limit_error", code: "overloaded" },
  insufficient_memory: { type: "server_error", code: "insufficient_memory" },
  model_load_failed: { type: "server_error", code: "model_load_failed" },
  model_crashed: { type: "server_error", code: "model_crashed" },
  upstream_failed: { type: "server_error", code: "upstream_error" },
  timeout: { type: "server_error", code: "timeout" },
  shutting_down: { type: "server_error", code: "shutting_down" },
  cancelled: { type: "server_error", code: "request_cancelled" },
  internal: { type: "server_error", code: "internal_error" },
} as const satisfies Record<ErrorKind, { readonly type: string; readonly code: string | null }>;

/** The body of an error answer, and the data of an error event in mid-stream. */
export function toErrorResponse(error: ErrorReport): ErrorResponse {
  const { type, code } = errorWords[error.kind];
  return { error: { message: error.message, type, param: error.param ?? null, code } };
}
