// The values that JavaScript hands to a template, and JSON text whose floats stay floats.
import { pythonError } from "../errors.ts";
import { integer } from "./numbers.ts";
import { callerText, Text, type Origin, type PyString } from "./text/text.ts";
import { Dict, Float, List, type Value } from "./value.ts";

/** Deeper values are refused, so that no function of ours overflows its stack on them. */
const maximumDepth = 500;

/**
 * A value of JavaScript as Python has it: null is None, a whole number is an int, others are floats, an array is a list, an object is
 * a dict, and so is a Map, which keeps its order whatever its keys are. Entries that are undefined are left out, as in JSON; a `Float`
 * is a float even where it is whole. Every string in it, keys included, gets `origin`.
 */
export function fromJavaScript(value: unknown, origin: Origin, depth = 0): Value {
  if (typeof value === "string") return text(value, origin);
  if (typeof value === "boolean" || value === null || value === undefined) return value ?? null;
  if (typeof value === "number") return fromNumber(value);
  if (typeof value === "bigint") return integer(value);
  if (value instanceof Float || value instanceof Text || value instanceof List || value instanceof Dict) return value;
  if (depth >= maximumDepth)
    throw pythonError("RecursionError", `The variables are more than ${maximumDepth} levels deep.`);
  if (Array.isArray(value)) return new List(value.map((item) => fromJavaScript(item, origin, depth + 1)));
  if (value instanceof Map) {
    return new Dict(
      [...value].map(([key, entry]) => [
        fromJavaScript(key, origin, depth + 1),
        fromJavaScript(entry, origin, depth + 1),
      ]),
    );
  }
  if (typeof value !== "object") throw pythonError("TypeError", `A ${typeof value} cannot be given to a template.`);
  return new Dict(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => [text(key, origin), fromJavaScript(entry, origin, depth + 1)]),
  );
}

/**
 * An integer beyond 2^53 is an int too: JavaScript's JSON reads 12345678901234567890 as a number. From 1e21 on JSON has an exponent,
 * and Python reads a float.
 */
function fromNumber(value: number): Value {
  if (!Number.isInteger(value) || Math.abs(value) >= 1e21) return new Float(value);
  return Number.isSafeInteger(value) ? value + 0 : BigInt(value);
}

function text(value: string, origin: Origin): PyString {
  return origin === "caller" ? callerText(value) : value;
}

/**
 * JSON as Python's `json.loads` reads it, as far as JavaScript's values go: 2.0 and 1e3 are floats (`Float`) and integers
 * beyond 2^53 are exact (bigint). Throws a SyntaxError like `JSON.parse`.
 */
export function parseJsonForTemplate(json: string): unknown {
  const mark = unusedMark(JSON.stringify(JSON.parse(json)));
  // Strings are matched whole, so that digits in them are left alone; each number becomes a string with a mark that no string has.
  const tagged = json.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') ? token : `"${mark}${token}"`,
  );
  return JSON.parse(tagged, (_key, value: unknown) => {
    if (typeof value !== "string" || !value.startsWith(mark)) return value;
    const number = value.slice(mark.length);
    if (/[.eE]/.test(number)) return new Float(Number(number));
    return Number.isSafeInteger(Number(number)) ? Number(number) + 0 : BigInt(number);
  });
}

function unusedMark(json: string): string {
  for (let number = 0; ; number += 1) {
    const mark = `number-${number}:`;
    if (!json.includes(mark)) return mark;
  }
}
