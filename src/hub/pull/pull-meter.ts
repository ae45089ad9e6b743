// Counts the bytes of a pull, and tells its listener a few times a second how far it is and how fast.
import type { PullListener } from "../../domain/hub/pull.ts";

/** Between two events. */
const everyMs = 250;
/** The rate is that of the last seconds: a mean over the whole would still remember yesterday's part. */
const rateWindowMs = 8_000;
/** Until then no rate is told: the first moments say little. */
const firstRateMs = 1_000;

export class PullMeter {
  readonly #listener: PullListener;
  readonly #now: () => number;
  #files = 0;
  #bytes = 0;
  #present = 0;
  #done = 0;
  #toldMs = -Infinity;
  /** Bytes fetched at moments of the last seconds; bytes that were there before do not count for the rate. */
  #samples: { readonly ms: number; readonly fetched: number }[] = [];
  #fetched = 0;

  constructor(listener: PullListener, now: () => number) {
    this.#listener = listener;
    this.#now = now;
  }

  /** Adds files to what will be there in the end; `present` bytes of them are there already. */
  plan({ files, bytes, present }: { readonly files: number; readonly bytes: number; readonly present: number }): void {
    this.#files += files;
    this.#bytes += bytes;
    this.#present += present;
    this.#done += present;
    this.#listener({ type: "planned", files: this.#files, bytes: this.#bytes, bytesPresent: this.#present });
  }

  /** Counts fetched bytes; a negative number takes back what is fetched anew. */
  add(count: number): void {
    this.#done += count;
    if (count > 0) this.#fetched += count;
    this.#tell(false);
  }

  /** Counts bytes that an earlier process has left. */
  keep(count: number): void {
    if (count === 0) return;
    this.#done += count;
    this.#tell(false);
  }

  /** Tells the last state, so that a reader sees it end at the total. */
  finish(): void {
    this.#tell(true);
  }

  #tell(isLast: boolean): void {
    const ms = this.#now();
    if (!isLast && ms - this.#toldMs < everyMs) return;
    this.#toldMs = ms;
    this.#samples.push({ ms, fetched: this.#fetched });
    this.#samples = this.#samples.filter((sample) => ms - sample.ms <= rateWindowMs);
    const bytesPerSecond = this.#rate(ms);
    const bytesDone = Math.min(this.#done, this.#bytes);
    const secondsLeft = bytesPerSecond > 0 ? (this.#bytes - bytesDone) / bytesPerSecond : null;
    this.#listener({ type: "bytes", bytesDone, bytes: this.#bytes, bytesPerSecond, secondsLeft });
  }

  #rate(ms: number): number {
    const [first] = this.#samples;
    if (first === undefined || ms - first.ms < firstRateMs) return 0;
    return Math.round(((this.#fetched - first.fetched) * 1000) / (ms - first.ms));
  }
}
