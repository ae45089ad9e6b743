// The health report: the server's own state, and the state of every model by the events.
import { describe, expect, it } from "vitest";
import { createModelStates } from "../../../src/registry/model-states.ts";
import { createHealthService } from "../../../src/services/health.ts";
import { fakeDescription } from "../../support/fake-backend.ts";
import { createManualClock } from "../../support/manual-clock.ts";

function createTestHealth() {
  const clock = createManualClock();
  const states = createModelStates(["a", "b"]);
  clock.advance(5_000);
  const health = createHealthService({ version: "1.2.3", states, now: clock.now });
  return { clock, states, health };
}

const absent = {
  id: "a",
  status: "absent",
  leases: 0,
  waiting: 0,
  bytes: 0,
  processId: undefined,
  residentBytes: undefined,
  device: undefined,
  deviceNote: undefined,
  deviceParts: undefined,
  lastError: undefined,
};

describe("the health report", () => {
  it("says whether the server takes requests; shutting down is final", () => {
    const { health } = createTestHealth();
    expect(health.report().status).toBe("starting");
    health.setStatus("ok");
    expect(health.report().status).toBe("ok");
    health.setStatus("shutting_down");
    health.setStatus("ok");
    expect(health.report().status).toBe("shutting_down");
  });

  it("has the whole seconds since its creation, and the memory of the server's process", () => {
    const { clock, health } = createTestHealth();
    clock.advance(2_600);
    expect(health.report()).toMatchObject({ version: "1.2.3", uptimeSeconds: 3 });
    expect(health.report().residentBytes).toBeGreaterThan(1e6);
  });

  it("has every model in the order of the configuration, absent ones included", () => {
    const { health } = createTestHealth();
    expect(health.report().models).toEqual([absent, { ...absent, id: "b" }]);
  });

  it("has the process, its memory as last reported and its device from when a model is ready until it has ended", () => {
    const { health, states } = createTestHealth();
    const at = { model: "a", generation: 1 };
    const description = { ...fakeDescription, device: "cpu", deviceNote: "no GPU was found" };
    states.apply({ ...at, type: "load-begun", bytes: 40 });
    states.apply({ ...at, type: "use-changed", leases: 0, waiting: 2 });
    expect(health.report().models[0]).toEqual({ ...absent, status: "loading", bytes: 40, waiting: 2 });
    states.apply({
      ...at,
      type: "ready",
      loadMs: 1,
      bytes: 50,
      instance: { processId: 7, residentBytes: 45, description },
    });
    states.apply({ ...at, type: "use-changed", leases: 2, waiting: 0 });
    states.apply({ ...at, type: "memory-changed", residentBytes: 48 });
    expect(health.report().models[0]).toEqual({
      ...absent,
      status: "ready",
      bytes: 50,
      leases: 2,
      processId: 7,
      residentBytes: 48,
      device: "cpu",
      deviceNote: "no GPU was found",
    });
    const use = { device: "webgpu+cpu", deviceParts: [{ part: "unet", device: "webgpu" }] };
    states.apply({ ...at, type: "device-changed", use });
    expect(health.report().models[0]).toMatchObject({ ...use, deviceNote: undefined, residentBytes: 48 });
    states.apply({ ...at, type: "crashed", aliveMs: 1, bytes: 50, exit: "SIGKILL" });
    states.apply({ ...at, type: "use-changed", leases: 0, waiting: 0 });
    expect(health.report().models[0]).toEqual({ ...absent, lastError: "its process ended" });
  });
});
