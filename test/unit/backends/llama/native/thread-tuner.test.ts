// The choice of threads on machines that are played: `speed` says what a step takes with each count.
import { describe, expect, it } from "vitest";
import {
  plausibleTokenMs,
  threadCandidates,
  ThreadTuner,
} from "../../../../../src/backends/llama/native/thread-tuner.ts";

interface Machine {
  /** Milliseconds of a step with so many threads. */
  speed: (threads: number) => number;
}

/** Runs steps for `seconds` of the machine's time; the threads of each, and the milliseconds in all. */
function run(
  tuner: ThreadTuner,
  {
    clock,
    machine,
    seconds,
    tokens = 1,
    reads = false,
  }: { clock: { ms: number }; machine: Machine; seconds: number; tokens?: number; reads?: boolean },
): number[] {
  const used: number[] = [];
  const endMs = clock.ms + seconds * 1000;
  while (clock.ms < endMs) {
    const threads = tuner.next({ reads, tokens });
    const ms = machine.speed(threads);
    clock.ms += ms;
    tuner.record({ reads, tokens }, { threads, ms });
    used.push(threads);
  }
  return used;
}

function start(
  candidates: readonly number[],
  first: number,
  plausibleMs = Infinity,
): { tuner: ThreadTuner; clock: { ms: number } } {
  const clock = { ms: 0 };
  return { tuner: new ThreadTuner({ candidates, start: first, plausibleMs, now: () => clock.ms }), clock };
}

const twoFreeCores: Machine = { speed: (threads) => (threads === 1 ? 10 : 6) };
/** Somebody else computes on both cores: a second thread is not running when the first one waits for it. */
const twoBusyCores: Machine = { speed: (threads) => (threads === 1 ? 14 : 975) };

/** The count that most of the last steps used. */
function settled(used: readonly number[]): number {
  const last = used.slice(-20);
  return last.filter((threads) => threads === last.at(-1)).length > last.length / 2
    ? (last.at(-1) as number)
    : Number.NaN;
}

describe("ThreadTuner", () => {
  it("stays with the cores that the process may use while these are the fastest, and hardly tries others", () => {
    const { tuner, clock } = start([1, 2], 2);
    const used = run(tuner, { clock, machine: twoFreeCores, seconds: 300 });
    expect(used.filter((threads) => threads !== 2).length / used.length).toBeLessThan(0.002);
  });

  it("leaves the second thread when others take the cores, and takes it back when they are gone", () => {
    const { tuner, clock } = start([1, 2], 2);
    run(tuner, { clock, machine: twoFreeCores, seconds: 5 });
    expect(settled(run(tuner, { clock, machine: twoBusyCores, seconds: 20 }))).toBe(1);
    expect(settled(run(tuner, { clock, machine: twoFreeCores, seconds: 20 }))).toBe(2);
  });

  it("keeps its count without such evidence: an answer may depend on it", () => {
    const { tuner, clock } = start([1, 2], 2);
    const jittery: Machine = { speed: (threads) => (clock.ms % 7 < 3 ? 1 : 60) / threads };
    expect(new Set(run(tuner, { clock, machine: jittery, seconds: 60 }))).toEqual(new Set([2]));
    // Equally fast, or faster, with fewer threads: nobody is told to try.
    expect(new Set(run(tuner, { clock, machine: { speed: (threads) => 8 * threads }, seconds: 60 }))).toEqual(
      new Set([2]),
    );
  });

  it("uses all of the cores once they are free when it was started under load", () => {
    const { tuner, clock } = start([1, 2], 2);
    run(tuner, { clock, machine: twoBusyCores, seconds: 20 });
    expect(settled(run(tuner, { clock, machine: twoFreeCores, seconds: 20 }))).toBe(2);
  });

  it("leaves the second thread where the cores never were free, for a token of so small a model cannot take so long", () => {
    const { tuner, clock } = start([1, 2], 2, plausibleTokenMs(150_000_000));
    expect(settled(run(tuner, { clock, machine: twoBusyCores, seconds: 20 }))).toBe(1);
    expect(settled(run(tuner, { clock, machine: twoFreeCores, seconds: 20 }))).toBe(2);
  });

  it("does not take the longer steps of a longer context for crowded cores", () => {
    const { tuner, clock } = start([1, 2], 2);
    let step = 0;
    const growing: Machine = { speed: (threads) => (20 / threads) * 1.01 ** (step += 1) };
    expect(new Set(run(tuner, { clock, machine: growing, seconds: 600 }))).toEqual(new Set([2]));
  });

  it("spends little of its time on trials while others use the cores", () => {
    const { tuner, clock } = start([1, 2], 1);
    const used = run(tuner, { clock, machine: twoBusyCores, seconds: 120 });
    expect(used.filter((threads) => threads === 2).length * 975).toBeLessThan(120_000 / 9);
  });

  it("goes down over several candidates while it is crowded, and up again", () => {
    const { tuner, clock } = start([1, 2, 4], 4);
    const free: Machine = { speed: (threads) => 24 / threads };
    run(tuner, { clock, machine: free, seconds: 5 });
    const busy: Machine = { speed: (threads) => (threads === 1 ? 24 : 400 * threads) };
    expect(settled(run(tuner, { clock, machine: busy, seconds: 60 }))).toBe(1);
    expect(settled(run(tuner, { clock, machine: free, seconds: 60 }))).toBe(4);
  });

  it("decides for prompts and for decoding apart", () => {
    const { tuner, clock } = start([1, 2], 2);
    run(tuner, { clock, machine: twoFreeCores, seconds: 5 });
    run(tuner, { clock, machine: { speed: (threads) => 100 / threads }, seconds: 5, tokens: 64, reads: true });
    expect(settled(run(tuner, { clock, machine: twoBusyCores, seconds: 20 }))).toBe(1);
    expect(tuner.next({ reads: true, tokens: 64 })).toBe(2);
  });

  it("compares steps of one shape only", () => {
    const { tuner, clock } = start([1, 2], 2);
    // Eight sequences take longer than one; with alternating shapes that must not look like a slow count.
    const used: number[] = [];
    for (let step = 0; step < 2000; step += 1) {
      const tokens = step % 2 === 0 ? 1 : 8;
      const threads = tuner.next({ reads: false, tokens });
      const ms = (threads === 1 ? 10 : 6) * (tokens === 8 ? 4 : 1);
      clock.ms += ms;
      tuner.record({ reads: false, tokens }, { threads, ms });
      used.push(threads);
    }
    expect(used.filter((threads) => threads === 2).length / used.length).toBeGreaterThan(0.98);
  });
});

describe("threadCandidates", () => {
  it("are ascending and different", () => {
    expect(threadCandidates({ cores: 2, logicalCores: 2 })).toEqual([1, 2]);
    expect(threadCandidates({ cores: 8, logicalCores: 16 })).toEqual([1, 4, 6, 7, 8, 16]);
    expect(threadCandidates({ cores: 1, logicalCores: 1 })).toEqual([1]);
  });
});
