// Measures all points of a benchmark in rounds. To make a comparison fair, subjects warm up, are measured one after the other at every
// point of every round, and change their order each time, so that whatever else the machine does affects both.
import {
  processorFigure,
  type Benchmark,
  type MeasureOptions,
  type Point,
  type Subject,
  type Values,
} from "./benchmark.ts";
import { processorTreeMs } from "./peers/process-facts.ts";

export interface RoundsOptions {
  readonly rounds: number;
  /** Rounds before the first that counts. */
  readonly warmups: number;
  /** Called before every measurement, those of the warm-up included. */
  readonly onMeasure: (step: { readonly subject: Subject; readonly point: Point; readonly round: number }) => void;
  readonly signal: AbortSignal;
}

/** Everything that was measured at one point. */
export interface PointResult {
  readonly point: Point;
  /** For each subject, in the order given, the values of each round. */
  readonly rounds: readonly (readonly Values[])[];
  /** For each subject the messages of its failed requests. */
  readonly errors: readonly (readonly string[])[];
}

/** Measures all points of a benchmark, round by round. Servers in `subjects` run, unless the benchmark starts them. */
export async function runRounds<P extends Point>(
  benchmark: Benchmark<P>,
  { subjects, rounds, warmups, onMeasure, signal }: RoundsOptions & { readonly subjects: readonly Subject[] },
): Promise<PointResult[]> {
  await benchmark.prepare(subjects, signal);
  const results = benchmark.points.map((point) => ({
    point,
    rounds: subjects.map((): Values[] => []),
    errors: subjects.map((): string[] => []),
  }));
  for (let round = -warmups; round < rounds; round++) {
    for (const [index, point] of benchmark.points.entries()) {
      for (const place of turnOrder(subjects.length, round + index)) {
        const subject = subjects[place];
        if (subject === undefined) continue;
        signal.throwIfAborted();
        onMeasure({ subject, point, round });
        const { values, errors } = await measureWithProcessor(benchmark, subject, { point, round, signal });
        if (round < 0) continue;
        results[index]?.rounds[place]?.push(values);
        results[index]?.errors[place]?.push(...errors);
      }
    }
  }
  return results;
}

/** Measures, and adds the processor time per unit of work if we started the process and the benchmark counts its work. */
async function measureWithProcessor<P extends Point>(
  benchmark: Benchmark<P>,
  subject: Subject,
  options: MeasureOptions<P>,
): Promise<{ readonly values: Values; readonly errors: readonly string[] }> {
  const before = processorTreeMs(subject.processId());
  const { values, errors, work = 0 } = await benchmark.measure(subject, options);
  const after = processorTreeMs(subject.processId());
  if (subject.processId() === 0 || before === null || after === null || work === 0) return { values, errors };
  return { values: { ...values, [processorFigure]: (after - before) / work }, errors };
}

/** The indices of the subjects: forwards for an even turn, backwards for an odd one. */
function turnOrder(count: number, turn: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  return turn % 2 === 0 ? order : order.reverse();
}
