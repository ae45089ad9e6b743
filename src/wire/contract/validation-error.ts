// Converts a zod issue to a `ServerError` in the words that OpenAI's API uses for the same fault.
import type { z } from "zod";
import { ServerError } from "../../domain/errors.ts";
import type { ErrorKind } from "../../domain/errors.ts";
import { describeJsonType } from "./common.ts";
import type { Problem } from "./common.ts";

type Path = readonly PropertyKey[];

/** The fields of an issue that are read here; raw issues and those inside a union differ in the others. */
interface Issue {
  readonly code?: string | undefined;
  readonly path?: Path | undefined;
  readonly input?: unknown;
  readonly [field: string]: unknown;
}

const expectedNames: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "an integer",
  boolean: "a boolean",
  array: "an array",
  object: "an object",
  record: "an object",
};

const bareNames: Readonly<Record<string, string>> = {
  array: "array of objects",
  record: "object",
  int: "integer",
  enum: "string",
};

/** The most relevant fault behind `issue`, as an error for the caller. */
export function toServerError(issue: z.core.$ZodRawIssue): ServerError {
  return fromIssue(issue, []);
}

/** A path as OpenAI writes it: `messages[0].content`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else text += text === "" ? String(key) : `.${String(key)}`;
  }
  return text;
}

/**
 * Decides in this order:
 * 1. hand-written problem  2. union: its most relevant branch  3. absent value  4. wrong type  5. out of range
 * 6. pattern  7. not one of the supported values
 */
function fromIssue(issue: Issue, base: Path): ServerError {
  const path = [...base, ...(issue.path ?? [])];
  const param = formatPath(path);
  const problem = problemOf(issue); // 1
  if (problem !== null) return fail(problem.kind, param, problem.message(param));
  if (issue.code === "invalid_union" && !Array.isArray(issue["options"])) return fromUnion(issue, path); // 2
  const value = issue.code === "invalid_union" ? discriminatorValue(issue) : issue.input;
  if (value === undefined || value === null) {
    return fail("missing_parameter", param, `Missing required parameter: '${param}'.`); // 3
  }
  switch (issue.code) {
    case "invalid_type": {
      // 4
      return wrongType(param, expectedType(issue), value);
    }
    case "too_small":
    case "too_big": // 5
      return fail("invalid_value", param, `Invalid '${param}': ${outOfRange(issue, value)}`);
    case "invalid_format": {
      // 6
      const pattern = textOf(issue["pattern"]).replace(/^\/|\/[a-z]*$/g, "");
      const shown = shorten(textOf(value));
      return fail(
        "invalid_value",
        param,
        `Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '${pattern}', but got '${shown}'.`,
      );
    }
    case "invalid_value":
    case "invalid_union": // 7
      return notSupported(param, value, issue["values"] ?? issue["options"]);
    default:
      return fail("invalid_value", param, `Invalid value for '${param}'.`);
  }
}

function fromUnion(issue: Issue, path: Path): ServerError {
  const param = formatPath(path);
  if (issue.input === undefined || issue.input === null) {
    return fail("missing_parameter", param, `Missing required parameter: '${param}'.`);
  }
  const branches = (Array.isArray(issue["errors"]) ? issue["errors"] : []) as readonly (readonly Issue[])[];
  const faults = branches.flatMap(([fault]) => (fault === undefined ? [] : [fault]));
  // The caller meant the branch that got furthest into the value; a fault at the root is of another type altogether.
  const [deepest] = faults.filter((fault) => isInside(fault)).sort((a, b) => depthOf(b) - depthOf(a));
  if (deepest !== undefined) return fromIssue(deepest, path);
  const words = faults.find((fault) => fault.code === "invalid_value" && typeof issue.input === "string");
  if (words !== undefined) return fromIssue({ ...words, input: issue.input }, path);
  const names = [...new Set(faults.flatMap(branchName))];
  if (names.length === 0) return wrongType(param, "another type", issue.input);
  if (faults.some((fault) => problemOf(fault)?.expected !== undefined)) {
    return wrongType(param, names.map(withArticle).join(" or "), issue.input);
  }
  // OpenAI's own words, in which the article stands once.
  return wrongType(param, `one of ${withArticle(names.join(" or "))}`, issue.input);
}

/** What a branch expected, without its article; nothing where only the absence of a value would have been right. */
function branchName(fault: Issue): string[] {
  const own = problemOf(fault)?.expected;
  if (own !== undefined) return [own.replace(/^an? /, "")];
  if (fault.code === "invalid_value") return ["string"];
  const expected = fault["expected"];
  return typeof expected === "string" && expected !== "undefined" ? [bareNames[expected] ?? expected] : [];
}

function withArticle(name: string): string {
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}

/** True where the branch accepts the value's outer type, so that the fault lies inside the value. */
function isInside(fault: Issue): boolean {
  if ((fault.path ?? []).length > 0 || fault.code === "too_small" || fault.code === "too_big") return true;
  return fault.code === "custom" && problemOf(fault)?.kind !== "invalid_type";
}

function depthOf(issue: Issue): number {
  const own = (issue.path ?? []).length;
  const nested = (Array.isArray(issue["errors"]) ? issue["errors"] : []) as readonly (readonly Issue[])[];
  return own + Math.max(0, ...nested.map((branch) => (branch[0] === undefined ? 0 : depthOf(branch[0]))));
}

function problemOf(issue: Issue): Problem | null {
  const params = issue["params"] as { readonly problem?: Problem } | undefined;
  return issue.code === "custom" ? (params?.problem ?? null) : null;
}

/** zod names the JavaScript type first and finds a missing fraction later; a caller wants to hear "an integer" at once. */
function expectedType(issue: Issue): string {
  const schema = issue["inst"] as { readonly _zod?: { readonly def?: { readonly format?: string } } } | undefined;
  const expected = schema?._zod?.def?.format === "safeint" ? "int" : String(issue["expected"]);
  return expectedNames[expected] ?? expected;
}

function discriminatorValue(issue: Issue): unknown {
  const { input } = issue;
  if (typeof input !== "object" || input === null) return input;
  return (input as Record<string, unknown>)[String(issue["discriminator"])];
}

function outOfRange(issue: Issue, value: unknown): string {
  const below = issue.code === "too_small";
  const limit = Number(below ? issue["minimum"] : issue["maximum"]);
  if (typeof value === "number") {
    const sign = below ? (issue["inclusive"] === false ? ">" : ">=") : issue["inclusive"] === false ? "<" : "<=";
    const noun = issue["origin"] === "int" || Number.isInteger(value) ? "integer" : "decimal";
    return `${noun} ${below ? "below minimum" : "above maximum"} value. Expected a value ${sign} ${limit}, but got ${value} instead.`;
  }
  const bound = `${below ? "minimum" : "maximum"} length ${limit}`;
  if (typeof value === "string") {
    const got = value === "" ? "an empty string" : `a string with length ${value.length}`;
    return `string too ${below ? "short" : "long"}. Expected a string with ${bound}, but got ${got} instead.`;
  }
  const length = Array.isArray(value) ? value.length : 0;
  if (length === 0) return `empty array. Expected an array with ${bound}, but got an empty array instead.`;
  return `array too ${below ? "short" : "long"}. Expected an array with ${bound}, but got an array with length ${length} instead.`;
}

function notSupported(param: string, value: unknown, values: unknown): ServerError {
  const supported = (Array.isArray(values) ? values : []).map((each) => `'${String(each)}'`);
  if (typeof value !== "string") return wrongType(param, `one of ${joinWords(supported, "or")}`, value);
  return fail(
    "invalid_value",
    param,
    `Invalid value: '${shorten(value)}'. Supported values are: ${joinWords(supported, "and")}.`,
  );
}

function wrongType(param: string, expected: string, value: unknown): ServerError {
  const message = `Invalid type for '${param}': expected ${expected}, but got ${describeJsonType(value)} instead.`;
  return fail("invalid_type", param, message);
}

function fail(kind: ErrorKind, param: string, message: string): ServerError {
  return new ServerError(kind, param === "" ? { message } : { message, param });
}

function joinWords(words: readonly string[], conjunction: string): string {
  if (words.length <= 2) return words.join(` ${conjunction} `);
  return `${words.slice(0, -1).join(", ")}, ${conjunction} ${words.at(-1) ?? ""}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
