// A server-sent event as a value. Mappers make them; only `http/stream/sse-response.ts` knows how they are framed in bytes.

export type SseEvent =
  | {
      /** The event's type, one line. Left out = an unnamed event, which clients call `message`. */
      readonly event?: string;
      /** Serialised JSON, or a dialect's own word such as `[DONE]`. */
      readonly data: string;
    }
  /** A line for people: clients ignore it. */
  | { readonly comment: string };
