// How many threads a step should use is a question to the machine as it is now: while others use the cores, every barrier waits for a
// thread that is not running, and fewer threads are faster, by a factor of a hundred at times. Nothing is measured at load and nothing
// is stored: the steps that are run anyway are the evidence, and it ages. Without evidence the count stays what it is: flash attention
// sums in an order that depends on it, so that a trial could change an answer on an idle machine.

/** Steps of one kind are compared with each other only. */
export interface StepKind {
  /** Steps that evaluate prompts do other arithmetic than those that only decode. */
  readonly reads: boolean;
  /** Tokens in the batch. */
  readonly tokens: number;
}

/** Chooses the threads of the next step, and hears what it took. */
export interface ThreadChoice {
  next(kind: StepKind): number;
  record(kind: StepKind, took: { readonly threads: number; readonly ms: number }): void;
}

/** The same count for every step. */
export function fixedThreads(threads: number): ThreadChoice {
  return { next: () => threads, record: () => {} };
}

export interface ThreadTunerOptions {
  /** Ascending. */
  readonly candidates: readonly number[];
  /** One of the candidates. */
  readonly start: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds that a token takes on a slow machine whose cores are free. */
  readonly plausibleMs: number;
}

/** A step's duration, in the unit in which steps of its kind are compared. */
interface Took {
  readonly threads: number;
  readonly ms: number;
  /** What it may take on a slow machine whose cores are free. */
  readonly plausibleMs: number;
}

/** Steps of each count that a comparison takes. */
const comparedSteps = 3;
/** A larger count has to be faster by this factor, or the smaller one leaves the cores to others. */
const worthwhileSpeedup = 1.03;
/** A step of a trial that takes so many times the usual ends the trial. */
const hopelessFactor = 2;
/** Steps that take so many times the fastest and so many milliseconds more, `comparedSteps` in a row, tell that others use the cores. */
const crowdedFactor = 8;
const crowdedMs = 100;
/** The fastest step ages with every step, as contexts grow and machines change. */
const fastestAgeing = 1.02;
/** Milliseconds between trials in one direction: first, and at most, for more and for fewer threads. More is tried oftener: it is
 * how a machine that others have left is found out, and it costs one step. */
const firstPauseMs = 500;
const longestPauseMs = { up: 15_000, down: 60_000 } as const;
/** Batches with fewer tokens than this say little about reading prompts. */
const fewestPromptTokens = 16;

type Direction = "up" | "down";

interface Trial {
  readonly direction: Direction;
  readonly threads: number;
  readonly tokens: number;
  readonly tried: number[];
  readonly usual: number[];
}

/** The choice for one kind of step. */
class KindTuner {
  readonly #options: ThreadTunerOptions;
  #threads: number;
  #trial: Trial | undefined;
  /** Milliseconds of the last steps with the chosen count, by the tokens in their batch. */
  readonly #usual = new Map<number, number[]>();
  /** Milliseconds of the fastest step of late, by the tokens in the batch. */
  readonly #fastest = new Map<number, number>();
  #slowInARow = 0;
  readonly #pauseMs = { up: firstPauseMs, down: firstPauseMs };
  readonly #trialAt: { up: number; down: number };

  constructor(options: ThreadTunerOptions) {
    this.#options = options;
    this.#threads = options.start;
    const now = options.now();
    this.#trialAt = { up: now + firstPauseMs, down: now + firstPauseMs };
  }

  next(tokens: number): number {
    const trial = this.#trial;
    if (trial !== undefined) {
      if (trial.tokens === tokens) return trial.usual.length <= trial.tried.length ? this.#threads : trial.threads;
      // Another batch shape cannot be compared: the trial is put off, not decided.
      this.#trial = undefined;
    }
    this.#trial = this.#begin(tokens);
    return this.#threads;
  }

  record(tokens: number, took: Took): void {
    const { threads, ms } = took;
    const trial = this.#trial;
    if (threads === this.#threads) this.#recordUsual(tokens, took);
    if (trial === undefined || trial.tokens !== tokens) return;
    if (threads === this.#threads) trial.usual.push(ms);
    else if (threads === trial.threads) {
      trial.tried.push(ms);
      const isHopeless = ms > hopelessFactor * median(trial.usual);
      if (isHopeless || ms * hopelessFactor < median(trial.usual)) {
        this.#settle(trial, !isHopeless);
        return;
      }
    }
    if (trial.tried.length >= comparedSteps) this.#settle(trial, isBetter(trial));
  }

  #recordUsual(tokens: number, { ms, plausibleMs }: Took): void {
    const samples = this.#usual.get(tokens) ?? [];
    // The plausible duration stands for the fastest step where the cores were never free.
    const fastest = Math.min(ms, plausibleMs, (this.#fastest.get(tokens) ?? Infinity) * fastestAgeing);
    this.#fastest.set(tokens, fastest);
    this.#slowInARow = ms > crowdedFactor * fastest && ms > fastest + crowdedMs ? this.#slowInARow + 1 : 0;
    // Others have come to the machine: fewer threads are tried at once.
    if (this.#slowInARow >= comparedSteps) this.#trialAt.down = Math.min(this.#trialAt.down, this.#options.now());
    samples.push(ms);
    if (samples.length > 2 * comparedSteps) samples.shift();
    this.#usual.set(tokens, samples);
  }

  #begin(tokens: number): Trial | undefined {
    const now = this.#options.now();
    if ((this.#usual.get(tokens)?.length ?? 0) < comparedSteps) return undefined;
    for (const direction of this.#directions()) {
      const threads = this.#neighbour(direction);
      if (threads === undefined || now < this.#trialAt[direction]) continue;
      return { direction, threads, tokens, tried: [], usual: [] };
    }
    return undefined;
  }

  /** Fewer threads where others use the cores; more where there had been more. */
  #directions(): readonly Direction[] {
    if (this.#slowInARow >= comparedSteps) return ["down"];
    return this.#threads < this.#options.start ? ["up"] : [];
  }

  #neighbour(direction: Direction): number | undefined {
    const { candidates } = this.#options;
    return candidates[candidates.indexOf(this.#threads) + (direction === "up" ? 1 : -1)];
  }

  /** What won is tried further in its direction soon; what lost is tried again later and later. */
  #settle({ direction, threads }: Trial, hasWon: boolean): void {
    const now = this.#options.now();
    this.#trial = undefined;
    this.#slowInARow = 0;
    const other = direction === "up" ? "down" : "up";
    if (hasWon) {
      this.#threads = threads;
      this.#usual.clear();
      this.#pauseMs[direction] = firstPauseMs;
      this.#pauseMs[other] = Math.min(longestPauseMs[other], this.#pauseMs[other] * 2);
      this.#trialAt[direction] = now;
      this.#trialAt[other] = now + this.#pauseMs[other];
      return;
    }
    this.#trialAt[direction] = now + this.#pauseMs[direction];
    this.#pauseMs[direction] = Math.min(longestPauseMs[direction], this.#pauseMs[direction] * 2);
  }
}

/**
 * Starts with one count and corrects it in both directions by the steps that are run: now and then some steps use the next larger or
 * smaller candidate, in turn with steps of the same shape that use the chosen one.
 */
export class ThreadTuner implements ThreadChoice {
  readonly #decode: KindTuner;
  readonly #prompt: KindTuner;
  readonly #plausibleMs: number;

  constructor(options: ThreadTunerOptions) {
    this.#plausibleMs = options.plausibleMs;
    this.#decode = new KindTuner(options);
    this.#prompt = new KindTuner(options);
  }

  next({ reads, tokens }: StepKind): number {
    return reads ? this.#prompt.next(shapeOf(tokens)) : this.#decode.next(tokens);
  }

  record({ reads, tokens }: StepKind, { threads, ms }: { readonly threads: number; readonly ms: number }): void {
    const plausibleMs = this.#plausibleMs;
    if (!reads) this.#decode.record(tokens, { threads, ms, plausibleMs: plausibleMs * tokens });
    else if (tokens >= fewestPromptTokens) {
      this.#prompt.record(shapeOf(tokens), { threads, ms: ms / tokens, plausibleMs });
    }
  }
}

/** Batches of prompts are alike within a factor of two. */
function shapeOf(tokens: number): number {
  return Math.floor(Math.log2(Math.max(1, tokens)));
}

function isBetter({ direction, tried, usual }: Trial): boolean {
  const [candidate, chosen] = [median(tried), median(usual)];
  return direction === "up" ? candidate * worthwhileSpeedup < chosen : candidate < chosen * worthwhileSpeedup;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((first, second) => first - second);
  return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
}

/** Bytes that a slow machine reads in a millisecond: 4 GB/s, half of what one channel of DDR3 gives. */
const slowBytesPerMs = 4_000_000;

/** Milliseconds that a token takes where the weights are read once for it, on a slow machine whose cores are free. */
export function plausibleTokenMs(weightBytes: number): number {
  return weightBytes / slowBytesPerMs;
}

/** Half of the cores, three quarters, all but one, all, and every logical core: ascending and different. */
export function threadCandidates({ cores, logicalCores }: { cores: number; logicalCores: number }): readonly number[] {
  const counts = [1, Math.ceil(cores / 2), Math.ceil((cores * 3) / 4), cores - 1, cores, logicalCores];
  return [...new Set(counts.filter((count) => count >= 1))].toSorted((first, second) => first - second);
}
