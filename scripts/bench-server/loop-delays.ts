// Measures the delay of this process's event loop over a time, and whether its thread had a core meanwhile.
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

/** Resolution of the timer whose ticks are measured. */
export const resolutionMs = 1;

/** Delays of all ticks in milliseconds, the resolution subtracted. */
export interface LoopDelays {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Share of the time in which the thread ran, and in which it waited for a core; `null` where the system does not tell. */
  readonly ran: number | null;
  readonly waited: number | null;
}

export async function measureLoop(durationSeconds: number): Promise<LoopDelays> {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  const [ranBefore, waitedBefore] = threadMs();
  const startMs = performance.now();
  histogram.enable();
  await sleep(durationSeconds * 1000);
  histogram.disable();
  const [ranAfter, waitedAfter] = threadMs();
  const durationMs = performance.now() - startMs;
  const toShare = (before: number | null, after: number | null): number | null =>
    before === null || after === null ? null : (after - before) / durationMs;
  const toMs = (nanoseconds: number): number => nanoseconds / 1e6 - resolutionMs;
  return {
    mean: toMs(histogram.mean),
    p50: toMs(histogram.percentile(50)),
    p99: toMs(histogram.percentile(99)),
    max: toMs(histogram.max),
    ran: toShare(ranBefore, ranAfter),
    waited: toShare(waitedBefore, waitedAfter),
  };
}

/** Milliseconds that this thread has run, and has been ready to run without a core (the kernel's sched-stats document). */
function threadMs(): [ran: number | null, waited: number | null] {
  try {
    const [ran, waited] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
    return [Number(ran) / 1e6, Number(waited) / 1e6];
  } catch {
    return [null, null];
  }
}
