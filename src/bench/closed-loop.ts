// Closed-loop load: a number of workers, each of which sends its next request when its last is answered.
import { RequestFailure } from "./peers/server-client.ts";

export interface LoopResult<T> {
  readonly results: readonly T[];
  /** Messages of the requests that failed. */
  readonly errors: readonly string[];
  /** From the start of the first request to the end of the last. */
  readonly elapsedMs: number;
}

/** Shares `jobs` among `workers`. A failed request is counted, not thrown, unless `signal` has aborted. */
export async function runJobs<J, T>(
  jobs: readonly J[],
  {
    workers,
    run,
    signal,
  }: { readonly workers: number; readonly run: (job: J) => Promise<T>; readonly signal: AbortSignal },
): Promise<LoopResult<T>> {
  const waiting = jobs.values();
  return await loop({ workers, signal }, async (collect) => {
    for (const job of waiting) await collect(() => run(job));
  });
}

/** Sends requests until `durationMs` is over; those under way are waited for and counted. */
export async function runFor<T>(
  durationMs: number,
  { workers, run, signal }: { readonly workers: number; readonly run: () => Promise<T>; readonly signal: AbortSignal },
): Promise<LoopResult<T>> {
  const endMs = performance.now() + durationMs;
  return await loop({ workers, signal }, async (collect) => {
    while (performance.now() < endMs) await collect(run);
  });
}

/** Runs `run` and measures how long it takes. */
export async function timed<T>(run: () => Promise<T>): Promise<{ readonly value: T; readonly elapsedMs: number }> {
  const startMs = performance.now();
  const value = await run();
  return { value, elapsedMs: performance.now() - startMs };
}

async function loop<T>(
  { workers, signal }: { readonly workers: number; readonly signal: AbortSignal },
  work: (collect: (run: () => Promise<T>) => Promise<void>) => Promise<void>,
): Promise<LoopResult<T>> {
  const results: T[] = [];
  const errors: string[] = [];
  const collect = async (run: () => Promise<T>): Promise<void> => {
    signal.throwIfAborted();
    try {
      results.push(await run());
    } catch (error) {
      signal.throwIfAborted();
      errors.push(describe(error));
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: workers }, () => work(collect)));
  return { results, errors, elapsedMs: performance.now() - startMs };
}

function describe(error: unknown): string {
  if (error instanceof RequestFailure) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? message : `${code} ${message}`;
}
