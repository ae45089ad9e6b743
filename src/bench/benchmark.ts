// What a benchmark is: points to measure, and figures that come out of one measurement. Every benchmark is measured by
// the same loop (`rounds.ts`) and reported by the same code, whatever it does.
import type { MeasuringProcess } from "./peers/measuring-process.ts";
import type { ServerClient } from "./peers/server-client.ts";

/** What is measured: a server behind a base URL, or a process that measures itself (the floor without any server). */
export interface Subject {
  /** Short, for tables: `A`, `B`. */
  readonly label: string;
  readonly server: ServerClient | null;
  readonly process: MeasuringProcess | null;
  /** Starts the server; `null` = it runs already. */
  readonly command: string | null;
  /** Of the process that we started; 0 = it is not ours, or not running. */
  readonly processId: () => number;
}

/** One setting of a benchmark, such as 8 streams. */
export interface Point {
  readonly label: string;
  /** Points of one series are joined by a line in the plot. */
  readonly series: string;
  /** Place on the plot's horizontal axis. */
  readonly x: number;
}

export interface Figure {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  readonly better: "higher" | "lower" | "neither";
}

/** The figures of one measurement by key. A figure that does not apply is left out. */
export type Values = Readonly<Record<string, number>>;

export interface Measurement {
  readonly values: Values;
  /** What was done, counted in the benchmark's `unitOfWork`. */
  readonly work?: number;
  /** Messages of requests that failed; their times are in no figure. */
  readonly errors: readonly string[];
}

export interface MeasureOptions<P extends Point> {
  readonly point: P;
  /** Counts from 0; -1 = warm-up. The same round sends the same requests to every subject. */
  readonly round: number;
  readonly signal: AbortSignal;
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  /** Keys of the figures that are drawn. */
  readonly figures: readonly string[];
}

export interface Benchmark<P extends Point = Point> {
  readonly name: string;
  readonly title: string;
  /** Everything that was chosen, for the report. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly points: readonly P[];
  /** What `Point.x` counts. */
  readonly axis: string;
  readonly figures: readonly Figure[];
  /** What processor time is counted by, such as `token`. */
  readonly unitOfWork: string;
  readonly charts: readonly Chart[];
  /** True where the benchmark itself starts and stops the server, so that nobody else does. */
  readonly startsServers: boolean;
  /** Called once with all subjects when they are up, before the warm-up. */
  prepare(subjects: readonly Subject[], signal: AbortSignal): Promise<void>;
  measure(subject: Subject, options: MeasureOptions<P>): Promise<Measurement>;
}

/**
 * Measured for every process that we started: processor time of it and all it has started, per unit of work. On a
 * machine that others use too, it is much steadier than any wall time.
 */
export const processorFigure = "processor_ms";

/** The server of a subject that must be one. */
export function serverOf({ server, label }: Subject): ServerClient {
  if (server === null) throw new Error(`${label} is a process that measures itself; this benchmark needs a server.`);
  return server;
}
