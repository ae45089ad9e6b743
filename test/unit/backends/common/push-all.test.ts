import { describe, expect, it } from "vitest";
import { pushAll } from "../../../support/push-all.ts";
import { ServerError } from "../../../../src/domain/errors.ts";
import { EventQueue } from "../../../../src/util/event-queue.ts";

/** Numbers from 1 on; tells how many were asked for. */
function countUp(limit: number): { readonly events: AsyncGenerator<number>; readonly asked: () => number } {
  let asked = 0;
  async function* generate(): AsyncGenerator<number> {
    while (asked < limit) {
      asked += 1;
      yield asked;
    }
  }
  return { events: generate(), asked: () => asked };
}

async function drain<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("pushAll", () => {
  it("pushes every event in order and resolves after the last", async () => {
    const sink = new EventQueue<number>(8);
    await pushAll(countUp(3).events, { sink, signal: new AbortController().signal });
    sink.end();
    expect(await drain(sink)).toEqual([1, 2, 3]);
  });

  it("asks for no further event while the reader is behind, and goes on as soon as it has taken one", async () => {
    const sink = new EventQueue<number>(2);
    const { events, asked } = countUp(4);
    const done = pushAll(events, { sink, signal: new AbortController().signal }).then(() => sink.end());
    await settle();
    expect(asked()).toBe(2);
    expect(await drain(sink)).toEqual([1, 2, 3, 4]);
    await done;
  });

  it("ends while it waits for the reader when the signal aborts, with the signal's reason", async () => {
    const sink = new EventQueue<number>(1);
    const caller = new AbortController();
    const { events } = countUp(4);
    const done = pushAll(events, { sink, signal: caller.signal });
    await settle();
    const reason = new ServerError("cancelled", "gone");
    caller.abort(reason);
    await expect(done).rejects.toBe(reason);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});
