// The one table of the errors that a caller can get. Floors above throw `ServerError` by kind. Only
// `http/error-response.ts` knows the HTTP status of a kind, and only the dialects in `wire/` know their own words for it.

/** Every error kind. `retryable` says whether the same request may succeed later without a change. */
export const errorKinds = {
  invalid_request: { retryable: false },
  invalid_json: { retryable: false },
  missing_parameter: { retryable: false },
  invalid_type: { retryable: false },
  invalid_value: { retryable: false },
  unsupported_parameter: { retryable: false },
  unsupported_value: { retryable: false },
  unsupported_content: { retryable: false },
  unsupported_schema: { retryable: false },
  unsupported_operation: { retryable: false },
  context_length_exceeded: { retryable: false },
  invalid_api_key: { retryable: false },
  forbidden: { retryable: false },
  model_not_found: { retryable: false },
  unknown_path: { retryable: false },
  method_not_allowed: { retryable: false },
  body_too_large: { retryable: false },
  unsupported_media_type: { retryable: false },
  overloaded: { retryable: true },
  insufficient_memory: { retryable: true },
  model_load_failed: { retryable: true },
  model_crashed: { retryable: true },
  upstream_failed: { retryable: true },
  timeout: { retryable: true },
  shutting_down: { retryable: true },
  cancelled: { retryable: true },
  internal: { retryable: true },
} as const satisfies Record<string, { retryable: boolean }>;

/** Name of a row of {@link errorKinds}. */
export type ErrorKind = keyof typeof errorKinds;

/** The parts of an error beside its kind. */
export interface ErrorDetails {
  /**
   * A sentence for the caller: what was wrong, what was expected, where. It never reveals internals of the server. A field of the
   * domain's request stands in braces, `{sampling.logitBias}`, or `{/tools[0].parameters}` where a JSON pointer is meant: the dialect
   * puts its own name there.
   */
  readonly message: string;
  /**
   * The request field at fault. A backend names it as a path in the domain's request, such as `messages[0].content` or
   * `sampling.logitBias`, and the dialect puts its own name for it; what a dialect finds itself has the dialect's name already.
   */
  readonly param?: string;
  /** Seconds after which a retry makes sense; becomes `retry-after`. */
  readonly retryAfterSeconds?: number;
}

/** The structured-clone form in which an error crosses the process boundary. */
export interface SerializedError extends ErrorDetails {
  readonly kind: ErrorKind;
}

/** An error whose text is meant for the caller. Anything else that is thrown is a fault of the server (`internal`). */
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

/** Converts an error for the process boundary. Anything but a `ServerError` becomes `internal`, without its own message. */
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
