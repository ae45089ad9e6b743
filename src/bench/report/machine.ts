// Describes the machine of a measurement, for the report.
import { availableParallelism, cpus, release, totalmem, type as systemType } from "node:os";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 1e9),
    system: `${systemType()} ${release()}`,
    node: process.version,
  };
}
