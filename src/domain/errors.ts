// The one table of everything that can go wrong for a caller. Floors above throw `ServerError` by kind; only
// `http/error-response.ts` knows the HTTP status of a kind, so that a backend never thinks in HTTP.

/**
 * Every error kind with the `type` and `code` that OpenAI's error object carries for it.
 * `retryable` says whether the same request may succeed later without a change.
 */
export const errorKinds = {
  invalid_request: { type: "invalid_request_error", code: null, retryable: false },
  invalid_json: { type: "invalid_request_error", code: "invalid_json", retryable: false },
  missing_parameter: { type: "invalid_request_error", code: "missing_required_parameter", retryable: false },
  invalid_type: { type: "invalid_request_error", code: "invalid_type", retryable: false },
  invalid_value: { type: "invalid_request_error", code: "invalid_value", retryable: false },
  unsupported_parameter: { type: "invalid_request_error", code: "unsupported_parameter", retryable: false },
  unsupported_value: { type: "invalid_request_error", code: "unsupported_value", retryable: false },
  unsupported_content: { type: "invalid_request_error", code: "unsupported_content", retryable: false },
  unsupported_schema: { type: "invalid_request_error", code: "invalid_json_schema", retryable: false },
  unsupported_operation: { type: "invalid_request_error", code: "unsupported_operation", retryable: false },
  context_length_exceeded: { type: "invalid_request_error", code: "context_length_exceeded", retryable: false },
  invalid_api_key: { type: "invalid_request_error", code: "invalid_api_key", retryable: false },
  forbidden: { type: "permission_error", code: "forbidden", retryable: false },
  model_not_found: { type: "invalid_request_error", code: "model_not_found", retryable: false },
  unknown_path: { type: "invalid_request_error", code: "unknown_url", retryable: false },
  method_not_allowed: { type: "invalid_request_error", code: "method_not_supported", retryable: false },
  body_too_large: { type: "invalid_request_error", code: "request_too_large", retryable: false },
  unsupported_media_type: { type: "invalid_request_error", code: "unsupported_media_type", retryable: false },
  overloaded: { type: "rate_limit_error", code: "overloaded", retryable: true },
  insufficient_memory: { type: "server_error", code: "insufficient_memory", retryable: true },
  model_load_failed: { type: "server_error", code: "model_load_failed", retryable: true },
  model_crashed: { type: "server_error", code: "model_crashed", retryable: true },
  upstream_failed: { type: "server_error", code: "upstream_error", retryable: true },
  timeout: { type: "server_error", code: "timeout", retryable: true },
  shutting_down: { type: "server_error", code: "shutting_down", retryable: true },
  cancelled: { type: "server_error", code: "request_cancelled", retryable: true },
  internal: { type: "server_error", code: "internal_error", retryable: true },
} as const satisfies Record<string, { type: string; code: string | null; retryable: boolean }>;

/** Name of a row of {@link errorKinds}. */
export type ErrorKind = keyof typeof errorKinds;

/** What a caller is told beside the kind. */
export interface ErrorDetails {
  /** A sentence for the caller: what was wrong, what was expected, where. Never an internal of ours. */
  readonly message: string;
  /** The request field at fault, as a path such as `messages[0].content`. */
  readonly param?: string;
  /** Seconds after which a retry makes sense; becomes `retry-after`. */
  readonly retryAfterSeconds?: number;
}

/** The structured-clone form in which an error crosses the process boundary. */
export interface SerializedError extends ErrorDetails {
  readonly kind: ErrorKind;
}

/** An error whose text is meant for the caller. Everything else that is thrown is a fault of ours (`internal`). */
export class ServerError extends Error {
  readonly kind: ErrorKind;
  readonly param: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(kind: ErrorKind, details: ErrorDetails | string, options?: ErrorOptions) {
    const { message, param, retryAfterSeconds } = typeof details === "string" ? { message: details } : details;
    super(message, options);
    this.name = "ServerError";
    this.kind = kind;
    this.param = param;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The form of an error that may cross a process boundary; an unknown error loses its internals on the way. */
export function serializeError(error: unknown): SerializedError {
  if (error instanceof ServerError) {
    return {
      kind: error.kind,
      message: error.message,
      ...(error.param === undefined ? {} : { param: error.param }),
      ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
    };
  }
  return { kind: "internal", message: "The server had an internal error." };
}

/** The inverse of {@link serializeError}. */
export function deserializeError(error: SerializedError): ServerError {
  return new ServerError(error.kind, error);
}
