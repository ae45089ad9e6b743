// The problems of a configuration, as an operator is told of them: all at once, each with its place.

/** Where a value came from. */
export type Origin =
  | { readonly from: "file"; readonly file: string; readonly line: number; readonly column: number }
  | { readonly from: "flag"; readonly flag: string }
  | { readonly from: "variable"; readonly variable: string };

export interface ConfigurationProblem {
  readonly origin: Origin;
  /** Path of the key, e.g. `models."a/b".ttl`; empty for the file as a whole. */
  readonly path: string;
  /** The rest of a sentence that begins with the path: `is not a known key; ...`. */
  readonly message: string;
}

/** The configuration cannot be used. The message holds every problem, a line each. */
export class ConfigurationError extends Error {
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[], options?: ErrorOptions) {
    super(problems.map(formatProblem).join("\n"), options);
    this.name = "ConfigurationError";
    this.problems = problems;
  }
}

/** One line: place, path, sentence. */
export function formatProblem(problem: ConfigurationProblem): string {
  const place = formatOrigin(problem.origin);
  return problem.path === "" ? `${place}: ${problem.message}` : `${place}: ${problem.path} ${problem.message}`;
}

export function formatOrigin(origin: Origin): string {
  switch (origin.from) {
    case "file":
      return `${origin.file}:${origin.line}:${origin.column}`;
    case "flag":
      return `--${origin.flag}`;
    case "variable":
      return origin.variable;
  }
}

/** `models."a/b".ttl`: segments that are no plain word are quoted, list positions are in brackets. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((segment, index) => {
      if (typeof segment === "number") return `[${segment}]`;
      const name = /^[\w-]+$/.test(String(segment)) ? String(segment) : JSON.stringify(String(segment));
      return index === 0 ? name : `.${name}`;
    })
    .join("");
}
