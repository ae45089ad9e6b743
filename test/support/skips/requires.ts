// Requirements of tests that a clone or a machine may not meet. Such tests are skipped and say so in their names, from which
// skip-reporter.ts reads the reason: describe.skipIf(!need.isMet)(`the name${need.note}`, ...).

export interface Requirement {
  readonly isMet: boolean;
  /** Ends the name of a test: empty, or what is missing. */
  readonly note: string;
}

export function requirement(isMet: boolean, what: string): Requirement {
  return { isMet, note: isMet ? "" : ` (needs ${what})` };
}

/** Figures of processes are read from /proc. */
export const linux = requirement(process.platform === "linux", "Linux");

/** What a skipped test with this name needs; nothing where its name does not say. */
export function neededBy(name: string): string | undefined {
  return /\(needs ([^)]+)\)/.exec(name)?.[1];
}
