// Measures how many threads decodes should use: no rule tells, since with more threads than free cores every barrier waits. It is
// measured once per model and machine, and the result is kept in a file.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, hostname, loadavg } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import type { NativeContextHandle } from "./context.ts";

export interface ThreadCounts {
  /** For steps that generate only. */
  readonly decode: number;
  /** For steps that read prompts. */
  readonly prompt: number;
}

export interface CalibrationQuestion {
  readonly context: NativeContextHandle;
  readonly cacheDirectory: string;
  /** What the result depends on beside the machine: file, size, library. */
  readonly identity: unknown;
}

export interface ThreadMeasurement {
  readonly threads: number;
  readonly milliseconds: number;
}

/** Repetitions of each measurement; the fastest counts, because only disturbances make one slower. */
const repetitions = 4;
const promptTokens = 32;
/** Time for one measurement, and how many times slower than the best count so far a run may be before the rest is left out. */
const budgetMs = 500;
const hopelessFactor = 4;
/** Load average per core above which a measurement is not kept. */
const busyShare = 0.75;
/** A larger count has to be faster by this factor; else the smaller one is chosen, which leaves cores to others. */
const worthwhileSpeedup = 1.03;

/** The thread counts with which `context` was fastest on this machine. */
export async function calibrateThreads(question: CalibrationQuestion): Promise<ThreadCounts> {
  const { context } = question;
  const candidates = threadCandidates(availableParallelism());
  const only = candidates[0] as number;
  if (candidates.length === 1) return { decode: only, prompt: only };
  const file = cacheFile(question);
  const cached = await readCached(file, candidates);
  if (cached !== undefined) return cached;
  const promptLength = Math.min(promptTokens, context.batchSize);
  const decode = await measureAll(context, { candidates, tokenCount: 1 });
  const prompt = await measureAll(context, { candidates, tokenCount: promptLength });
  const counts = { decode: chooseThreads(decode), prompt: chooseThreads(prompt) };
  // A measurement taken while others use the cores would be wrong for as long as the file exists.
  if ((loadavg()[0] ?? 0) < availableParallelism() * busyShare) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify({ ...counts, measured: { decode, prompt } }));
  }
  return counts;
}

/** Half of the cores, three quarters, all but one, and all, ascending and without repetition. */
export function threadCandidates(cores: number): readonly number[] {
  const counts = [Math.ceil(cores / 2), Math.ceil((cores * 3) / 4), cores - 1, cores];
  return [...new Set(counts.filter((count) => count >= 1))].toSorted((first, second) => first - second);
}

/** The smallest count that no larger one beats by {@link worthwhileSpeedup}. `measured` is in ascending order of threads. */
export function chooseThreads(measured: readonly ThreadMeasurement[]): number {
  let best = measured[0] as ThreadMeasurement;
  for (const candidate of measured.slice(1)) {
    if (candidate.milliseconds * worthwhileSpeedup < best.milliseconds) best = candidate;
  }
  return best.threads;
}

async function measureAll(
  context: NativeContextHandle,
  { candidates, tokenCount }: { candidates: readonly number[]; tokenCount: number },
): Promise<ThreadMeasurement[]> {
  const measured: ThreadMeasurement[] = [];
  let bestMs = Infinity;
  for (const threads of candidates) {
    context.setThreads(threads);
    const milliseconds = await fastest(context, { tokenCount, hopelessMs: bestMs * hopelessFactor });
    bestMs = Math.min(bestMs, milliseconds);
    measured.push({ threads, milliseconds });
  }
  return measured;
}

/** Milliseconds of the fastest run after a first one to warm up. Ends early when time is up or a run is hopeless. */
async function fastest(
  context: NativeContextHandle,
  { tokenCount, hopelessMs }: { tokenCount: number; hopelessMs: number },
): Promise<number> {
  const tokens = new Uint32Array(tokenCount);
  const logitsFor = Uint32Array.of(tokenCount - 1);
  const deadline = performance.now() + budgetMs;
  let bestMs = Infinity;
  for (let repetition = 0; repetition <= repetitions; repetition += 1) {
    context.beginBatch(tokenCount);
    context.addToBatch(0, { position: 0, tokens, logitsFor });
    const startedAt = performance.now();
    await context.decode();
    const now = performance.now();
    context.clear(0);
    const takenMs = now - startedAt;
    if (repetition > 0) bestMs = Math.min(bestMs, takenMs);
    if (takenMs > hopelessMs || now > deadline) return Math.min(bestMs, takenMs);
  }
  return bestMs;
}

function cacheFile({ cacheDirectory, identity }: CalibrationQuestion): string {
  const machine = [hostname(), cpus()[0]?.model, availableParallelism()];
  const key = createHash("sha256")
    .update(JSON.stringify([machine, identity]))
    .digest("hex")
    .slice(0, 16);
  return join(cacheDirectory, "threads", `${key}.json`);
}

/** The kept result; `undefined` where there is none, it cannot be read, or this machine could not have given it. */
async function readCached(file: string, candidates: readonly number[]): Promise<ThreadCounts | undefined> {
  try {
    const { decode, prompt } = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    if (typeof decode !== "number" || typeof prompt !== "number") return undefined;
    return candidates.includes(decode) && candidates.includes(prompt) ? { decode, prompt } : undefined;
  } catch {
    return undefined;
  }
}
