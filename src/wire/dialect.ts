// What a dialect says beside its endpoints' own mappers: its errors, before an answer has begun and in the middle of a stream, and
// the end of its streams. A dialect is a value, so that middleware can answer in the words of a path that no route has reached yet.
import type { SerializedError } from "../domain/errors.ts";
import type { SseEvent } from "./sse-event.ts";

/** What a dialect is told of an error; `param` has the dialect's own name already. A `ServerError` fits as it is. */
export type ErrorReport = Pick<SerializedError, "kind" | "message"> & { readonly param?: string | undefined };

export interface Dialect {
  /** The JSON value of an error answer. The status is not the dialect's: `http/error-response.ts` knows it by the kind. */
  errorBody(error: ErrorReport): unknown;
  /** The last event of a stream that fails; {@link streamEnd} does not follow it. */
  streamError(error: ErrorReport): SseEvent;
  /** Events after the last one of a stream that succeeds. */
  readonly streamEnd: readonly SseEvent[];
  /** Header in which callers may send the bare API key, in lower case; `Authorization: Bearer` is read in every dialect. */
  readonly apiKeyHeader?: string;
}
