// Streams server-sent events (WHATWG HTML, section 9.2) as they are pulled: the next event is made when the reader has taken the last
// one, so a slow reader slows the producer and no buffer grows.
import type { PulledEvents } from "../../util/event-queue.ts";
import { maxTimerMs } from "../../util/timers.ts";
import type { SseEvent } from "../../wire/sse-event.ts";

export interface SseOptions {
  /** The first event must be at hand: an error before it has to be a plain answer with its own status. */
  readonly events: PulledEvents<SseEvent>;
  /** Called once when the stream is over, whatever ended it. */
  readonly onEnd: () => void;
  /** Called when the reader has left, before the iterator is returned: work stops at once, not at the next event. */
  readonly onLeave: () => void;
  /** Makes the event that tells of a failure in mid-stream and is the last one of its stream. */
  readonly onError: (error: unknown) => SseEvent;
  /** Milliseconds of an interval; one in which nothing was sent ends with a comment, which keeps the connection alive. 0 = never. */
  readonly pingMs: number;
}

const encoder = new TextEncoder();
const ping = encoder.encode(formatEvent({ comment: "ping" }));

/** Streams `events`; the iterator itself decides with which event they end. */
export function sseResponse({ events, onEnd, onLeave, onError, pingMs }: SseOptions): Response {
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
        pingTimer = setInterval(
          () => {
            if (!wroteSincePing && (controller.desiredSize ?? 0) > 0) controller.enqueue(ping);
            wroteSincePing = false;
          },
          Math.min(pingMs, maxTimerMs),
        );
        pingTimer.unref();
      },
      async pull(controller) {
        try {
          const { done, value } = await events.next();
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
        await events.return().catch(() => {});
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

/** The text of an event in the stream. */
export function formatEvent(event: SseEvent): string {
  if ("comment" in event) return `${toLines("", event.comment)}\n`;
  const data = `${toLines("data", event.data)}\n`;
  return event.event === undefined ? data : `event: ${event.event}\n${data}`;
}

/** Writes a field for each line of the value: a line break inside a field would end it. */
function toLines(name: string, value: string): string {
  if (!value.includes("\n") && !value.includes("\r")) return `${name}: ${value}\n`;
  return value
    .split(/\r\n|\r|\n/)
    .map((line) => `${name}: ${line}\n`)
    .join("");
}
