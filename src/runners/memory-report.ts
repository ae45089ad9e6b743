// A runner's word on its own memory: it tells the server when that has changed enough to matter, so that nobody has to ask. It looks
// at the end of a call and at each ping; a message for every call would wake the server more often than the figure is read.

/** A change of less than this share of what was last told is not told. */
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

  /** The present figure, for a message that carries it anyway. */
  take(): number {
    this.#toldBytes = this.#read();
    return this.#toldBytes;
  }

  /** Tells the present figure where it differs noticeably from the one last told. */
  tellChange(): void {
    const bytes = this.#read();
    if (Math.abs(bytes - this.#toldBytes) < this.#toldBytes * notableShare) return;
    this.#toldBytes = bytes;
    this.#tell(bytes);
  }
}
