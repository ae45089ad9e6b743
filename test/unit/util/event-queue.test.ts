import { describe, expect, it } from "vitest";
import { EventQueue, pullEvents, type Production } from "../../../src/util/event-queue.ts";

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("EventQueue", () => {
  it("delivers in order what was pushed before and after its reader asked, then the end", async () => {
    const queue = new EventQueue<number>(4);
    queue.push(1);
    const read: number[] = [];
    const reading = (async () => {
      for await (const item of queue) read.push(item);
    })();
    await turn();
    queue.push(2);
    await turn();
    queue.push(3);
    queue.end();
    await reading;
    expect(read).toEqual([1, 2, 3]);
  });

  it("delivers what was pushed before a failure, and nothing after it", async () => {
    const queue = new EventQueue<number>(4);
    queue.push(1);
    queue.fail(new Error("broken"));
    queue.push(2);
    expect(await queue.next()).toEqual({ done: false, value: 1 });
    await expect(queue.next()).rejects.toThrow("broken");
  });

  it("drops what waits when it is abandoned", async () => {
    const queue = new EventQueue<number>(4);
    queue.push(1);
    queue.abandon(new Error("gone"));
    await expect(queue.next()).rejects.toThrow("gone");
  });

  it("has credit for its window, and gives it back when the reader asks for the next item", async () => {
    const queue = new EventQueue<number>(2);
    const returned: number[] = [];
    queue.onCredit((events) => returned.push(events));
    for (const item of [1, 2, 3]) queue.push(item);
    expect(queue.credit).toBe(-1);
    await queue.next();
    expect([queue.credit, returned.length]).toEqual([0, 0]);
    await queue.next();
    expect([queue.credit, returned.length]).toEqual([1, 1]);
  });
});

describe("pullEvents", () => {
  it("begins with the first step, yields what is pushed, and throws the rejection after it", async () => {
    let began = false;
    const events = pullEvents<number>(
      async ({ sink }) => {
        began = true;
        sink.push(1);
        throw new Error("broken");
      },
      { window: 4, signal: never },
    );
    expect(began).toBe(false);
    expect(await events.next()).toEqual({ done: false, value: 1 });
    await expect(events.next()).rejects.toThrow("broken");
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  /** A production that ends when its signal aborts, a turn later. */
  function untilAborted(log: string[]): (production: Production<number>) => Promise<void> {
    return async ({ sink, signal }) => {
      sink.push(1);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await turn();
      log.push("settled");
      signal.throwIfAborted();
    };
  }

  it("throws the signal's reason once the production has settled", async () => {
    const log: string[] = [];
    const caller = new AbortController();
    const events = pullEvents(untilAborted(log), { window: 4, signal: caller.signal });
    await events.next();
    const next = events.next();
    caller.abort(new Error("gone"));
    await expect(next).rejects.toThrow("gone");
    expect(log).toEqual(["settled"]);
  });

  it("aborts the production of a reader who leaves, and waits for it", async () => {
    const log: string[] = [];
    for await (const event of pullEvents(untilAborted(log), { window: 4, signal: never })) {
      expect(event).toBe(1);
      break;
    }
    expect(log).toEqual(["settled"]);
  });

  it("begins nothing for a reader who leaves before the first step, and runs a production whose signal has aborted", async () => {
    let began = 0;
    const produce = async ({ signal }: Production<number>): Promise<void> => {
      began += 1;
      signal.throwIfAborted();
    };
    await pullEvents(produce, { window: 4, signal: never }).return();
    expect(began).toBe(0);
    // It is the production that gives back what the caller acquired for it.
    const events = pullEvents(produce, { window: 4, signal: AbortSignal.abort(new Error("gone")) });
    await expect(events.next()).rejects.toThrow("gone");
    expect(began).toBe(1);
  });
});
