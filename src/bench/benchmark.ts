// The interface of a benchmark: points to measure, and figures that a measurement yields. Every benchmark is measured by the same loop
// (`rounds.ts`) and reported by the same code.
import type { MeasuringProcess } from "./peers/measuring-process.ts";
import type { ServerClient } from "./peers/server-client.ts";

/** What is measured: a server behind a base URL, or a process that does the same work without a server and measures itself. */
export interface Subject {
  /** Short, for tables: `A`, `B`. */
  readonly label: string;
  readonly server: ServerClient | null;
  readonly process: MeasuringProcess | null;
  /** Starts the server; `null` = it runs already. */
  readonly command: string | null;
  /** Id of the process that we started; 0 = we started none, or it does not run. */
  readonly processId: () => number;
}

/** One setting of a benchmark, such as 8 streams. */
export interface Point {
  readonly label: string;
  /** Points of one series are joined by a line in the plot. */
  readonly series: string;
  /** Position on the plot's horizontal axis. */
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
  /** Amount of work done, in the benchmark's `unitOfWork`. */
  readonly work?: number;
  /** Messages of requests that failed; their times are in no figure. */
  readonly errors: readonly string[];
}

export interface MeasureOptions<P extends Point> {
  readonly point: P;
  /** Counts from 0; negative = warm-up. A round sends the same requests to every subject. */
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
  /** The chosen options, for the report. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly points: readonly P[];
  /** What `Point.x` counts. */
  readonly axis: string;
  readonly figures: readonly Figure[];
  /** The unit in which processor time is given, such as `token`. */
  readonly unitOfWork: string;
  readonly charts: readonly Chart[];
  /** True where `measure` starts and stops the server; then it is not started before. */
  readonly startsServers: boolean;
  /** Called once with all subjects, before the warm-up; servers run by then, unless `startsServers`. */
  prepare(subjects: readonly Subject[], signal: AbortSignal): Promise<void>;
  measure(subject: Subject, options: MeasureOptions<P>): Promise<Measurement>;
}

/**
 * Key of a figure of every process that we started: its processor time and that of its descendants, per unit of work. On a machine that
 * others use too, it is much steadier than wall time.
 */
export const processorFigure = "processor_ms";

/** The subject's server. @throws Error where it is a process */
export function serverOf({ server, label }: Subject): ServerClient {
  if (server === null) throw new Error(`${label} is a process that measures itself; this benchmark needs a server.`);
  return server;
}
