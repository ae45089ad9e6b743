// A dialect is the form of one provider's API. Its endpoints have their own mappers; this is the rest: its errors, before an answer has
// begun and in the middle of a stream, and the end of its streams. It is a value, so that middleware can answer in the dialect of a path
// before the path's route has run.
import type { SerializedError } from "../domain/errors.ts";
import type { SseEvent } from "./sse-event.ts";

/** An error as a dialect gets it; `param` has the dialect's own name already. A `ServerError` fits as it is. */
export type ErrorReport = Pick<SerializedError, "kind" | "message"> & { readonly param?: string | undefined };

export interface Dialect {
  /** The JSON value of an error answer. Its status is decided by `http/error-response.ts`. */
  errorBody(error: ErrorReport): unknown;
  /** The last event of a stream that fails; {@link streamEnd} does not follow it. */
  streamError(error: ErrorReport): SseEvent;
  /** Events after the last one of a stream that succeeds. */
  readonly streamEnd: readonly SseEvent[];
  /** Header in which callers may send the bare API key, in lower case; `Authorization: Bearer` is read in every dialect. */
  readonly apiKeyHeader?: string;
}
