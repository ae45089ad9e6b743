// Unloading on request: when the model goes, and when whoever asked is told.
import { describe, expect, it } from "vitest";
import { createTestRegistry, last, never, settle, story } from "./registry-under-test.ts";

describe("an unload that somebody asks for", () => {
  it("ends an idle model at once, with its reason", async () => {
    const { registry, use, events } = createTestRegistry({ models: [{ id: "a" }] });
    (await use("a")).release();
    await registry.unload("a", never);
    expect(story(events)).toEqual(["a load-begun", "a ready", "a unload-begun", "a unloaded"]);
    expect(events.find(({ type }) => type === "unload-begun")).toMatchObject({ reason: { type: "requested" } });
  });

  it("waits for the requests that use the model, and for those that came after", async () => {
    const { registry, use, events } = createTestRegistry({ models: [{ id: "a" }] });
    const first = await use("a");
    let isOver = false;
    const unloading = registry.unload("a", never).then(() => (isOver = true));
    const second = await use("a");
    first.release();
    await settle();
    expect(isOver).toBe(false);
    second.release();
    await unloading;
    expect(story(events).at(-1)).toBe("a unloaded");
  });

  it("lets a load end, and serves who waits for it", async () => {
    const { registry, loads } = createTestRegistry({ models: [{ id: "a" }] });
    const acquired = registry.acquire("a", never);
    await settle();
    const unloading = registry.unload("a", never);
    last(loads).succeed();
    (await acquired).release();
    await unloading;
    expect(last(loads).disposals()).toBe(1);
  });

  it("is over at once for a model that is not in memory, and does not touch its next load", async () => {
    const { registry, use, events } = createTestRegistry({ models: [{ id: "a" }] });
    await registry.unload("a", never);
    (await use("a")).release();
    await settle();
    expect(story(events)).toEqual(["a load-begun", "a ready"]);
  });

  it("goes on when whoever asked has left", async () => {
    const { registry, use, events } = createTestRegistry({ models: [{ id: "a" }] });
    const lease = await use("a");
    const caller = new AbortController();
    const unloading = registry.unload("a", caller.signal);
    caller.abort(new Error("gone"));
    await expect(unloading).rejects.toThrow("gone");
    lease.release();
    await settle();
    expect(story(events).at(-1)).toBe("a unloaded");
  });
});
