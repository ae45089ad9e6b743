// The entry of a process that opens one graph on one GPU and runs it, so that a driver that crashes or hangs takes nobody along.
import { readdirSync, readlinkSync } from "node:fs";
import { answerApart } from "../../common/devices/run-apart.ts";
import { openWith } from "../graph-session.ts";
import { numbersOf } from "../results.ts";
import { traceDevices } from "../runtime.ts";
import { unpackFeeds, type ProbeAnswer, type ProbeJob } from "./probe-job.ts";
import { leastTime } from "./rehearsal.ts";

process.title = "hearth probe";
answerApart((job) => probe(job as ProbeJob));

async function probe(job: ProbeJob): Promise<ProbeAnswer> {
  try {
    if (job.tracesDevices) traceDevices();
    const session = await openWith(job.path, job.threads)(job.provider);
    const feeds = unpackFeeds(job.feeds);
    // The first run compiles the GPU's programs, so it does not count.
    const results = await session.run(feeds, [...job.fetches]);
    const run = (): Promise<unknown> => session.run(feeds, [...job.fetches]);
    const milliseconds = job.timedRuns === 0 ? undefined : await leastTime(run, job.timedRuns);
    return {
      type: "ran",
      results: job.fetches.map((name) => numbersOf(results[name]!)),
      milliseconds,
      holdsDeviceFile: holdsDeviceFile(),
    };
  } catch (error) {
    return { type: "failed", message: error instanceof Error ? error.message : String(error) };
  }
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
