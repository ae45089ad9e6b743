// Whether the server is alive and ready, and what each model is doing.
import type { RegistrySnapshot } from "../registry/registry.ts";

export interface HealthReport {
  readonly status: "ok" | "starting" | "shutting_down";
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly residentBytes: number;
  readonly models: readonly RegistrySnapshot[];
}

export interface HealthService {
  report(): HealthReport;
  /** Moves on from `starting`; `shutting_down` is final. */
  setStatus(status: "ok" | "shutting_down"): void;
}

export function createHealthService(options: {
  readonly version: string;
  readonly snapshot: () => RegistrySnapshot[];
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
      models: options.snapshot(),
    }),
    setStatus(next) {
      if (status !== "shutting_down") status = next;
    },
  };
}
