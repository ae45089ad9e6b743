import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createModelStates } from "../../../src/registry/model-states.ts";
import type { Outcome, SchedulerEffect, SchedulerInput } from "../../../src/registry/scheduler-messages.ts";
import { Scheduler } from "../../../src/registry/scheduler.ts";
import { fakeDescription } from "../../support/fake-backend.ts";

const models = (...ids: string[]): { id: string; pinned: boolean; ttlMs: number }[] =>
  ids.map((id) => ({ id, pinned: false, ttlMs: 0 }));

const instance = { processId: 1, residentBytes: 1, description: fakeDescription };

function acquireInput(ticket: number, model: string, bytes = 40): SchedulerInput {
  return { type: "acquire", ticket, model, estimatedBytes: bytes };
}

function acquire(
  scheduler: Scheduler,
  ticket: number,
  model: string,
  options: { bytes?: number; nowMs?: number } = {},
): SchedulerEffect[] {
  const { bytes = 40, nowMs = ticket } = options;
  return scheduler.dispatch(acquireInput(ticket, model, bytes), nowMs).effects;
}

describe("Scheduler", () => {
  it("joins a load already in flight and grants everyone at once", () => {
    const scheduler = new Scheduler({ models: models("a"), budgetBytes: 100 });
    expect(acquire(scheduler, 1, "a")).toEqual([{ type: "load", model: "a", generation: 1 }]);
    expect(acquire(scheduler, 2, "a")).toEqual([]);
    expect(scheduler.dispatch({ type: "loaded", model: "a", generation: 1, bytes: 40, instance }, 3).effects).toEqual([
      { type: "grant", ticket: 1, generation: 1 },
      { type: "grant", ticket: 2, generation: 1 },
    ]);
    expect(acquire(scheduler, 3, "a")).toEqual([{ type: "grant", ticket: 3, generation: 1 }]);
  });

  it("tells a failed load to all who waited, and loads again for the next caller", () => {
    const scheduler = new Scheduler({ models: models("a"), budgetBytes: 100 });
    acquire(scheduler, 1, "a");
    acquire(scheduler, 2, "a");
    const error = new Error("broken file");
    expect(scheduler.dispatch({ type: "load-failed", model: "a", generation: 1, error }, 3).effects).toEqual([
      { type: "reject", ticket: 1, error },
      { type: "reject", ticket: 2, error },
    ]);
    expect(acquire(scheduler, 3, "a")).toEqual([{ type: "load", model: "a", generation: 2 }]);
  });

  it("unloads an idle model to make room, and loads only when its process has ended", () => {
    const scheduler = new Scheduler({ models: models("a", "b"), budgetBytes: 60 });
    acquire(scheduler, 1, "a");
    scheduler.dispatch({ type: "loaded", model: "a", generation: 1, bytes: 40, instance }, 1);
    scheduler.dispatch({ type: "release", model: "a", generation: 1 }, 2);
    expect(acquire(scheduler, 2, "b")).toEqual([{ type: "unload", model: "a", generation: 1 }]);
    expect(scheduler.dispatch({ type: "ended", model: "a", generation: 1, exit: "SIGKILL" }, 4).effects).toEqual([
      { type: "load", model: "b", generation: 1 },
    ]);
  });

  it("waits for a busy model to become idle before it unloads it", () => {
    const scheduler = new Scheduler({ models: models("a", "b"), budgetBytes: 60 });
    acquire(scheduler, 1, "a");
    scheduler.dispatch({ type: "loaded", model: "a", generation: 1, bytes: 40, instance }, 1);
    expect(acquire(scheduler, 2, "b")).toEqual([]);
    expect(scheduler.dispatch({ type: "release", model: "a", generation: 1 }, 5).effects).toEqual([
      { type: "unload", model: "a", generation: 1 },
    ]);
  });

  it("refuses a model that can never fit, and says why", () => {
    const scheduler = new Scheduler({ models: models("a"), budgetBytes: 60 });
    const [effect] = acquire(scheduler, 1, "a", { bytes: 61 });
    expect(effect).toMatchObject({ type: "reject", ticket: 1, error: { kind: "insufficient_memory" } });
  });

  it("loads again after a crash, and ignores what the crashed load's callers report late", () => {
    const scheduler = new Scheduler({ models: models("a"), budgetBytes: 60 });
    acquire(scheduler, 1, "a");
    scheduler.dispatch({ type: "loaded", model: "a", generation: 1, bytes: 40, instance }, 1);
    expect(scheduler.dispatch({ type: "ended", model: "a", generation: 1, exit: "SIGKILL" }, 2).effects).toEqual([]);
    expect(acquire(scheduler, 2, "a")).toEqual([{ type: "load", model: "a", generation: 2 }]);
    scheduler.dispatch({ type: "loaded", model: "a", generation: 2, bytes: 40, instance }, 3);
    expect(scheduler.dispatch({ type: "release", model: "a", generation: 1 }, 4)).toMatchObject({
      effects: [],
      events: [],
    });
  });

  it("unloads an idle model when its time is up, not while it is in use", () => {
    const scheduler = new Scheduler({ models: [{ id: "a", pinned: false, ttlMs: 100 }], budgetBytes: 60 });
    acquire(scheduler, 1, "a", { nowMs: 0 });
    scheduler.dispatch({ type: "loaded", model: "a", generation: 1, bytes: 40, instance }, 10);
    expect(scheduler.nextDeadlineMs()).toBeUndefined();
    expect(scheduler.dispatch({ type: "tick" }, 1_000).effects).toEqual([]);
    scheduler.dispatch({ type: "release", model: "a", generation: 1 }, 1_000);
    expect(scheduler.nextDeadlineMs()).toBe(1_100);
    expect(scheduler.dispatch({ type: "tick" }, 1_099).effects).toEqual([]);
    expect(scheduler.dispatch({ type: "tick" }, 1_100).effects).toEqual([
      { type: "unload", model: "a", generation: 1 },
    ]);
  });

  it("lets a request change how long its model stays", () => {
    const scheduler = new Scheduler({ models: [{ id: "a", pinned: false, ttlMs: 100 }], budgetBytes: 60 });
    acquire(scheduler, 1, "a", { nowMs: 0 });
    scheduler.dispatch({ type: "loaded", model: "a", generation: 1, bytes: 40, instance }, 0);
    scheduler.dispatch({ type: "release", model: "a", generation: 1, ttlMs: 5_000 }, 0);
    expect(scheduler.nextDeadlineMs()).toBe(5_000);
  });

  it("keeps to the budget and answers every ticket at most once, whatever happens", () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant("acquire" as const), model: fc.constantFrom("a", "b", "c"), bytes: fc.nat(70) }),
      fc.record({
        type: fc.constantFrom("settle" as const, "fail" as const, "end" as const, "release" as const),
        pick: fc.nat(9),
      }),
      fc.record({ type: fc.constantFrom("tick" as const, "abandon" as const), pick: fc.nat(9) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budgetBytes = 100;
        const scheduler = new Scheduler({
          models: models("a", "b", "c").map((m) => ({ ...m, ttlMs: 7 })),
          budgetBytes,
        });
        const loading: { model: string; generation: number }[] = [];
        const unloading: { model: string; generation: number }[] = [];
        const leases: { model: string; generation: number }[] = [];
        const waiting = new Map<number, string>();
        const answered = new Set<number>();
        let nowMs = 0;
        let ticket = 0;
        const states = createModelStates(["a", "b", "c"]);
        const perform = ({ effects, events }: Outcome): void => {
          for (const event of events) states.apply(event);
          for (const effect of effects) {
            if (effect.type === "load") loading.push(effect);
            if (effect.type === "unload") unloading.push(effect);
            if (effect.type === "grant" || effect.type === "reject") {
              expect(answered.has(effect.ticket)).toBe(false);
              answered.add(effect.ticket);
              const model = waiting.get(effect.ticket) as string;
              // Only who waits is answered, and only for a model that was asked for.
              expect(["a", "b", "c"]).toContain(model);
              waiting.delete(effect.ticket);
              if (effect.type === "grant") leases.push({ model, generation: effect.generation });
            }
          }
          const used = states.all().reduce((sum, model) => sum + model.bytes, 0);
          expect(used).toBeLessThanOrEqual(budgetBytes);
          for (const model of states.all()) {
            if (model.leases > 0) expect(model.status).toBe("ready");
          }
        };
        for (const action of steps) {
          nowMs += 3;
          switch (action.type) {
            case "acquire":
              ticket += 1;
              waiting.set(ticket, action.model);
              perform(scheduler.dispatch(acquireInput(ticket, action.model, action.bytes), nowMs));
              break;
            case "settle":
            case "fail": {
              const [load] = loading.splice(action.pick % Math.max(1, loading.length), 1);
              if (load === undefined) break;
              const bytes = states.of(load.model)?.bytes ?? 0;
              perform(
                scheduler.dispatch(
                  action.type === "settle"
                    ? { ...load, type: "loaded", bytes, instance }
                    : { ...load, type: "load-failed", error: new Error("no") },
                  nowMs,
                ),
              );
              break;
            }
            case "end": {
              const [gone] = unloading.splice(action.pick % Math.max(1, unloading.length), 1);
              if (gone !== undefined) perform(scheduler.dispatch({ ...gone, type: "ended", exit: undefined }, nowMs));
              break;
            }
            case "release": {
              const [lease] = leases.splice(action.pick % Math.max(1, leases.length), 1);
              if (lease !== undefined) perform(scheduler.dispatch({ ...lease, type: "release" }, nowMs));
              break;
            }
            case "abandon": {
              const leaving = [...waiting.keys()][action.pick];
              if (leaving === undefined) break;
              perform(scheduler.dispatch({ type: "abandon", ticket: leaving, error: new Error("left") }, nowMs));
              break;
            }
            case "tick":
              perform(scheduler.dispatch({ type: "tick" }, nowMs));
              break;
          }
        }
        // When everything has settled, no caller is left waiting.
        for (let round = 0; round < 50; round += 1) {
          nowMs += 3;
          for (const load of loading.splice(0)) {
            const bytes = states.of(load.model)?.bytes ?? 0;
            perform(scheduler.dispatch({ ...load, type: "loaded", bytes, instance }, nowMs));
          }
          for (const lease of leases.splice(0)) perform(scheduler.dispatch({ ...lease, type: "release" }, nowMs));
          for (const gone of unloading.splice(0))
            perform(scheduler.dispatch({ ...gone, type: "ended", exit: undefined }, nowMs));
        }
        expect(waiting.size).toBe(0);
      }),
    );
  });
});
