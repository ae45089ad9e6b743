// Going through a value, and its length.
import { typeError } from "../errors.ts";
import { codePointLength } from "./text/code-points.ts";
import { callerText, isText, plain, sliceText, unmarked, type PyString } from "./text/text.ts";
import { typeName } from "./types.ts";
import { Dict, List, PyObject, Tuple, Undefined, type Run, type Value } from "./value.ts";

/** The items as Python's `iter()` gives them. Nothing is paid for here: who takes an item pays for it. */
export function iterate(run: Run, value: Value): Iterable<Value> {
  const items = iterable(run, value);
  if (items === undefined) throw typeError(`'${typeName(value)}' object is not iterable`);
  return items;
}

/** Like {@link iterate}; undefined where Python cannot iterate. */
export function iterable(run: Run, value: Value): Iterable<Value> | undefined {
  if (value instanceof List || value instanceof Tuple) return value.items;
  if (isText(value)) return characters(value);
  if (value instanceof Dict) return value.keys();
  if (value instanceof Undefined) return [];
  return value instanceof PyObject ? value.iterate(run) : undefined;
}

/** The items, paid for. */
export function toItems(run: Run, value: Value): readonly Value[] {
  if (value instanceof List || value instanceof Tuple) {
    run.budget.items(value.items.length);
    return value.items;
  }
  const items: Value[] = [];
  const most = run.budget.limits.items;
  for (const item of iterate(run, value)) {
    run.budget.steps(1);
    items.push(item);
    if (items.length > most) run.budget.items(items.length);
  }
  return items;
}

/** Python's `len()`; undefined where there is none. */
export function lengthOf(run: Run, value: Value): number | undefined {
  if (isText(value)) {
    run.budget.steps(plain(value).length / 64);
    return codePointLength(plain(value));
  }
  if (value instanceof List || value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof Undefined) return 0;
  return value instanceof PyObject ? value.length(run) : undefined;
}

/** The characters, each with its origin, as plain `str`. */
function* characters(text: PyString): Iterable<PyString> {
  if (typeof text === "string") return yield* text;
  if (text.isCallers) {
    for (const character of text.text) yield callerText(character);
    return;
  }
  let offset = 0;
  for (const character of text.text) {
    yield unmarked(sliceText(text, offset, offset + character.length));
    offset += character.length;
  }
}
