// Turns zod's issues into sentences for an operator.
import { z } from "zod";
import { isRecord } from "../../util/is-record.ts";
import { nearestName } from "../../util/nearest.ts";
import { formatPath, type ConfigurationProblem, type Origin } from "./problems.ts";
import { modelSchemas } from "../schema/models.ts";
import { sections } from "../schema/configuration.ts";

interface IssueContext {
  /** Path of the validated value inside the whole configuration. */
  readonly base: readonly PropertyKey[];
  /** The value that was validated. */
  readonly value: unknown;
  readonly schema: z.ZodType;
  readonly originOf: (path: readonly PropertyKey[]) => Origin;
}

/** One problem per mistake; the place of each is the key at fault. */
export function toProblems(error: z.ZodError, context: IssueContext): ConfigurationProblem[] {
  const problems = error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => toUnknownKey(key, issue.path, context))
      : [toWrongValue(issue, context)],
  );
  // A number that is neither whole nor in range breaks two rules that share one sentence.
  return problems.filter(
    (problem, index) =>
      problems.findIndex((other) => other.path === problem.path && other.message === problem.message) === index,
  );
}

function toWrongValue(issue: z.core.$ZodIssue, context: IssueContext): ConfigurationProblem {
  const path = [...context.base, ...issue.path];
  const value = issue.path.reduce<unknown>(
    (inner, key) =>
      isRecord(inner) || Array.isArray(inner) ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    context.value,
  );
  // The schemas' own sentences begin with "must"; any other message is zod's.
  const expectation = issue.message.startsWith("must ") ? issue.message : describeExpectation(issue);
  const found = value === undefined ? "is missing: it " : "";
  const isSecret = path[1] === "api_keys";
  const not = value === undefined || isSecret ? "" : `, not ${show(value)}`;
  return {
    origin: context.originOf(path),
    path: formatPath(path),
    message: `${found}${expectation}${not}${meant(issue, value)}`,
  };
}

function describeExpectation(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type")
    return `must be ${issue.expected === "object" ? "a mapping of keys" : issue.expected}`;
  return `is wrong: ${issue.message}`;
}

function meant(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code !== "invalid_value" || typeof value !== "string") return "";
  const nearest = nearestName(value, issue.values.map(String));
  return nearest === null ? "" : `; did you mean ${nearest}?`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/**
 * Says what an unknown key probably was, in this order:
 * 1. a key of the same place, mistyped;
 * 2. a key of another section (`port` at the top is `server.port`);
 * 3. an option of another kind of model;
 * 4. else the keys that this place has.
 */
function toUnknownKey(key: string, at: readonly PropertyKey[], context: IssueContext): ConfigurationProblem {
  const place = [...context.base, ...at];
  const path = [...place, key];
  const known = keysAt(context.schema, at);
  const problem = (hint: string): ConfigurationProblem => ({
    origin: context.originOf(path),
    path: formatPath(path),
    message: `is not a known key; ${hint}`,
  });
  const near = nearestName(key, known); // 1.
  if (near !== null) return problem(`did you mean ${near}?`);
  const elsewhere = Object.entries(sections).find(([, section]) => key in section.shape); // 2.
  if (elsewhere !== undefined && place[0] !== "models") return problem(`did you mean ${elsewhere[0]}.${key}?`);
  const foreign = place[0] === "models" && place.length === 2 ? nearestForeign(key) : null; // 3.
  if (foreign !== null) {
    const own = Object.entries(modelSchemas).find(([, schema]) => schema === context.schema)?.[0] ?? "another";
    const { name, kinds } = foreign;
    if (name !== key) return problem(`did you mean ${name}, which is for models of kind ${kinds}?`);
    return problem(`it is for models of kind ${kinds}, and this one is of kind ${own}`);
  }
  return problem(`the keys here are ${known.join(", ")}`); // 4.
}

/** The option of some kind of model that was probably meant, and the kinds that have it. */
function nearestForeign(key: string): { readonly name: string; readonly kinds: string } | null {
  const schemas = Object.entries(modelSchemas);
  const name = nearestName(key, new Set(schemas.flatMap(([, schema]) => Object.keys(schema.shape))));
  if (name === null) return null;
  return {
    name,
    kinds: schemas.flatMap(([kind, schema]) => (name in schema.shape ? [kind] : [])).join(", "),
  };
}

/** Keys of the object at `path` inside a schema. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: z.ZodType | undefined = schema;
  for (const segment of path) {
    current = bare(current);
    if (current instanceof z.ZodObject) current = (current.shape as Record<PropertyKey, z.ZodType>)[segment];
    else if (current instanceof z.ZodArray) current = current.element as z.ZodType;
    else return [];
  }
  const object = bare(current);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function bare(schema: z.ZodType | undefined): z.ZodType | undefined {
  let current = schema;
  while (current instanceof z.ZodDefault || current instanceof z.ZodPrefault || current instanceof z.ZodOptional) {
    current = current.unwrap() as z.ZodType;
  }
  return current;
}
