// Leases and listeners. What the registry tells is compared whole: times and bytes included.
import { describe, expect, it } from "vitest";
import { createTestRegistry, last, never, settle } from "./registry-under-test.ts";

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

  it("is granted although the caller aborts in the turn of the grant", async () => {
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
