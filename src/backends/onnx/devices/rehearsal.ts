// One small run of a graph as the CPU does it: the values that went in and came out, and the time it took. Another device is judged by
// running the same.
import type { Feeds, GraphSession } from "../graph-session.ts";
import { numbersOf } from "../results.ts";
import type { Tensor } from "../runtime.ts";
import type { PackedTensor } from "./probe-job.ts";

export interface Rehearsal {
  readonly feeds: readonly PackedTensor[];
  readonly fetches: readonly string[];
  readonly results: readonly Float32Array[];
  /** The least of several runs. */
  readonly milliseconds: number;
}

/** Runs of which the fastest counts. */
export const timedRuns = 3;

/**
 * Runs `rehearse`, which works on the session as its model's load or a request would, and repeats its last run for the time.
 * @throws Error where that did not run the session
 */
export async function recordRehearsal(
  session: GraphSession,
  rehearse: (session: GraphSession) => Promise<unknown>,
): Promise<Rehearsal> {
  let last: { readonly feeds: Feeds; readonly fetches: readonly string[]; readonly results: Feeds } | undefined;
  await rehearse({
    device: session.device,
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    inputMetadata: session.inputMetadata,
    outputMetadata: session.outputMetadata,
    attempt: (work) => session.attempt(work),
    release: () => session.release(),
    async run(feeds, fetches) {
      const results = await session.run(feeds, fetches);
      last = { feeds, fetches, results };
      return results;
    },
  });
  if (last === undefined) throw new Error("a rehearsal ran no graph");
  const { feeds, fetches, results } = last;
  const milliseconds = await leastTime(() => session.run(feeds, fetches), timedRuns);
  return {
    feeds: Object.entries(feeds).map(([name, { type, dims, data }]) => ({
      name,
      type,
      dims,
      data: toBits(data, type),
    })),
    fetches,
    results: fetches.map((name) => numbersOf(results[name]!)),
    milliseconds,
  };
}

/** Milliseconds of the fastest of so many runs. */
export async function leastTime(run: () => Promise<unknown>, times: number): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

/** Halves as Uint16Array, also where Node gives Float16Array, which not every version can send to another process. */
function toBits(data: Tensor["data"], type: Tensor["type"]): Tensor["data"] {
  if (type !== "float16" || !ArrayBuffer.isView(data)) return data;
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}
