// Building blocks of every wire schema. A schema is built on first use, because constructing all of them costs more of
// the server's cold start than reading the code that describes them.
import { z } from "zod";
import type { ErrorKind } from "../../domain/errors.ts";
import { isRecord } from "../../util/is-record.ts";

/** A schema behind a function that builds it once. */
export type LazySchema<S extends z.ZodType = z.ZodType> = () => S;

/** The TypeScript type of what a lazy schema accepts. */
export type Wire<S extends LazySchema> = z.infer<ReturnType<S>>;

/** A fault that hand-written inspection has found in a value; `path` leads from the inspected value to the fault. */
export interface Problem {
  readonly kind: ErrorKind;
  /** `param` is the full path of the fault, such as `input[3]`. */
  readonly message: (param: string) => string;
  readonly path?: readonly (string | number)[];
  /** The type that was expected, with its article. */
  readonly expected?: string;
}

const maxFreeFormDepth = 100;

/** Calls `build` at the first call, and returns its result at every one. */
export function once<T>(build: () => T): () => T {
  let built: { readonly value: T } | undefined;
  return () => (built ??= { value: build() }).value;
}

/**
 * A schema whose check is a hand-written function, for values where a zod union or array would collect one issue per
 * element: a 25 MB body of wrong elements must cost one error, not millions. The value passes through untouched, so
 * nulls and unknown keys inside it survive. `jsonSchema` describes it in the OpenAPI document.
 */
export function inspected<T>(
  inspect: (value: unknown) => Problem | null,
  jsonSchema: Record<string, unknown>,
): z.ZodType<T> {
  return z
    .custom<T>()
    .superRefine((value, context) => {
      const problem = inspect(value);
      if (problem !== null) {
        context.addIssue({
          code: "custom",
          path: [...(problem.path ?? [])],
          params: { problem },
          continue: false,
        });
      }
    })
    .meta(jsonSchema);
}

/** The kind of a JSON value with its article, as it stands in error messages. */
export function describeJsonType(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  switch (typeof value) {
    case "string":
      return value === "" ? "an empty string" : "a string";
    case "number":
      // JSON such as 1e999 is read as infinity.
      if (!Number.isFinite(value)) return "a number out of range";
      return Number.isInteger(value) ? "an integer" : "a decimal number";
    case "boolean":
      return "a boolean";
    default:
      return "an object";
  }
}

export function missingProblem(path: readonly (string | number)[] = []): Problem {
  return { kind: "missing_parameter", path, message: (param) => `Missing required parameter: '${param}'.` };
}

export function typeProblem(expected: string, value: unknown, path: readonly (string | number)[] = []): Problem {
  return {
    kind: "invalid_type",
    path,
    expected,
    message: (param) =>
      `Invalid type for '${param}': expected ${expected}, but got ${describeJsonType(value)} instead.`,
  };
}

export function valueProblem(reason: string, path: readonly (string | number)[] = []): Problem {
  return { kind: "invalid_value", path, message: (param) => `Invalid '${param}': ${reason}` };
}

/**
 * A JSON object of the caller's own making (JSON schema, template variables, metadata), kept as it is, nulls included.
 * Nesting is bounded, because code further down walks such values recursively.
 */
export function freeFormObject(description: string): z.ZodType<Record<string, unknown>> {
  return inspected<Record<string, unknown>>(inspectFreeForm, {
    type: "object",
    additionalProperties: true,
    description,
  });
}

/** `null` when `value` is a JSON object nested at most {@link maxFreeFormDepth} levels deep. */
function inspectFreeForm(value: unknown): Problem | null {
  if (value === undefined || value === null) return missingProblem();
  if (!isRecord(value)) return typeProblem("an object", value);
  if (isDeeperThan(value, maxFreeFormDepth)) {
    return valueProblem(`nested too deeply. Expected at most ${maxFreeFormDepth} levels.`);
  }
  return null;
}

/** Level by level rather than recursively: the value that must be refused is the one that would overflow the stack. */
function isDeeperThan(root: object, limit: number): boolean {
  let level: object[] = [root];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    const next: object[] = [];
    for (const node of level) {
      for (const child of Object.values(node)) {
        if (typeof child === "object" && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return false;
}

/** `{ [key]: value }` where the request says something, else nothing: null and undefined mean absent. */
export function given<K extends string, V>(key: K, value: V | null | undefined): { readonly [P in K]?: V } {
  return (value === null || value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}
