import { describe, expect, it } from "vitest";
import type { ModelEvent } from "../../../src/domain/model-events.ts";
import { createModelStates } from "../../../src/registry/model-states.ts";
import { fakeDescription } from "../../support/fake-backend.ts";

const at = { model: "a", generation: 1 };
const instance = { processId: 7, residentBytes: 45, description: fakeDescription };
const begun: ModelEvent = { ...at, type: "load-begun", bytes: 40 };
const ready: ModelEvent = { ...at, type: "ready", loadMs: 1, bytes: 50, instance };
const failed: ModelEvent = { ...at, type: "load-failed", loadMs: 1, bytes: 40, reason: "broken file" };
const refused: ModelEvent = { ...at, type: "load-refused", bytes: 400, reason: "too large" };
const leaving: ModelEvent = { ...at, type: "unload-begun", bytes: 50, reason: { type: "idle" } };
const unloaded: ModelEvent = {
  ...at,
  type: "unloaded",
  unloadMs: 1,
  aliveMs: 1,
  bytes: 50,
  reason: { type: "idle" },
  exit: undefined,
};
const crashed: ModelEvent = { ...at, type: "crashed", aliveMs: 1, bytes: 50, exit: "SIGKILL" };

function stateAfter(...events: ModelEvent[]) {
  const states = createModelStates(["a"]);
  for (const event of events) states.apply(event);
  return states.of("a");
}

describe("the states of models", () => {
  it.each([
    { events: [], status: "absent", bytes: 0, instance: undefined, lastError: undefined },
    { events: [begun], status: "loading", bytes: 40, instance: undefined, lastError: undefined },
    { events: [begun, failed], status: "absent", bytes: 0, instance: undefined, lastError: "broken file" },
    { events: [refused], status: "absent", bytes: 0, instance: undefined, lastError: "too large" },
    { events: [begun, ready], status: "ready", bytes: 50, instance, lastError: undefined },
    { events: [begun, failed, begun], status: "loading", bytes: 40, instance: undefined, lastError: "broken file" },
    { events: [begun, failed, begun, ready], status: "ready", bytes: 50, instance, lastError: undefined },
    { events: [begun, ready, leaving], status: "draining", bytes: 50, instance, lastError: undefined },
    {
      events: [begun, ready, leaving, unloaded],
      status: "absent",
      bytes: 0,
      instance: undefined,
      lastError: undefined,
    },
    {
      events: [begun, ready, crashed],
      status: "absent",
      bytes: 0,
      instance: undefined,
      lastError: "its process ended",
    },
  ])("are $status with last error $lastError after $events.length events", ({ events, ...expected }) => {
    expect(stateAfter(...events)).toEqual({ id: "a", leases: 0, waiting: 0, ...expected });
  });

  it("have the memory that the process last told, and none of a process that is gone", () => {
    const memory: ModelEvent = { ...at, type: "memory-changed", residentBytes: 48 };
    expect(stateAfter(begun, ready, memory)?.instance).toEqual({ ...instance, residentBytes: 48 });
    expect(stateAfter(begun, ready, crashed, memory)?.instance).toBeUndefined();
  });

  it("are of the models given, and of no other", () => {
    const states = createModelStates(["a", "b"]);
    states.apply({ ...begun, model: "c" });
    expect(states.all().map(({ id, status }) => `${id} ${status}`)).toEqual(["a absent", "b absent"]);
    expect(states.of("c")).toBeUndefined();
  });
});
