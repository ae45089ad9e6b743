import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outbox } from "../../../src/runners/outbox.ts";
import { creditWindow } from "../../../src/runners/protocol.ts";

describe("Outbox", () => {
  let sent: unknown[][] = [];
  const open = (intervalMs: number): Outbox => {
    const outbox = new Outbox((updates) => sent.push(updates.map((update) => "event" in update && update.event)));
    outbox.intervalMs = intervalMs;
    return outbox;
  };

  beforeEach(() => {
    sent = [];
    vi.useFakeTimers({ toFake: ["setImmediate", "clearImmediate", "setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("joins what comes in one turn, and without an interval nothing else", () => {
    const outbox = open(0);
    outbox.push({ id: 1, event: "a" }, "interval");
    outbox.push({ id: 2, event: "b" }, "interval");
    vi.advanceTimersByTime(0);
    outbox.push({ id: 1, event: "c" }, "interval");
    vi.advanceTimersByTime(0);
    expect(sent).toEqual([["a", "b"], ["c"]]);
  });

  it("sends at most once per interval, with what came meanwhile", () => {
    const outbox = open(40);
    for (let index = 0; index < 10; index += 1) {
      outbox.push({ id: 1, event: index }, "interval");
      vi.advanceTimersByTime(15);
    }
    expect(sent).toEqual([[0], [1, 2, 3], [4, 5, 6], [7, 8, 9]]);
  });

  it("sends slower events as they come", () => {
    const outbox = open(40);
    for (let index = 0; index < 3; index += 1) {
      outbox.push({ id: 1, event: index }, "interval");
      vi.advanceTimersByTime(60);
    }
    expect(sent).toEqual([[0], [1], [2]]);
  });

  it("does not wait with urgent updates, nor let them pass what waits", () => {
    const outbox = open(40);
    outbox.push({ id: 1, event: "a" }, "interval");
    vi.advanceTimersByTime(5);
    outbox.push({ id: 1, event: "b" }, "interval");
    outbox.push({ id: 2, event: "c" }, "urgent");
    vi.advanceTimersByTime(0);
    expect(sent).toEqual([["a"], ["b", "c"]]);
  });

  it("lets a lazy update wait for the next one, but not for ever", () => {
    const outbox = open(0);
    outbox.push({ id: 1, event: "accepted" }, "lazy");
    vi.advanceTimersByTime(30);
    outbox.push({ id: 1, event: "token" }, "interval");
    vi.advanceTimersByTime(0);
    outbox.push({ id: 2, event: "accepted" }, "lazy");
    vi.advanceTimersByTime(39);
    expect(sent).toEqual([["accepted", "token"]]);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([["accepted", "token"], ["accepted"]]);
  });

  it("sends what waits when nothing follows", () => {
    const outbox = open(40);
    outbox.push({ id: 1, event: "a" }, "interval");
    vi.advanceTimersByTime(5);
    outbox.push({ id: 1, event: "b" }, "interval");
    vi.advanceTimersByTime(79);
    expect(sent).toEqual([["a"]]);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([["a"], ["b"]]);
  });

  it("sends before a reader can run out of credit", () => {
    const outbox = open(40);
    for (let index = 0; index < creditWindow; index += 1) {
      outbox.push({ id: 1, event: index }, "interval");
      vi.advanceTimersByTime(0);
    }
    expect(sent.flat().length).toBeGreaterThan(creditWindow / 2);
  });
});
