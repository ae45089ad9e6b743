// All tests of jinja2: `value is name(arguments)`.
import { calculate } from "../operators/arithmetic.ts";
import { contains, isEqual, isOrdered, type Ordering } from "../values/compare.ts";
import { iterable } from "../values/iterate.ts";
import { isSame } from "../values/numbers.ts";
import { toText } from "../values/repr.ts";
import { defineAll, type Body } from "../values/signature.ts";
import { isMarkup, isText, plain } from "../values/text/text.ts";
import { isCallable } from "../values/types.ts";
import {
  Dict,
  Float,
  isInteger,
  isNumber,
  List,
  PyObject,
  Tuple,
  Undefined,
  type Run,
  type Value,
} from "../values/value.ts";

const equal: Body = (run, [value, other]) => isEqual(run, value as Value, other as Value);
const unequal: Body = (run, [value, other]) => !isEqual(run, value as Value, other as Value);

function ordered(ordering: Ordering): Body {
  return (run, [value, other]) => isOrdered(run, ordering, { left: value as Value, right: other as Value });
}

/** The remainder of a value as Python computes it; a string is a format, whose result equals no number. */
function remainder(run: Run, value: Value, divisor: Value): Value {
  return calculate(run, "%", [value, divisor]);
}

export const tests = defineAll({
  odd: ["value", (run, [value]) => isEqual(run, remainder(run, value as Value, 2), 1)],
  even: ["value", (run, [value]) => isEqual(run, remainder(run, value as Value, 2), 0)],
  divisibleby: [
    "value num",
    (run, [value, divisor]) => isEqual(run, remainder(run, value as Value, divisor as Value), 0),
  ],
  defined: ["value", (_run, [value]) => !(value instanceof Undefined)],
  undefined: ["value", (_run, [value]) => value instanceof Undefined],
  filter: ["value", (run, [value]) => isKnown(run.filters, value as Value)],
  test: ["value", (run, [value]) => isKnown(run.tests, value as Value)],
  none: ["value", (_run, [value]) => value === null],
  boolean: ["value", (_run, [value]) => typeof value === "boolean"],
  false: ["value", (_run, [value]) => value === false],
  true: ["value", (_run, [value]) => value === true],
  integer: ["value", (_run, [value]) => isInteger(value as Value) && typeof value !== "boolean"],
  float: ["value", (_run, [value]) => value instanceof Float],
  lower: ["value", (run, [value]) => isCased(run, value as Value, "lower")],
  upper: ["value", (run, [value]) => isCased(run, value as Value, "upper")],
  string: ["value", (_run, [value]) => isText(value)],
  mapping: ["value", (_run, [value]) => value instanceof Dict],
  number: ["value", (_run, [value]) => isNumber(value as Value)],
  sequence: ["value", (_run, [value]) => isSequence(value as Value)],
  iterable: ["value", (run, [value]) => iterable(run, value as Value) !== undefined],
  callable: ["value", (_run, [value]) => isCallable(value as Value)],
  sameas: ["value other", (_run, [value, other]) => isSame(value as Value, other as Value)],
  escaped: ["value", (_run, [value]) => isText(value) && isMarkup(value)],
  in: ["value seq", (run, [value, haystack]) => contains(run, haystack as Value, value as Value)],
  "==": ["/ value other", equal],
  eq: ["/ value other", equal],
  equalto: ["/ value other", equal],
  "!=": ["/ value other", unequal],
  ne: ["/ value other", unequal],
  ">": ["/ value other", ordered(">")],
  gt: ["/ value other", ordered(">")],
  greaterthan: ["/ value other", ordered(">")],
  ge: ["/ value other", ordered(">=")],
  ">=": ["/ value other", ordered(">=")],
  "<": ["/ value other", ordered("<")],
  lt: ["/ value other", ordered("<")],
  lessthan: ["/ value other", ordered("<")],
  "<=": ["/ value other", ordered("<=")],
  le: ["/ value other", ordered("<=")],
});

function isKnown(table: ReadonlyMap<string, unknown>, name: Value): boolean {
  if (isText(name)) return table.has(plain(name));
  // Looking a value up in a dict throws where it cannot be hashed.
  return new Dict().has(name);
}

/** `str(value).islower()` and its like. */
function isCased(run: Run, value: Value, kind: "lower" | "upper"): boolean {
  const text = plain(toText(run, value));
  run.budget.text(text.length);
  const [own, other] =
    kind === "lower" ? [/\p{Lowercase}/u, /[\p{Uppercase}\p{Lt}]/u] : [/\p{Uppercase}/u, /[\p{Lowercase}\p{Lt}]/u];
  return own.test(text) && !other.test(text);
}

/** What has a length and can be asked for an item. */
function isSequence(value: Value): boolean {
  if (isText(value) || value instanceof List || value instanceof Tuple || value instanceof Dict) return true;
  return value instanceof Undefined || (value instanceof PyObject && ["range", "bytes"].includes(value.typeName));
}
