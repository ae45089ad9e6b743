// Filters on lists and other sequences of items.
import { pythonError, typeError } from "../errors.ts";
import { joinAll } from "../methods/string-split.ts";
import { calculate } from "../operators/arithmetic.ts";
import { calculateIntegers } from "../operators/integer-math.ts";
import { slice } from "../operators/subscript.ts";
import { DictView, PyRange } from "../values/collections.ts";
import { createGenerator, PyIterator } from "../values/functions.ts";
import { iterate, lengthOf, toItems } from "../values/iterate.ts";
import { toText } from "../values/repr.ts";
import { defineAll, or, type Body } from "../values/signature.ts";
import { isText } from "../values/text/text.ts";
import { typeName } from "../values/types.ts";
import { Dict, isInteger, List, Tuple, Undefined, type Run, type Value } from "../values/value.ts";
import { attributeGetter } from "./keys.ts";

const length: Body = (run, [value]) => {
  const count = lengthOf(run, value as Value);
  if (count === undefined) throw typeError(`object of type '${typeName(value as Value)}' has no len()`);
  return count;
};

export const sequenceFilters = defineAll({
  length: ["/ value", length],
  count: ["/ value", length],
  list: ["value", (run, [value]) => new List([...toItems(run, value as Value)])],
  first: [
    "seq",
    (run, [value]) => {
      for (const item of iterate(run, value as Value)) return item;
      return new Undefined("No first item, sequence was empty.");
    },
  ],
  last: [
    "seq",
    (run, [value]) => {
      const items = reversible(run, value as Value);
      if (items === undefined) throw typeError(`'${typeName(value as Value)}' object is not reversible`);
      return last(items);
    },
  ],
  random: [
    "seq",
    () => {
      throw pythonError("NotImplementedError", "random would make a different prompt of the same conversation.");
    },
  ],
  reverse: [
    "value",
    (run, [value]) => {
      if (isText(value)) return slice(run, value, { start: null, stop: null, step: -1 });
      const items = reversible(run, value as Value);
      if (items !== undefined) return new PyIterator(items.toReversed(), { typeName: reverseName(value as Value) });
      return new List(toItems(run, value as Value).toReversed());
    },
  ],
  join: [
    "value d? attribute?",
    (run, [value, separator, attribute]) => {
      const key = attributeGetter(run, attribute);
      const items = toItems(run, value as Value).map((item) => toText(run, key(item)));
      return joinAll(run, toText(run, or(separator, "")), items);
    },
  ],
  sum: [
    "iterable attribute? start?",
    (run, [value, attribute, start]) => {
      const key = attributeGetter(run, attribute);
      let total: Value = or(start, 0);
      if (isText(total)) throw typeError("sum() can't sum strings [use ''.join(seq) instead]");
      for (const item of iterate(run, value as Value)) total = calculate(run, "+", [total, key(item)]);
      return total;
    },
  ],
  batch: [
    "value linecount fill_with?",
    (run, [value, size, fill]) =>
      createGenerator("do_batch", batches(run, value as Value, { size: size as Value, fill })),
  ],
  slice: [
    "value slices fill_with?",
    (run, [value, count, fill]) =>
      createGenerator("sync_do_slice", slices(run, value as Value, { count: count as Value, fill })),
  ],
  items: ["value", (run, [value]) => createGenerator("do_items", pairs(run, value as Value))],
});

function last(items: readonly Value[]): Value {
  return items.length === 0 ? new Undefined("No last item, sequence was empty.") : (items.at(-1) as Value);
}

/** The items of what Python can go through backwards. */
function reversible(run: Run, value: Value): readonly Value[] | undefined {
  const isReversible =
    isText(value) ||
    value instanceof List ||
    value instanceof Tuple ||
    value instanceof Dict ||
    value instanceof Undefined ||
    value instanceof DictView ||
    value instanceof PyRange ||
    typeName(value) === "bytes";
  return isReversible ? toItems(run, value) : undefined;
}

function reverseName(value: Value): string {
  if (value instanceof List) return "list_reverseiterator";
  if (value instanceof PyRange) return "range_iterator";
  if (value instanceof Dict) return "dict_reversekeyiterator";
  if (value instanceof DictView) return `dict_reverse${value.kind.replace(/s$/, "")}iterator`;
  return "reversed";
}

interface BatchOptions {
  readonly size: Value;
  readonly fill: Value | undefined;
}

function* batches(run: Run, value: Value, { size, fill = null }: BatchOptions): Iterable<Value> {
  let batch: Value[] = [];
  const isFull = (): boolean => isInteger(size) && batch.length === Number(size);
  for (const item of iterate(run, value)) {
    run.budget.steps(1);
    if (isFull()) {
      yield new List(batch);
      batch = [];
    }
    batch.push(item);
  }
  if (batch.length === 0) return;
  if (fill !== null) {
    const missing = count(size) - batch.length;
    run.budget.items(Math.max(0, missing));
    for (let index = 0; index < missing; index += 1) batch.push(fill);
  }
  yield new List(batch);
}

function* slices(
  run: Run,
  value: Value,
  { count: number, fill = null }: { count: Value; fill: Value | undefined },
): Iterable<Value> {
  const items = toItems(run, value);
  const parts = count(number);
  const each = calculateIntegers(run.budget, "//", [items.length, parts]) as number;
  const longer = items.length - each * parts;
  let offset = 0;
  for (let part = 0; part < parts; part += 1) {
    const start = offset + part * each;
    if (part < longer) offset += 1;
    const own = items.slice(start, offset + (part + 1) * each);
    if (fill !== null && part >= longer) own.push(fill);
    run.budget.items(own.length + 1);
    yield new List(own);
  }
}

function* pairs(run: Run, value: Value): Iterable<Value> {
  if (value instanceof Undefined) return;
  if (!(value instanceof Dict)) throw typeError("Can only get item pairs from a mapping.");
  for (const entry of value.entries()) {
    run.budget.steps(1);
    yield new Tuple(entry);
  }
}

function count(value: Value): number {
  if (isInteger(value)) return Number(value);
  throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
}
