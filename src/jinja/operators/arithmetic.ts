// Python's arithmetic operators on all types that have them.
import { pythonError, typeError } from "../errors.ts";
import { repeat } from "../format/pad.ts";
import { formatPercent } from "../format/printf.ts";
import { escaped } from "../values/markup.ts";
import { toNumber } from "../values/numbers.ts";
import { concat, isMarkup, isText, plain, withMarkup, type PyString } from "../values/text/text.ts";
import { present, typeName } from "../values/types.ts";
import { Float, isInteger, isNumber, List, Tuple, type Run, type Value } from "../values/value.ts";
import { calculateFloats } from "./float-math.ts";
import { calculateIntegers, type Operator } from "./integer-math.ts";

/** `left operator right`. */
export function calculate(run: Run, operator: Operator, [left, right]: readonly [Value, Value]): Value {
  run.budget.steps(1);
  if (isNumber(left) && isNumber(right)) {
    if (isInteger(left) && isInteger(right))
      return calculateIntegers(run.budget, operator, [toInt(left), toInt(right)]);
    return new Float(calculateFloats(operator, toNumber(left), toNumber(right)));
  }
  if (operator === "+") return add(run, left, right);
  if (operator === "*") return multiply(run, left, right);
  if (operator === "%" && isText(left)) return formatText(run, left, right);
  present(left);
  present(right);
  throw unsupported(operator === "**" ? "** or pow()" : operator, left, right);
}

/** `-value` or `+value`. */
export function negate(value: Value, sign: "-" | "+"): Value {
  const number = present(value);
  if (!isNumber(number)) throw typeError(`bad operand type for unary ${sign}: '${typeName(value)}'`);
  if (number instanceof Float) return new Float(sign === "-" ? -number.value : number.value);
  const whole = toInt(number);
  if (sign === "+") return whole;
  return typeof whole === "number" ? 0 - whole : -whole;
}

/** The text of both, one after the other; the one that is no markup is escaped where the other is. */
export function joinTexts(run: Run, left: PyString, right: PyString): PyString {
  run.budget.joined(plain(left).length, plain(right).length);
  if (!isMarkup(left) && !isMarkup(right)) return concat(left, right);
  return withMarkup(concat(escaped(run, left), escaped(run, right)), true);
}

function add(run: Run, left: Value, right: Value): Value {
  if (isText(left) && isText(right)) return joinTexts(run, left, right);
  if ((left instanceof List && right instanceof List) || (left instanceof Tuple && right instanceof Tuple)) {
    run.budget.items(left.items.length + right.items.length);
    const items = [...left.items, ...right.items];
    return left instanceof List ? new List(items) : new Tuple(items);
  }
  present(left);
  present(right);
  if (isText(left)) throw typeError(`can only concatenate str (not "${typeName(right)}") to str`);
  throw unsupported("+", left, right);
}

function multiply(run: Run, left: Value, right: Value): Value {
  if (isInteger(left) && !isInteger(right)) return multiply(run, right, left);
  if (isInteger(right)) {
    if (!isSequence(left)) throw unsupported("*", present(left), right);
    if (Math.abs(Number(right)) >= 2 ** 63) {
      throw pythonError("OverflowError", "cannot fit 'int' into an index-sized integer");
    }
    const count = Math.max(0, Number(right));
    if (isText(left)) return withMarkup(repeat(run.budget, left, count), isMarkup(left));
    if (left instanceof List) return new List(repeatItems(run, left.items, count));
    if (left instanceof Tuple) return new Tuple(repeatItems(run, left.items, count));
  }
  present(left);
  present(right);
  throw unsupported("*", left, right);
}

function isSequence(value: Value): boolean {
  return isText(value) || value instanceof List || value instanceof Tuple;
}

function repeatItems(run: Run, items: readonly Value[], count: number): Value[] {
  if (items.length === 0) return [];
  run.budget.items(items.length * count);
  return Array.from({ length: count }, () => items).flat();
}

function formatText(run: Run, template: PyString, values: Value): PyString {
  if (!isMarkup(template)) return formatPercent(run, template, { values });
  return withMarkup(formatPercent(run, template, { values, toText: escaped }), true);
}

function toInt(value: number | bigint | boolean): number | bigint {
  return typeof value === "boolean" ? Number(value) : value;
}

function unsupported(operator: string, left: Value, right: Value): Error {
  return typeError(`unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`);
}
