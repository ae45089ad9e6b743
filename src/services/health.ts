// The health report: whether the server takes requests, and the state of each model.
import type { PartDevice } from "../domain/device.ts";
import type { ModelState, ModelStates } from "../registry/model-states.ts";

export interface HealthReport {
  readonly status: "ok" | "starting" | "shutting_down";
  readonly version: string;
  readonly uptimeSeconds: number;
  /** Resident memory of the server's own process, bytes. */
  readonly residentBytes: number;
  readonly models: readonly ModelHealth[];
}

/** The state of a model. The facts about its process are known from when it is ready until it has ended. */
export interface ModelHealth extends Omit<ModelState, "instance"> {
  readonly processId: number | undefined;
  readonly residentBytes: number | undefined;
  readonly device: string | undefined;
  readonly deviceNote: string | undefined;
  readonly deviceParts: readonly PartDevice[] | undefined;
}

export interface HealthService {
  report(): HealthReport;
  /** Moves on from `starting`; `shutting_down` is final. */
  setStatus(status: "ok" | "shutting_down"): void;
}

export function createHealthService(options: {
  readonly version: string;
  readonly states: ModelStates;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}): HealthService {
  const startedMs = options.now();
  let status: HealthReport["status"] = "starting";
  return {
    report: () => ({
      status,
      version: options.version,
      uptimeSeconds: Math.round((options.now() - startedMs) / 1000),
      residentBytes: process.memoryUsage.rss(),
      models: options.states.all().map(toHealth),
    }),
    setStatus(next) {
      if (status !== "shutting_down") status = next;
    },
  };
}

/** The state of a model in the form in which it is told. */
export function toHealth({ instance, ...state }: ModelState): ModelHealth {
  return {
    ...state,
    processId: instance?.processId,
    residentBytes: instance?.residentBytes,
    device: instance?.description.device,
    deviceNote: instance?.description.deviceNote,
    deviceParts: instance?.description.deviceParts,
  };
}
