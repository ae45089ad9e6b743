import { describe, expect, it } from "vitest";
import { usableCores, type CoreSources } from "../../../../../src/backends/llama/native/usable-cores.ts";

/** A machine as Linux describes it: `siblings[n]` = the logical cores of the physical core that logical core n is part of. */
function linux(
  siblings: readonly string[],
  { allowed = `0-${siblings.length - 1}`, files = {} }: { allowed?: string; files?: Record<string, string> } = {},
): CoreSources {
  const texts: Record<string, string> = {
    "/proc/self/status": `Name:\tnode\nCpus_allowed_list:\t${allowed}\n`,
    ...Object.fromEntries(
      siblings.map((list, index) => [`/sys/devices/system/cpu/cpu${index}/topology/thread_siblings_list`, `${list}\n`]),
    ),
    ...files,
  };
  return {
    readText: (path) => texts[path],
    list: () => ["cpufreq", "online", ...siblings.map((_, index) => `cpu${index}`)],
    logicalCores: allowed.split(",").reduce((sum, range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return sum + last - first + 1;
    }, 0),
  };
}

const fourWithTwins = ["0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7"];

describe("usableCores", () => {
  it("counts a core once, however many threads it runs", () => {
    expect(usableCores(1, linux(["0", "1"]))).toBe(2);
    expect(usableCores(1, linux(fourWithTwins))).toBe(4);
  });

  it("counts only cores that the process may run on", () => {
    expect(usableCores(8, linux(fourWithTwins, { allowed: "0-1,5" }))).toBe(2);
    expect(usableCores(8, linux(fourWithTwins, { allowed: "3" }))).toBe(1);
  });

  it("stays within the quota of the control group, of either version", () => {
    const version2 = { "/sys/fs/cgroup/cpu.max": "150000 100000\n" };
    expect(usableCores(8, linux(fourWithTwins, { files: version2 }))).toBe(2);
    expect(usableCores(8, linux(fourWithTwins, { files: { "/sys/fs/cgroup/cpu.max": "max 100000\n" } }))).toBe(4);
    const version1 = {
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    };
    expect(usableCores(8, linux(fourWithTwins, { files: version1 }))).toBe(1);
    const unlimited = { ...version1, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n" };
    expect(usableCores(8, linux(fourWithTwins, { files: unlimited }))).toBe(4);
  });

  it("takes the library's count where the system tells nothing, within the logical cores", () => {
    const silent: CoreSources = { readText: () => undefined, list: () => [], logicalCores: 8 };
    expect(usableCores(6, silent)).toBe(6);
    expect(usableCores(12, silent)).toBe(8);
    expect(usableCores(0, silent)).toBe(1);
  });
});
