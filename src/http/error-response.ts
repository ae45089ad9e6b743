// The only file that knows the HTTP status of an error. The dialect decides the form of the body.
import { ServerError, type ErrorKind } from "../domain/errors.ts";
import type { Dialect } from "../wire/dialect.ts";

/** HTTP status of every kind; `satisfies` makes the compiler refuse a kind without one. */
export const errorStatus = {
  invalid_request: 400,
  invalid_json: 400,
  missing_parameter: 400,
  invalid_type: 400,
  invalid_value: 400,
  unsupported_parameter: 400,
  unsupported_value: 400,
  unsupported_content: 400,
  unsupported_schema: 400,
  unsupported_operation: 400,
  context_length_exceeded: 400,
  invalid_api_key: 401,
  forbidden: 403,
  model_not_found: 404,
  unknown_path: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  unsupported_media_type: 415,
  overloaded: 429,
  insufficient_memory: 503,
  model_load_failed: 503,
  model_crashed: 503,
  upstream_failed: 502,
  timeout: 504,
  shutting_down: 503,
  cancelled: 499,
  internal: 500,
} as const satisfies Record<ErrorKind, number>;

/** The error as the caller may see it. Anything but a `ServerError` is a fault of the server and reveals only the request's id. */
export function toServerError(error: unknown, requestId: string): ServerError {
  if (error instanceof ServerError && error.kind !== "internal") return error;
  return new ServerError(
    "internal",
    {
      message: `The server had an error while processing your request. It is in the server's log under request id ${requestId}.`,
    },
    { cause: error },
  );
}

/** The error as a response; `headers` are added to those of every error, such as `allow` where the method was wrong. */
export function errorResponse(
  error: ServerError,
  { dialect, headers = {} }: { readonly dialect: Dialect; readonly headers?: Readonly<Record<string, string>> },
): Response {
  return new Response(JSON.stringify(dialect.errorBody(error)), {
    status: errorStatus[error.kind],
    headers: {
      "content-type": "application/json",
      ...(error.retryAfterSeconds === undefined ? {} : { "retry-after": String(Math.ceil(error.retryAfterSeconds)) }),
      ...headers,
    },
  });
}
