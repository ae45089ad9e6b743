import { describe, expect, it } from "vitest";
import { EventBuffer } from "../../../../../src/backends/llama/generate/event-buffer.ts";
import type { TextEvent } from "../../../../../src/domain/text.ts";

const delta = (text: string, choice = 0): TextEvent => ({ type: "text-delta", choice, text });

async function drain(buffer: EventBuffer): Promise<TextEvent[]> {
  const events: TextEvent[] = [];
  for await (const event of buffer) events.push(event);
  return events;
}

describe("EventBuffer", () => {
  it("joins the deltas of a choice while nobody reads, and keeps the order of everything else", async () => {
    const buffer = new EventBuffer(() => {});
    const finish: TextEvent = { type: "finish", choice: 0, reason: "stop" };
    for (const event of [delta("a"), delta("b"), delta("x", 1), delta("c"), finish]) buffer.push(event);
    buffer.end();
    expect(await drain(buffer)).toEqual([delta("ab"), delta("x", 1), delta("c"), finish]);
  });

  it("joins log-probabilities with their text, and pieces of one tool call only", async () => {
    const token = { id: 1, text: "a", bytes: [97], logprob: -1, top: [] };
    const buffer = new EventBuffer(() => {});
    buffer.push({ ...delta("a"), type: "text-delta", choice: 0, text: "a", logprobs: [token] });
    buffer.push({ type: "text-delta", choice: 0, text: "b", logprobs: [token, token] });
    buffer.push({ type: "tool-call-delta", choice: 0, index: 0, arguments: "{" });
    buffer.push({ type: "tool-call-delta", choice: 0, index: 0, arguments: "}" });
    buffer.push({ type: "tool-call-delta", choice: 0, index: 1, arguments: "{}" });
    buffer.end();
    expect(await drain(buffer)).toEqual([
      { type: "text-delta", choice: 0, text: "ab", logprobs: [token, token, token] },
      { type: "tool-call-delta", choice: 0, index: 0, arguments: "{}" },
      { type: "tool-call-delta", choice: 0, index: 1, arguments: "{}" },
    ]);
  });

  it("is full when tokens wait unread, and says when there is room again", async () => {
    let drained = 0;
    const buffer = new EventBuffer(() => {
      drained += 1;
    });
    buffer.push(delta("a"));
    for (let count = 0; count < 256; count += 1) buffer.countToken();
    expect(buffer.isFull).toBe(true);
    const reader = buffer[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual(delta("a"));
    expect(buffer.isFull).toBe(false);
    expect(drained).toBe(1);
  });

  it("throws a failure after what was pushed before, and at once when it is abandoned", async () => {
    const failing = new EventBuffer(() => {});
    failing.push(delta("a"));
    failing.fail(new Error("broken"));
    const reader = failing[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual(delta("a"));
    await expect(reader.next()).rejects.toThrow("broken");

    const abandoned = new EventBuffer(() => {});
    abandoned.push(delta("a"));
    abandoned.abandon(new Error("gone"));
    abandoned.push(delta("b"));
    await expect(abandoned[Symbol.asyncIterator]().next()).rejects.toThrow("gone");
  });
});
