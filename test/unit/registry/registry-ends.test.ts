// How models end: by crashes, by late or missing reports, and because the registry closes.
import { describe, expect, it } from "vitest";
import { createTestRegistry, last, never, settle, story } from "./registry-under-test.ts";

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
