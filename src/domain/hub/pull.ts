// The events of a pull, from which the command line, the log and the admin endpoints show its progress.

/** A licence as the model's page names it. */
export interface License {
  /** Such as `apache-2.0`; for a licence without a common short name, its own title. */
  readonly name: string;
  /** Where its text is; `null` = unknown. */
  readonly url: string | null;
}

/** What a pull has put in place. */
export interface PulledModel {
  /** The name under which it is served. */
  readonly name: string;
  /** Reference of the source that it came from. */
  readonly source: string;
  /** Absolute path of the model's file or folder. */
  readonly path: string;
  /** Bytes of its files, whether they were fetched or were there before. */
  readonly bytes: number;
  /** The hub's commit; `null` for other sources. */
  readonly commit: string | null;
  readonly license: License | null;
}

/**
 * One event of a pull. The events of each source that is tried come in this order: `source`, `resolved`, `planned`, any number of the
 * others, then `source-failed` or `finished`. A pull that fails throws; it has no event of its own.
 */
export type PullProgress =
  /** A source is tried. */
  | { readonly type: "source"; readonly source: string }
  /** It could not be used, and the next one is tried. */
  | { readonly type: "source-failed"; readonly source: string; readonly message: string }
  /** It is known what will be fetched. */
  | {
      readonly type: "resolved";
      readonly source: string;
      readonly commit: string | null;
      readonly license: License | null;
    }
  /** Comes again when a graph has told of further files. `bytesPresent` of `bytes` need not be fetched. */
  | { readonly type: "planned"; readonly files: number; readonly bytes: number; readonly bytesPresent: number }
  /** At most a few a second. `secondsLeft` is `null` while the rate is unknown. */
  | {
      readonly type: "bytes";
      readonly bytesDone: number;
      readonly bytes: number;
      readonly bytesPerSecond: number;
      readonly secondsLeft: number | null;
    }
  /** A file is complete, verified and in place. */
  | { readonly type: "file"; readonly file: string; readonly bytes: number }
  /** A transfer was interrupted and goes on after `delayMs`. */
  | { readonly type: "retry"; readonly file: string; readonly message: string; readonly delayMs: number }
  /** Another process fetches the same file; this one waits for it. */
  | { readonly type: "waiting"; readonly file: string; readonly processId: number }
  /** A sentence about what takes time and cannot be counted, or about what the user should know. */
  | { readonly type: "note"; readonly message: string }
  | { readonly type: "finished"; readonly model: PulledModel };

export type PullListener = (event: PullProgress) => void;
