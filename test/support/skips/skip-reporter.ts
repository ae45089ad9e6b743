// Says at the end of a run how many tests were skipped and why, so that no one takes a run without the reference data for a whole one.
import type { Reporter, TestModule } from "vitest/node";
import { neededBy } from "./requires.ts";

/** A test that did not run. */
export interface SkippedTest {
  readonly name: string;
  /** Given by the test itself. */
  readonly note?: string;
}

export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests("skipped")].map((test): SkippedTest => {
        const result = test.result();
        const note = result.state === "skipped" ? result.note : undefined;
        return { name: `${module.relativeModuleId} > ${test.fullName}`, ...(note === undefined ? {} : { note }) };
      }),
    );
    for (const line of skipSummary(skipped)) console.log(line);
  }
}

/** One line in all, then one for each reason, most tests first. Tests without a reason are named, up to ten of them. */
export function skipSummary(skipped: readonly SkippedTest[]): string[] {
  if (skipped.length === 0) return ["No test was skipped."];
  const reasons = new Map<string, number>();
  const silent: string[] = [];
  for (const { name, note } of skipped) {
    const needed = neededBy(name);
    const reason = needed === undefined ? note : `needs ${needed}`;
    if (reason === undefined) silent.push(name);
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const rows = [...reasons].toSorted(([, one], [, other]) => other - one);
  return [
    `${counted(skipped.length)} skipped:`,
    ...rows.map(([reason, count]) => `  ${String(count).padStart(4)}  ${reason}`),
    ...(silent.length === 0 ? [] : [`  ${String(silent.length).padStart(4)}  without a reason, among them:`]),
    ...silent.slice(0, 10).map((name) => `        ${name}`),
  ];
}

function counted(count: number): string {
  return count === 1 ? "1 test was" : `${count} tests were`;
}
