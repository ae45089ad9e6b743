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

  it("joins the updates of one turn of the event loop, and without an interval no others", () => {
    const outbox = open(0);
    outbox.push({ id: 1, event: "a" }, "interval");
    outbox.push({ id: 2, event: "b" }, "interval");
    vi.advanceTimersByTime(0);
    outbox.push({ id: 1, event: "c" }, "interval");
    vi.advanceTimersByTime(0);
    expect(sent).toEqual([["a", "b"], ["c"]]);
  });

  it("sends at most once per interval, with the updates since then", () => {
    const outbox = open(40);
    for (let index = 0; index < 10; index += 1) {
      outbox.push({ id: 1, event: index }, "interval");
      vi.advanceTimersByTime(15);
    }
    expect(sent).toEqual([[0], [1, 2, 3], [4, 5, 6], [7, 8, 9]]);
  });

  it("sends events at once that come more slowly than the interval", () => {
    const outbox = open(40);
    for (let index = 0; index < 3; index += 1) {
      outbox.push({ id: 1, event: index }, "interval");
      vi.advanceTimersByTime(60);
    }
    expect(sent).toEqual([[0], [1], [2]]);
  });

  it("sends urgent updates at once, after those that wait", () => {
    const outbox = open(40);
    outbox.push({ id: 1, event: "a" }, "interval");
    vi.advanceTimersByTime(5);
    outbox.push({ id: 1, event: "b" }, "interval");
    outbox.push({ id: 2, event: "c" }, "urgent");
    vi.advanceTimersByTime(0);
    expect(sent).toEqual([["a"], ["b", "c"]]);
  });

  it("lets a lazy update wait for the next one, for 40 ms at most", () => {
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

  it("sends an update that waits after two intervals when none follows", () => {
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
