// The framing of events in bytes, checked by the rules by which a client reads them (WHATWG HTML, section 9.2.6).
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { describe, expect, it } from "vitest";
import { formatEvent, sseResponse } from "../../src/http/stream/sse-response.ts";
import type { SseEvent } from "../../src/wire/sse-event.ts";

/** Reads a stream's text as a client does. */
function read(text: string): { readonly messages: EventSourceMessage[]; readonly comments: string[] } {
  const messages: EventSourceMessage[] = [];
  const comments: string[] = [];
  const parser = createParser({
    onEvent: (message) => messages.push(message),
    onComment: (comment) => comments.push(comment),
  });
  parser.feed(text);
  return { messages, comments };
}

async function* replay(events: readonly SseEvent[], failure?: Error): AsyncGenerator<SseEvent, void, undefined> {
  for (const event of events) yield await Promise.resolve(event);
  if (failure !== undefined) throw failure;
}

function respond(events: AsyncGenerator<SseEvent, void, undefined>): Response {
  return sseResponse({
    events,
    onEnd: () => {},
    onLeave: () => {},
    onError: (error) => ({ event: "error", data: JSON.stringify((error as Error).message) }),
    pingMs: 0,
  });
}

describe("formatEvent", () => {
  it("writes data, a type where there is one, and comments", () => {
    expect(formatEvent({ data: "{}" })).toBe("data: {}\n\n");
    expect(formatEvent({ event: "done", data: "{}" })).toBe("event: done\ndata: {}\n\n");
    expect(formatEvent({ comment: "step 1" })).toBe(": step 1\n\n");
  });

  it.each(["one\ntwo", "one\r\ntwo", "one\rtwo"])("keeps every line of %j inside its event", (text) => {
    expect(read(formatEvent({ event: "x", data: text })).messages).toMatchObject([{ event: "x", data: "one\ntwo" }]);
    expect(read(formatEvent({ comment: text }))).toEqual({ messages: [], comments: ["one", "two"] });
  });

  it("keeps data that looks like a field, a comment or nothing", () => {
    for (const data of ["event: x", ": ping", "", "[DONE]", " lead"]) {
      expect(read(formatEvent({ data })).messages).toMatchObject([{ data }]);
    }
  });
});

describe("sseResponse", () => {
  it("sends the events in order", async () => {
    const text = await respond(replay([{ data: "1" }, { comment: "c" }, { event: "e", data: "2" }])).text();
    expect(text).toBe("data: 1\n\n: c\n\nevent: e\ndata: 2\n\n");
  });

  it("ends a failed stream with the event of its failure", async () => {
    const text = await respond(replay([{ data: "1" }], new Error("broken"))).text();
    expect(text).toBe('data: 1\n\nevent: error\ndata: "broken"\n\n');
  });
});
