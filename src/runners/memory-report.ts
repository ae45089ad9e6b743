// A runner reports its memory when it has changed enough to matter, so that the server need not ask. It measures at the end of each
// call and at each ping; a message for every call would wake the server more often than the figure is read.

/** A smaller change, as a share of the figure last told, is not told. */
const notableShare = 1 / 64;

export interface MemoryReportOptions {
  /** Bytes that the process holds now. */
  readonly read: () => number;
  readonly tell: (residentBytes: number) => void;
}

export class MemoryReport {
  readonly #read: () => number;
  readonly #tell: (residentBytes: number) => void;
  #toldBytes = 0;

  constructor({ read, tell }: MemoryReportOptions) {
    this.#read = read;
    this.#tell = tell;
  }

  /** The present figure in bytes, for a message that carries it anyway. */
  take(): number {
    this.#toldBytes = this.#read();
    return this.#toldBytes;
  }

  /** Tells the present figure if it differs from the one last told by at least {@link notableShare}. */
  tellChange(): void {
    const bytes = this.#read();
    if (Math.abs(bytes - this.#toldBytes) < this.#toldBytes * notableShare) return;
    this.#toldBytes = bytes;
    this.#tell(bytes);
  }
}
