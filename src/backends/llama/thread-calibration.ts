// How many threads a decode should use is a question to the machine, not to a rule: more threads than free cores make every
// barrier wait. It is asked once per model and machine, and the answer is kept in a file.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, hostname } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import type { NativeContextHandle } from "./adapter.ts";

export interface ThreadCounts {
  /** For steps that generate only. */
  readonly decode: number;
  /** For steps that read prompts. */
  readonly prompt: number;
}

export interface CalibrationQuestion {
  readonly context: NativeContextHandle;
  readonly cacheDirectory: string;
  /** What the answer depends on beside the machine: file, size, library. */
  readonly identity: unknown;
}

/** Repetitions of each measurement; the fastest counts, because only disturbances make one slower. */
const repetitions = 4;
const promptTokens = 32;
/** A larger count has to be faster by this factor, or the smaller one leaves the cores to others. */
const worthwhileSpeedup = 1.03;

/** The thread counts with which `context` was fastest on this machine. */
export async function calibrateThreads(question: CalibrationQuestion): Promise<ThreadCounts> {
  const candidates = threadCandidates(availableParallelism());
  const only = candidates[0] as number;
  if (candidates.length === 1) return { decode: only, prompt: only };
  const file = cacheFile(question);
  const cached = await readCached(file, candidates);
  if (cached !== undefined) return cached;
  const measured: { threads: number; decodeMs: number; promptMs: number }[] = [];
  for (const threads of candidates) {
    question.context.setThreads(threads);
    const decodeMs = await fastest(question.context, 1);
    const promptMs = await fastest(question.context, Math.min(promptTokens, question.context.batchSize));
    measured.push({ threads, decodeMs, promptMs });
  }
  const counts = {
    decode: chooseThreads(measured.map(({ threads, decodeMs }) => ({ threads, milliseconds: decodeMs }))),
    prompt: chooseThreads(measured.map(({ threads, promptMs }) => ({ threads, milliseconds: promptMs }))),
  };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ ...counts, measured }));
  return counts;
}

/** Half of the cores, three quarters, all but one, all: ascending and different. */
export function threadCandidates(cores: number): readonly number[] {
  const counts = [Math.ceil(cores / 2), Math.ceil((cores * 3) / 4), cores - 1, cores];
  return [...new Set(counts.filter((count) => count >= 1))].toSorted((first, second) => first - second);
}

/** The smallest count that is not beaten by a larger one by more than a few per cent; `measured` is ascending. */
export function chooseThreads(
  measured: readonly { readonly threads: number; readonly milliseconds: number }[],
): number {
  let best = measured[0] as { threads: number; milliseconds: number };
  for (const candidate of measured.slice(1)) {
    if (candidate.milliseconds * worthwhileSpeedup < best.milliseconds) best = candidate;
  }
  return best.threads;
}

async function fastest(context: NativeContextHandle, tokenCount: number): Promise<number> {
  const tokens = new Uint32Array(tokenCount);
  const logitsFor = Uint32Array.of(tokenCount - 1);
  let bestMs = Infinity;
  // The first run only touches the memory.
  for (let repetition = 0; repetition <= repetitions; repetition += 1) {
    context.beginBatch(tokenCount);
    context.addToBatch(0, { position: 0, tokens, logitsFor });
    const startedAt = performance.now();
    await context.decode();
    if (repetition > 0) bestMs = Math.min(bestMs, performance.now() - startedAt);
    context.clear(0);
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

/** An answer that cannot be read, or that this machine could not give, is no answer. */
async function readCached(file: string, candidates: readonly number[]): Promise<ThreadCounts | undefined> {
  try {
    const { decode, prompt } = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    if (typeof decode !== "number" || typeof prompt !== "number") return undefined;
    return candidates.includes(decode) && candidates.includes(prompt) ? { decode, prompt } : undefined;
  } catch {
    return undefined;
  }
}
