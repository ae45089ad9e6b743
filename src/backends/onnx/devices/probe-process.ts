// The entry of a process that opens one graph on one device and runs it, so that a driver that crashes or hangs takes nobody along.
import { readdirSync, readlinkSync } from "node:fs";
import { answerApart } from "../../common/devices/run-apart.ts";
import { openWith } from "../graph-session.ts";
import { numbersOf } from "../results.ts";
import { runtimeProviders, runtimeVersion, Tensor, traceDevices } from "../runtime.ts";
import type { ProbeAnswer, ProbeJob, RunAnswer, RunJob } from "./probe-job.ts";
import { leastTime } from "./rehearsal.ts";

process.title = "hearth probe";
answerApart((job) => answer(job as ProbeJob));

async function answer(job: ProbeJob): Promise<ProbeAnswer> {
  try {
    if (job.type === "list") return { type: "listed", version: runtimeVersion(), providers: runtimeProviders() };
    return await run(job);
  } catch (error) {
    return { type: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}

async function run(job: RunJob): Promise<RunAnswer> {
  if (job.tracesDevices) traceDevices();
  const session = await openWith(job.path, job.threads)(job.provider);
  const feeds = Object.fromEntries(job.feeds.map(({ name, type, dims, data }) => [name, new Tensor(type, data, dims)]));
  // The first run compiles the GPU's programs, so it does not count.
  const results = await session.run(feeds, [...job.fetches]);
  const repeat = (): Promise<unknown> => session.run(feeds, [...job.fetches]);
  const milliseconds = job.timedRuns === 0 ? undefined : await leastTime(repeat, job.timedRuns);
  return {
    type: "ran",
    results: job.fetches.map((name) => numbersOf(results[name]!)),
    milliseconds,
    holdsDeviceFile: holdsDeviceFile(),
  };
}

function holdsDeviceFile(): boolean {
  if (process.platform !== "linux") return false;
  return readdirSync("/proc/self/fd").some((name) => {
    try {
      return /^\/dev\/(?:dri\/renderD|nvidia\d|dxg|kfd)/.test(readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // The descriptor of the listing itself is closed by now.
      return false;
    }
  });
}
