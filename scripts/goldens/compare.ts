// Compares golden values with the committed ones: numbers with a fraction within a tolerance, everything else exactly.

export interface ComparedGoldens {
  readonly committed: unknown;
  readonly made: unknown;
}

/** The differences, as `PATH: COMMITTED is not MADE`. */
export function differences({ committed, made }: ComparedGoldens, tolerance: number): string[] {
  return compare("", { committed, made }, tolerance);
}

function compare(path: string, { committed, made }: ComparedGoldens, tolerance: number): string[] {
  if (typeof committed === "number" && typeof made === "number") {
    const isFraction = !Number.isInteger(committed) || !Number.isInteger(made);
    return Math.abs(committed - made) <= (isFraction ? tolerance : 0) ? [] : [`${path}: ${committed} is not ${made}`];
  }
  if (isTree(committed) && isTree(made)) {
    const keys = new Set([...Object.keys(committed), ...Object.keys(made)]);
    return [...keys].flatMap((key) =>
      compare(`${path}/${key}`, { committed: committed[key], made: made[key] }, tolerance),
    );
  }
  return committed === made ? [] : [`${path}: ${JSON.stringify(committed)} is not ${JSON.stringify(made)}`];
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
