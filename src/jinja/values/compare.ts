// Python's ==, < and `in`: numbers by value whatever their type, strings by code points, containers item by item.
import { typeError } from "../errors.ts";
import { compareCodePoints } from "./text/code-points.ts";
import { iterable } from "./iterate.ts";
import { isText, plain } from "./text/text.ts";
import { present, typeName } from "./types.ts";
import { Dict, Float, isNumber, List, PyObject, Tuple, Undefined, type Run, type Value } from "./value.ts";

export function isEqual(run: Run, left: Value, right: Value): boolean {
  if (isText(left)) return isText(right) && plain(left) === plain(right);
  if (isNumber(left)) return isNumber(right) && compareNumbers(left, right) === 0;
  if (left === right) return true;
  if (left === null || right === null) return false;
  if (left instanceof List) return right instanceof List && areItemsEqual(run, left.items, right.items);
  if (left instanceof Tuple) return right instanceof Tuple && areItemsEqual(run, left.items, right.items);
  if (left instanceof Dict) return right instanceof Dict && areDictsEqual(run, left, right);
  if (left instanceof Undefined) return right instanceof Undefined;
  return left instanceof PyObject && right instanceof PyObject && areObjectsEqual(run, left, right);
}

/** `needle in haystack`. */
export function contains(run: Run, haystack: Value, needle: Value): boolean {
  if (isText(haystack)) {
    if (!isText(needle)) throw typeError(`'in <string>' requires string as left operand, not ${typeName(needle)}`);
    run.budget.steps(plain(haystack).length / 32);
    return plain(haystack).includes(plain(needle));
  }
  if (haystack instanceof Dict) return haystack.has(needle);
  const found = haystack instanceof PyObject ? haystack.contains(needle) : undefined;
  if (found !== undefined) return found;
  const items = iterable(run, haystack);
  if (items === undefined) throw typeError(`argument of type '${typeName(haystack)}' is not iterable`);
  for (const item of items) {
    run.budget.steps(1);
    if (item === needle || isEqual(run, item, needle)) return true;
  }
  return false;
}

export type Ordering = "<" | "<=" | ">" | ">=";

/** `left < right` and its like. */
export function isOrdered(run: Run, ordering: Ordering, sides: { left: Value; right: Value }): boolean {
  const order = compare(run, ordering, sides);
  if (ordering === "<") return order < 0;
  if (ordering === "<=") return order <= 0;
  return ordering === ">" ? order > 0 : order >= 0;
}

/** Less than, equal to or greater than 0; NaN where no order holds. `ordering` names the operator in the message. */
function compare(run: Run, ordering: Ordering, { left, right }: { left: Value; right: Value }): number {
  if (isText(left) && isText(right)) {
    run.budget.steps(1 + Math.min(plain(left).length, plain(right).length) / 64);
    return compareCodePoints(plain(left), plain(right));
  }
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right);
  if ((left instanceof List && right instanceof List) || (left instanceof Tuple && right instanceof Tuple)) {
    const shared = Math.min(left.items.length, right.items.length);
    for (let index = 0; index < shared; index += 1) {
      run.budget.steps(1);
      const sides = { left: left.items[index] as Value, right: right.items[index] as Value };
      if (sides.left === sides.right || isEqual(run, sides.left, sides.right)) continue;
      return run.budget.deeper(() => compare(run, ordering, sides));
    }
    return left.items.length - right.items.length;
  }
  present(left);
  present(right);
  throw typeError(`'${ordering}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`);
}

function compareNumbers(left: number | bigint | boolean | Float, right: number | bigint | boolean | Float): number {
  const one = left instanceof Float ? left.value : typeof left === "boolean" ? Number(left) : left;
  const other = right instanceof Float ? right.value : typeof right === "boolean" ? Number(right) : right;
  if (one < other) return -1;
  if (one > other) return 1;
  // oxlint-disable-next-line eqeqeq -- a bigint and a number that are equal are not identical
  return one == other ? 0 : NaN;
}

function areItemsEqual(run: Run, left: readonly Value[], right: readonly Value[]): boolean {
  if (left.length !== right.length) return false;
  run.budget.steps(left.length);
  return run.budget.deeper(() =>
    left.every((item, index) => item === right[index] || isEqual(run, item, right[index] as Value)),
  );
}

function areDictsEqual(run: Run, left: Dict, right: Dict): boolean {
  if (left.size !== right.size) return false;
  run.budget.steps(left.size);
  return run.budget.deeper(() => {
    for (const [key, value] of left.entries()) {
      if (!right.has(key)) return false;
      const other = right.get(key) as Value;
      if (value !== other && !isEqual(run, value, other)) return false;
    }
    return true;
  });
}

function areObjectsEqual(run: Run, left: PyObject, right: PyObject): boolean {
  const key = left.comparisonKey(run);
  const other = right.comparisonKey(run);
  return key !== undefined && other !== undefined && left.typeName === right.typeName && isEqual(run, key, other);
}
