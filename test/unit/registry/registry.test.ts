// Leases over a loader and a clock that the test moves. What the registry tells is compared whole: times and bytes included.
import { describe, expect, it } from "vitest";
import type { ModelEvent } from "../../../src/domain/model-events.ts";
import { maxTimerMs } from "../../../src/util/timers.ts";
import { createTestRegistry, never, settle, type TestLoad } from "./registry-under-test.ts";

const last = (loads: readonly TestLoad[]): TestLoad => loads.at(-1) as TestLoad;

/** Events as `type` and what the test asks of them, without the counts of callers. */
function story(events: readonly ModelEvent[]): string[] {
  return events.filter(({ type }) => type !== "use-changed").map(({ type, model }) => `${model} ${type}`);
}

describe("a lease", () => {
  it("is granted once the model is loaded, and everything about the load is told", async () => {
    const { registry, clock, events, loads } = createTestRegistry({ models: [{ id: "a", bytes: 30 }] });
    const acquiring = registry.acquire("a", never);
    await settle();
    expect(events).toEqual([
      { type: "load-begun", model: "a", generation: 1, bytes: 30 },
      { type: "use-changed", model: "a", generation: 1, leases: 0, waiting: 1 },
    ]);
    clock.advance(250);
    events.length = 0;
    last(loads).succeed({ residentBytes: 35, memoryBytes: 33 });
    const lease = await acquiring;
    const instance = { processId: 7, residentBytes: 35, description: lease.backend.description };
    expect(events).toEqual([
      { type: "ready", model: "a", generation: 1, loadMs: 250, bytes: 35, instance },
      { type: "use-changed", model: "a", generation: 1, leases: 1, waiting: 0 },
    ]);
    events.length = 0;
    lease.release();
    expect(events).toEqual([{ type: "use-changed", model: "a", generation: 1, leases: 0, waiting: 0 }]);
  });

  it("joins a load already in flight", async () => {
    const { registry, loads } = createTestRegistry({ models: [{ id: "a" }] });
    const waiting = [registry.acquire("a", never), registry.acquire("a", never), registry.acquire("a", never)];
    await settle();
    expect(loads.length).toBe(1);
    last(loads).succeed();
    const leases = await Promise.all(waiting);
    expect(new Set(leases.map(({ backend }) => backend)).size).toBe(1);
  });

  it("is granted at once on a model that is ready", async () => {
    const { use, loads } = createTestRegistry({ models: [{ id: "a" }] });
    await use("a");
    await use("a");
    expect(loads.length).toBe(1);
  });

  it("is refused to all who wait with the reason of the failed load, and the next caller loads anew", async () => {
    const { registry, clock, events, loads } = createTestRegistry({ models: [{ id: "a", bytes: 30 }] });
    const waiting = [registry.acquire("a", never), registry.acquire("a", never)];
    await settle();
    clock.advance(40);
    const reason = new Error("broken file");
    last(loads).fail(reason);
    expect(await Promise.allSettled(waiting)).toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
    expect(events.at(-2)).toEqual({
      type: "load-failed",
      model: "a",
      generation: 1,
      loadMs: 40,
      bytes: 30,
      reason: "broken file",
    });
    void registry.acquire("a", never);
    await settle();
    expect(loads.length).toBe(2);
  });

  it("is not waited for any longer when the caller aborts, and the load goes on for the others", async () => {
    const { registry, events, loads } = createTestRegistry({ models: [{ id: "a" }] });
    const abort = new AbortController();
    const leaving = registry.acquire("a", abort.signal);
    const staying = registry.acquire("a", never);
    await settle();
    const reason = new Error("the caller left");
    abort.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    expect(events.at(-1)).toMatchObject({ type: "use-changed", leases: 0, waiting: 1 });
    last(loads).succeed();
    await staying;
    expect(events.at(-1)).toMatchObject({ type: "use-changed", leases: 1, waiting: 0 });
  });

  it("leaves the model loaded and idle when the only caller aborts in mid-load", async () => {
    const { registry, events, loads, use } = createTestRegistry({ models: [{ id: "a" }] });
    const abort = new AbortController();
    const leaving = registry.acquire("a", abort.signal);
    await settle();
    abort.abort(new Error("the caller left"));
    await expect(leaving).rejects.toThrow("the caller left");
    last(loads).succeed();
    await settle();
    expect(events.at(-1)).toMatchObject({ type: "ready" });
    await use("a");
    expect(loads.length).toBe(1);
  });

  it("is not asked for by a caller who has left before or during the estimate", async () => {
    const { registry, events } = createTestRegistry({ models: [{ id: "a" }] });
    await expect(registry.acquire("a", AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    const abort = new AbortController();
    const leaving = registry.acquire("a", abort.signal);
    abort.abort(new Error("gone too"));
    await expect(leaving).rejects.toThrow("gone too");
    expect(events).toEqual([]);
  });

  it("is still the caller's when he aborts in the very turn of the grant", async () => {
    const { registry, events, loads } = createTestRegistry({ models: [{ id: "a" }] });
    const abort = new AbortController();
    registry.subscribe(({ type }) => {
      if (type === "ready") abort.abort(new Error("too late"));
    });
    const acquiring = registry.acquire("a", abort.signal);
    await settle();
    last(loads).succeed();
    (await acquiring).release();
    expect(events.at(-1)).toMatchObject({ type: "use-changed", leases: 0, waiting: 0 });
  });

  it("is given back once, however often it is released", async () => {
    const { use, events } = createTestRegistry({ models: [{ id: "a" }] });
    const first = await use("a");
    await use("a");
    first.release();
    first.release();
    expect(events.at(-1)).toMatchObject({ type: "use-changed", leases: 1 });
  });

  it("is refused for a model that does not exist", async () => {
    const { registry } = createTestRegistry({ models: [{ id: "a" }] });
    await expect(registry.acquire("b", never)).rejects.toMatchObject({ kind: "model_not_found", param: "model" });
  });
});

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

describe("an end", () => {
  it("by a crash takes the leases along, and the next caller loads anew", async () => {
    const { registry, use, clock, events, loads } = createTestRegistry({ models: [{ id: "a", ttlMs: 50 }] });
    const crashed = await use("a");
    clock.advance(7);
    last(loads).end("SIGKILL");
    expect(events.slice(-2)).toEqual([
      { type: "crashed", model: "a", generation: 1, aliveMs: 7, bytes: 40, exit: "SIGKILL" },
      { type: "use-changed", model: "a", generation: 1, leases: 0, waiting: 0 },
    ]);
    const next = await use("a");
    expect(loads.length).toBe(2);
    expect(next.backend).not.toBe(crashed.backend);
    // A lease on the crashed load, given back late, is not one on the present load.
    crashed.release({ ttlMs: 1 });
    clock.advance(1_000);
    expect(story(events)).not.toContain("a unload-begun");
    next.release();
    expect(events.at(-1)).toMatchObject({ type: "use-changed", generation: 2, leases: 0 });
    expect(clock.pending()).toEqual([50]);
    void registry;
  });

  it("by a crash is told as one, whatever ended the load before", async () => {
    const { use, clock, events, loads } = createTestRegistry({ models: [{ id: "a", ttlMs: 10 }] });
    (await use("a")).release();
    clock.advance(10);
    await use("a");
    last(loads).end("SIGKILL");
    expect(story(events).slice(2)).toEqual(["a unload-begun", "a unloaded", "a load-begun", "a ready", "a crashed"]);
  });

  it("that is reported a second time does not touch the next load", async () => {
    const { use, clock, events, loads } = createTestRegistry({
      models: [{ id: "a", ttlMs: 10 }],
      disposal: "by-hand",
    });
    (await use("a")).release();
    clock.advance(10);
    const gone = last(loads);
    gone.end("exit code 0");
    await use("a");
    gone.finishDispose();
    gone.end("exit code 0");
    await settle();
    expect(story(events).slice(-2)).toEqual(["a load-begun", "a ready"]);
  });

  it("in mid-load is told to all who wait", async () => {
    const { registry, events, loads } = createTestRegistry({ models: [{ id: "a" }] });
    const waiting = registry.acquire("a", never);
    await settle();
    last(loads).end("SIGSEGV");
    await expect(waiting).rejects.toMatchObject({ kind: "model_load_failed" });
    expect(story(events)).toEqual(["a load-begun", "a load-failed"]);
    // The loader says all the same that it succeeded: nobody can use that, so it is freed.
    last(loads).succeed();
    await settle();
    expect(last(loads).disposals()).toBe(1);
    expect(story(events)).toEqual(["a load-begun", "a load-failed"]);
  });

  it.each([
    { name: "resolves", error: undefined, exit: undefined },
    { name: "rejects", error: new Error("no"), exit: "no" },
  ])("is that of the disposal where no process says more, when it $name", async ({ error, exit }) => {
    const { registry, use, clock, events, loads } = createTestRegistry({
      models: [{ id: "a", ttlMs: 10 }],
      disposal: "by-hand",
    });
    (await use("a")).release();
    clock.advance(10);
    const waiting = registry.acquire("a", never);
    await settle();
    last(loads).finishDispose(error);
    await settle();
    expect(events.findLast(({ type }) => type === "unloaded")).toMatchObject({ exit });
    last(loads).succeed();
    await waiting;
  });
});

describe("close", () => {
  it("unloads every model, leased or not, and resolves when all have ended", async () => {
    const { registry, use, events, loads } = createTestRegistry({
      models: [{ id: "a" }, { id: "b", pinned: true, ttlMs: 10 }],
      disposal: "by-hand",
    });
    await use("a");
    (await use("b")).release();
    let isClosed = false;
    const closing = registry.close().then(() => (isClosed = true));
    loads[0]?.finishDispose();
    await settle();
    expect(isClosed).toBe(false);
    loads[1]?.finishDispose();
    await closing;
    expect(story(events).slice(4)).toEqual(["a unload-begun", "b unload-begun", "a unloaded", "b unloaded"]);
    expect(events.findLast(({ type }) => type === "unloaded")).toMatchObject({ reason: { type: "shutdown" } });
  });

  it("ends a load in flight and tells those who wait for it", async () => {
    const { registry, events, loads } = createTestRegistry({ models: [{ id: "a" }] });
    const waiting = registry.acquire("a", never);
    await settle();
    const closing = registry.close();
    await expect(waiting).rejects.toMatchObject({ kind: "shutting_down" });
    await closing;
    expect(last(loads).signal.aborted).toBe(true);
    expect(story(events)).toEqual(["a load-begun", "a unload-begun", "a load-failed"]);
  });

  it("unloads a model whose load succeeded although it was told to stop", async () => {
    const { registry, events, loads } = createTestRegistry({
      models: [{ id: "a" }],
      disposal: "by-hand",
      heedsAbort: false,
    });
    const waiting = registry.acquire("a", never);
    await settle();
    let isClosed = false;
    const closing = registry.close().then(() => (isClosed = true));
    await expect(waiting).rejects.toMatchObject({ kind: "shutting_down" });
    last(loads).succeed();
    await settle();
    expect(last(loads).disposals()).toBe(1);
    expect(isClosed).toBe(false);
    last(loads).finishDispose();
    await closing;
    expect(events.at(-1)).toMatchObject({ type: "unloaded" });
  });

  it("grants nothing more and leaves no timer", async () => {
    const { registry, use, clock, loads } = createTestRegistry({ models: [{ id: "a", ttlMs: 10 }, { id: "b" }] });
    (await use("a")).release();
    await registry.close();
    await expect(registry.acquire("a", never)).rejects.toMatchObject({ kind: "shutting_down" });
    await expect(registry.acquire("b", never)).rejects.toMatchObject({ kind: "shutting_down" });
    expect(loads.length).toBe(1);
    expect(clock.pending()).toEqual([]);
  });
});

describe("a listener", () => {
  it("that throws harms neither the registry nor the other listeners", async () => {
    const { registry, use, faults } = createTestRegistry({ models: [{ id: "a" }] });
    const fault = new Error("a listener's own");
    registry.subscribe(() => {
      throw fault;
    });
    const told: string[] = [];
    registry.subscribe(({ type }) => told.push(type));
    await use("a");
    expect(told).toEqual(["load-begun", "use-changed", "ready", "use-changed"]);
    expect(faults).toEqual([fault, fault, fault, fault]);
  });

  it("hears nothing after it has unsubscribed", async () => {
    const { registry, use } = createTestRegistry({ models: [{ id: "a" }] });
    const told: string[] = [];
    const unsubscribe = registry.subscribe(({ type }) => told.push(type));
    unsubscribe();
    await use("a");
    expect(told).toEqual([]);
  });

  it("hears events in order, whatever another listener does because of one", async () => {
    const { registry, use, loads } = createTestRegistry({ models: [{ id: "a" }] });
    registry.subscribe(({ type }) => {
      if (type === "ready") last(loads).end("SIGKILL");
    });
    const told: string[] = [];
    registry.subscribe(({ type }) => told.push(type));
    const lease = await use("a");
    lease.release();
    expect(told.slice(2)).toEqual(["ready", "use-changed", "crashed", "use-changed"]);
  });

  it("hears of memory from when a model is ready until it has ended", async () => {
    const { registry, events, loads } = createTestRegistry({ models: [{ id: "a" }] });
    const waiting = registry.acquire("a", never);
    await settle();
    last(loads).reportMemory(1);
    last(loads).succeed();
    await waiting;
    last(loads).reportMemory(2);
    expect(events.at(-1)).toEqual({ type: "memory-changed", model: "a", generation: 1, residentBytes: 2 });
    last(loads).end("SIGKILL");
    last(loads).reportMemory(3);
    expect(events.filter(({ type }) => type === "memory-changed").length).toBe(1);
  });
});
