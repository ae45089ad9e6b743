// Server-sent events (WHATWG HTML, section 9.2), pulled: the next chunk is made when the reader has taken the last one, so a
// slow reader slows the producer and no buffer grows.

export interface SseOptions {
  /** `data` of each event, already serialised. The first chunk must be ready to be made: errors before it belong to the caller. */
  readonly chunks: AsyncGenerator<string, void, undefined>;
  /** Called once when the stream is over, whatever ended it. */
  readonly onEnd: () => void;
  /** Called when the reader has left, before the iterator is returned: work stops at once, not at the next chunk. */
  readonly onLeave: () => void;
  /** `data` of the one event that tells of a failure in mid-stream. No `[DONE]` follows it. */
  readonly onError: (error: unknown) => string;
  /** Milliseconds of silence after which a comment keeps the connection alive; 0 = never. */
  readonly pingMs: number;
}

const encoder = new TextEncoder();
const ping = encoder.encode(": ping\n\n");

/** Streams `chunks` as events; the iterator itself decides whether a `[DONE]` ends them. */
export function sseResponse({ chunks, onEnd, onLeave, onError, pingMs }: SseOptions): Response {
  let pingTimer: NodeJS.Timeout | undefined;
  let wroteSincePing = false;
  const finish = (): void => {
    clearInterval(pingTimer);
    onEnd();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (pingMs === 0) return;
        pingTimer = setInterval(() => {
          if (!wroteSincePing && (controller.desiredSize ?? 0) > 0) controller.enqueue(ping);
          wroteSincePing = false;
        }, pingMs);
        pingTimer.unref();
      },
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          wroteSincePing = true;
          if (done === true) {
            finish();
            controller.close();
            return;
          }
          controller.enqueue(encoder.encode(formatEvent(value)));
        } catch (error) {
          finish();
          controller.enqueue(encoder.encode(formatEvent(onError(error))));
          controller.close();
        }
      },
      async cancel() {
        onLeave();
        await chunks.return().catch(() => {});
        finish();
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, {
    status: 200,
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      // Tells buffering proxies (nginx) to pass events on as they come.
      "x-accel-buffering": "no",
    },
  });
}

/** One event. A chunk that names its event type, or is a comment, is written as it is; JSON holds no raw line feeds. */
function formatEvent(chunk: string): string {
  return chunk.startsWith("event: ") || chunk.startsWith(": ") ? `${chunk}\n\n` : `data: ${chunk}\n\n`;
}
