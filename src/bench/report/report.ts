// The outcome of a benchmark as data, which `--json` writes and from which tables and plots are made.
import { processorFigure, type Benchmark, type Chart, type Figure, type Subject } from "../benchmark.ts";
import { describeMachine, type Machine } from "./machine.ts";
import type { PointResult } from "../rounds.ts";
import { pairedRatio, summarise, type Ratio, type Summary } from "../statistics.ts";

export interface ReportedSubject {
  readonly label: string;
  /** Its base URL or, for a process that measures itself, its command. */
  readonly what: string;
  readonly model: string | null;
  readonly command: string | null;
}

export interface ReportedFigure extends Figure {
  /** One for each subject; `null` where it could not be measured. */
  readonly summaries: readonly (Summary | null)[];
  /** First subject over second; `null` without a second one, or without a round in which both have a value. */
  readonly ratio: Ratio | null;
}

export interface ReportedPoint {
  readonly label: string;
  readonly series: string;
  readonly x: number;
  readonly figures: readonly ReportedFigure[];
  /** Failed requests of each subject. */
  readonly errorCounts: readonly number[];
}

export interface Report {
  readonly benchmark: string;
  readonly title: string;
  /** ISO 8601. */
  readonly date: string;
  readonly commandLine: string;
  readonly machine: Machine;
  readonly parameters: Benchmark["parameters"];
  readonly rounds: number;
  readonly subjects: readonly ReportedSubject[];
  readonly axis: string;
  readonly charts: readonly Chart[];
  readonly points: readonly ReportedPoint[];
  /** Up to five different messages of failed requests, each with its subject. */
  readonly errors: readonly string[];
}

export interface ReportContext {
  readonly subjects: readonly Subject[];
  readonly reported: readonly ReportedSubject[];
  readonly rounds: number;
  readonly commandLine: string;
  readonly date: Date;
}

const shownErrors = 5;

export function createReport(
  benchmark: Omit<Benchmark, "measure" | "prepare">,
  results: readonly PointResult[],
  context: ReportContext,
): Report {
  const figures: readonly Figure[] = [
    ...benchmark.figures,
    { key: processorFigure, title: `processor time per ${benchmark.unitOfWork}`, unit: "ms", better: "lower" },
  ];
  return {
    benchmark: benchmark.name,
    title: benchmark.title,
    date: context.date.toISOString(),
    commandLine: context.commandLine,
    machine: describeMachine(),
    parameters: benchmark.parameters,
    rounds: context.rounds,
    subjects: context.reported,
    axis: benchmark.axis,
    charts: benchmark.charts,
    points: results.map((result) => toPoint(result, figures)),
    errors: firstErrors(results, context.subjects),
  };
}

function toPoint({ point, rounds, errors }: PointResult, figures: readonly Figure[]): ReportedPoint {
  const { label, series, x } = point;
  return {
    label,
    series,
    x,
    figures: figures
      .map((figure) => toFigure(figure, rounds))
      .filter(({ summaries }) => summaries.some((summary) => summary !== null)),
    errorCounts: errors.map((messages) => messages.length),
  };
}

function toFigure(figure: Figure, rounds: PointResult["rounds"]): ReportedFigure {
  const columns = rounds.map((values) => values.map((value) => value[figure.key] ?? Number.NaN));
  const [first, second] = columns;
  return {
    ...figure,
    summaries: columns.map((column) => summarise(column.filter((value) => Number.isFinite(value)))),
    ratio: first === undefined || second === undefined ? null : pairedRatio(first, second),
  };
}

function firstErrors(results: readonly PointResult[], subjects: readonly Subject[]): string[] {
  const messages = results.flatMap(({ errors }) =>
    errors.flatMap((own, place) => own.map((message) => `${subjects[place]?.label ?? ""}: ${message}`)),
  );
  return [...new Set(messages)].slice(0, shownErrors);
}
