// How many cores a computation may use at the same time: the physical cores that the process may run on, within the quota of its
// control group. Two threads of one core share its arithmetic units, so that a second one mostly makes the barriers wait.
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** Reads a text file; `undefined` where there is none. */
export type ReadText = (path: string) => string | undefined;

export interface CoreSources {
  readonly readText: ReadText;
  /** Names in a folder; empty where there is none. */
  readonly list: (path: string) => readonly string[];
  /** Threads that the process may run at once, by its affinity. */
  readonly logicalCores: number;
}

/**
 * At least 1. Where the system does not say which logical cores share a physical one (only Linux does), it is `fallback`, which is
 * what the library takes, within the logical cores.
 */
export function usableCores(fallback: number, sources: CoreSources = systemSources): number {
  const { logicalCores } = sources;
  const physical = physicalCores(sources) ?? fallback;
  const quota = cpuQuota(sources.readText) ?? logicalCores;
  return Math.max(1, Math.min(physical, logicalCores, Math.ceil(quota)));
}

/** Physical cores among those of the affinity mask. */
function physicalCores({ readText, list }: CoreSources): number | undefined {
  const allowed = parseList(/^Cpus_allowed_list:\s*(\S+)/m.exec(readText("/proc/self/status") ?? "")?.[1] ?? "");
  if (allowed.size === 0) return undefined;
  const cores = new Set<string>();
  for (const name of list("/sys/devices/system/cpu")) {
    const number = /^cpu(\d+)$/.exec(name)?.[1];
    if (number === undefined || !allowed.has(Number(number))) continue;
    const siblings = readText(`/sys/devices/system/cpu/${name}/topology/thread_siblings_list`);
    if (siblings === undefined) return undefined;
    cores.add(siblings.trim());
  }
  return cores.size === 0 ? undefined : cores.size;
}

/** Cores' worth of time that the control group grants (cgroup v2 `cpu.max`, v1 `cpu.cfs_*`); `undefined` = no limit. */
function cpuQuota(readText: ReadText): number | undefined {
  const [quota, period] = readText("/sys/fs/cgroup/cpu.max")?.trim().split(/\s+/) ?? [
    readText("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
    readText("/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
  ];
  const cores = Number(quota) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? cores : undefined;
}

/** The numbers of a list such as `0-3,8`. */
function parseList(text: string): Set<number> {
  const numbers = new Set<number>();
  for (const range of text.split(",")) {
    const [first, last = first] = range.split("-").map(Number);
    if (first === undefined || last === undefined || Number.isNaN(first) || range === "") continue;
    for (let number = first; number <= last; number += 1) numbers.add(number);
  }
  return numbers;
}

const systemSources: CoreSources = {
  readText: (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
  list: (path) => {
    try {
      return readdirSync(join(path));
    } catch {
      return [];
    }
  },
  logicalCores: availableParallelism(),
};
