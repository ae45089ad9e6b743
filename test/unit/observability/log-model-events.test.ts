import { describe, expect, it } from "vitest";
import type { ModelEvent } from "../../../src/domain/model-events.ts";
import { logModelEvents } from "../../../src/observability/log-model-events.ts";
import { fakeDescription } from "../../support/fake-backend.ts";

const at = { model: "a", generation: 1 };
const instance = { processId: 7, residentBytes: 45, description: fakeDescription };
const leaving = { type: "evicted", makeRoomFor: "b" } as const;

function linesOf(event: ModelEvent): unknown[] {
  const lines: unknown[] = [];
  const write = (level: string) => (facts: unknown, message?: string) => {
    lines.push([level, facts, message]);
  };
  logModelEvents({ info: write("info"), error: write("error") })(event);
  return lines;
}

describe("the log of models", () => {
  it.each<{ event: ModelEvent; line: unknown[] }>([
    {
      event: { ...at, type: "ready", loadMs: 12.6, bytes: 50, instance },
      line: ["info", { model: "a", loadMs: 13, bytes: 50 }, "Model loaded."],
    },
    {
      event: { ...at, type: "load-failed", loadMs: 1, bytes: 40, reason: "broken file" },
      line: ["error", { model: "a", reason: "broken file" }, "Model failed to load."],
    },
    {
      event: { ...at, type: "unload-begun", bytes: 50, reason: leaving },
      line: ["info", { model: "a" }, "Model unloads."],
    },
    {
      event: { ...at, type: "unloaded", unloadMs: 1, aliveMs: 1, bytes: 50, reason: leaving, exit: "exit code 0" },
      line: ["info", { model: "a", reason: "exit code 0" }, "Runner ended."],
    },
    {
      event: { ...at, type: "crashed", aliveMs: 1, bytes: 50, exit: "SIGKILL" },
      line: ["info", { model: "a", reason: "SIGKILL" }, "Runner ended."],
    },
  ])("has a line for $event.type", ({ event, line }) => {
    expect(linesOf(event)).toEqual([line]);
  });

  it.each<ModelEvent>([
    { ...at, type: "load-begun", bytes: 40 },
    { ...at, type: "load-refused", bytes: 400, reason: "too large" },
    { ...at, type: "use-changed", leases: 1, waiting: 0 },
    { ...at, type: "memory-changed", residentBytes: 48 },
    { ...at, type: "unloaded", unloadMs: 1, aliveMs: 1, bytes: 50, reason: leaving, exit: undefined },
  ])("is silent about $type where no runner ended", (event) => {
    expect(linesOf(event)).toEqual([]);
  });
});
