// Measures the phases of a request. Phases nest (a preview is decoded between two denoising steps), and time counts for the innermost
// one only.
import type { ImageTimings } from "../../../domain/image.ts";

/** A phase, by the name of its field in the timings. */
export type Phase = keyof ImageTimings;

export class PhaseClock {
  readonly #now: () => number;
  readonly #spent = { queueMs: 0, conditionMs: 0, denoiseMs: 0, decodeMs: 0, encodeMs: 0 };
  #phase: Phase | undefined;
  #since = 0;

  /** `now` = milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get timings(): ImageTimings {
    return { ...this.#spent };
  }

  /** Counts the time of `work` for the phase, less the phases inside it. Calls may nest, and must not overlap otherwise. */
  async during<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const outer = this.#phase;
    this.#enter(phase);
    try {
      return await work();
    } finally {
      this.#enter(outer);
    }
  }

  /** Counts the time until `work` settles for the phase as well, and takes none from the phases meanwhile. */
  async beside<T>(phase: Phase, work: Promise<T>): Promise<T> {
    const start = this.#now();
    try {
      return await work;
    } finally {
      this.#spent[phase] += this.#now() - start;
    }
  }

  #enter(phase: Phase | undefined): void {
    const now = this.#now();
    if (this.#phase !== undefined) this.#spent[this.#phase] += now - this.#since;
    this.#phase = phase;
    this.#since = now;
  }
}
