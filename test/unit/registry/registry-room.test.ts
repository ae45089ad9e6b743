// Which model leaves when: by its time to live, and to make room for another.
import { describe, expect, it } from "vitest";
import { maxTimerMs } from "../../../src/util/timers.ts";
import { createTestRegistry, last, never, settle, story } from "./registry-under-test.ts";

describe("a time to live", () => {
  it("unloads an idle model when it is up, to the millisecond", async () => {
    const { use, clock, events } = createTestRegistry({ models: [{ id: "a", ttlMs: 1_000, bytes: 30 }] });
    const lease = await use("a");
    clock.advance(5_000);
    lease.release();
    clock.advance(999);
    expect(story(events)).toEqual(["a load-begun", "a ready"]);
    clock.advance(1);
    expect(events.slice(-2)).toEqual([
      { type: "unload-begun", model: "a", generation: 1, bytes: 40, reason: { type: "idle" } },
      {
        type: "unloaded",
        model: "a",
        generation: 1,
        unloadMs: 0,
        aliveMs: 6_000,
        bytes: 40,
        reason: { type: "idle" },
        exit: "exit code 0",
      },
    ]);
    expect(clock.pending()).toEqual([]);
  });

  it("begins anew with every use", async () => {
    const { use, clock, events } = createTestRegistry({ models: [{ id: "a", ttlMs: 1_000 }] });
    (await use("a")).release();
    clock.advance(900);
    (await use("a")).release();
    clock.advance(900);
    expect(story(events)).toEqual(["a load-begun", "a ready"]);
    clock.advance(100);
    expect(story(events)).toContain("a unloaded");
  });

  it("of a request replaces the configured one from its end on", async () => {
    const { use, clock, events } = createTestRegistry({ models: [{ id: "a", ttlMs: 1_000 }] });
    (await use("a")).release({ ttlMs: 5_000 });
    clock.advance(4_999);
    expect(story(events)).not.toContain("a unload-begun");
    clock.advance(1);
    expect(story(events)).toContain("a unload-begun");
  });

  it("of zero means for ever, configured or asked for by a request", async () => {
    const { use, clock } = createTestRegistry({ models: [{ id: "a" }, { id: "b", ttlMs: 10 }] });
    (await use("a")).release();
    (await use("b")).release({ ttlMs: 0 });
    expect(clock.pending()).toEqual([]);
  });

  it("holds for a pinned model too: a pin keeps it from being evicted", async () => {
    const { use, clock, events } = createTestRegistry({ models: [{ id: "a", pinned: true, ttlMs: 10 }] });
    (await use("a")).release();
    clock.advance(10);
    expect(story(events)).toContain("a unloaded");
  });

  it("outlasts a timer that cannot wait so long", async () => {
    const { use, clock, events } = createTestRegistry({ models: [{ id: "a", ttlMs: 2 * maxTimerMs }] });
    (await use("a")).release();
    clock.fireEarly();
    expect(story(events)).not.toContain("a unload-begun");
    clock.advance(2 * maxTimerMs);
    expect(story(events)).toContain("a unloaded");
  });
});

describe("room", () => {
  it("is made by the least recently used idle model, which is told for whom it leaves", async () => {
    const { use, clock, events } = createTestRegistry({ models: [{ id: "a" }, { id: "b" }, { id: "c" }] });
    (await use("a")).release();
    clock.advance(1);
    (await use("b")).release();
    clock.advance(1);
    (await use("a")).release();
    clock.advance(1);
    await use("c");
    expect(story(events).slice(4)).toEqual(["b unload-begun", "b unloaded", "c load-begun", "c ready"]);
    expect(events.find(({ type }) => type === "unload-begun")).toMatchObject({
      reason: { type: "evicted", makeRoomFor: "c" },
    });
  });

  it("is waited for while the others are leased", async () => {
    const { registry, use, events } = createTestRegistry({ models: [{ id: "a" }, { id: "b" }], budgetBytes: 60 });
    const first = await use("a");
    const second = await use("a");
    const waiting = registry.acquire("b", never);
    await settle();
    first.release();
    expect(story(events)).toEqual(["a load-begun", "a ready"]);
    second.release();
    expect(story(events).slice(2)).toEqual(["a unload-begun", "a unloaded", "b load-begun"]);
    void waiting;
  });

  it("is there only when the evicted process has ended", async () => {
    const { registry, use, clock, events, loads } = createTestRegistry({
      models: [{ id: "a" }, { id: "b" }],
      budgetBytes: 60,
      disposal: "by-hand",
    });
    (await use("a")).release();
    void registry.acquire("b", never);
    await settle();
    expect(story(events).slice(2)).toEqual(["a unload-begun"]);
    clock.advance(30);
    last(loads).end("exit code 0");
    expect(story(events).slice(2)).toEqual(["a unload-begun", "a unloaded", "b load-begun"]);
    expect(events.find(({ type }) => type === "unloaded")).toMatchObject({ unloadMs: 30, aliveMs: 30 });
  });

  it("is never made by a pinned model: what does not fit beside it is refused, and the refusal is told", async () => {
    const { registry, use, events, loads } = createTestRegistry({
      models: [{ id: "a", pinned: true }, { id: "b" }],
      budgetBytes: 60,
    });
    (await use("a")).release();
    await expect(registry.acquire("b", never)).rejects.toMatchObject({ kind: "insufficient_memory" });
    expect(events.at(-1)).toMatchObject({ type: "load-refused", model: "b", generation: 0, bytes: 40 });
    expect(loads.length).toBe(1);
  });

  it("counts what was measured in place of the estimate once a model is ready", async () => {
    const models = [
      { id: "a", bytes: 40 },
      { id: "b", bytes: 40 },
    ];
    const measuredMore = createTestRegistry({ models });
    const lease = measuredMore.registry.acquire("a", never);
    await settle();
    last(measuredMore.loads).succeed({ residentBytes: 70 });
    (await lease).release();
    await measuredMore.use("b");
    expect(story(measuredMore.events)).toContain("a unloaded");

    const measuredLess = createTestRegistry({ models, budgetBytes: 60 });
    const other = measuredLess.registry.acquire("a", never);
    await settle();
    last(measuredLess.loads).succeed({ residentBytes: 12, memoryBytes: 20 });
    (await other).release();
    await measuredLess.use("b");
    expect(story(measuredLess.events)).not.toContain("a unload-begun");
  });

  it("is reserved in full for a model that was asked for again while it was being unloaded", async () => {
    const { registry, use, clock, events, loads } = createTestRegistry({
      models: [{ id: "a", ttlMs: 10 }],
      disposal: "by-hand",
    });
    (await use("a")).release();
    clock.advance(10);
    void registry.acquire("a", never);
    await settle();
    last(loads).end("exit code 0");
    expect(events.findLast(({ type }) => type === "load-begun")).toEqual({
      type: "load-begun",
      model: "a",
      generation: 2,
      bytes: 40,
    });
  });
});
