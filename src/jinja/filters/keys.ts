// What filters compare items by: an attribute of theirs, without regard to case unless asked.
import { lower } from "../values/text/case.ts";
import { isOrdered } from "../values/compare.ts";
import { isText, plain } from "../values/text/text.ts";
import { List, Undefined, type Run, type Value } from "../values/value.ts";

export type Key = (item: Value) => Value;

export interface KeyOptions {
  /** What stands for an attribute that is missing; undefined where it stays missing. */
  readonly fallback?: Value | undefined;
  readonly ignoresCase?: boolean;
}

/** Reads an attribute as jinja2's filters name it: `a.b.0` is one after the other, a number an index, None the item itself. */
export function attributeGetter(run: Run, attribute: Value | undefined, options: KeyOptions = {}): Key {
  const { fallback = null, ignoresCase = false } = options;
  const parts = partsOf(attribute);
  return (item) => {
    let value = item;
    for (const part of parts) {
      value = run.item(run, value, part);
      if (fallback !== null && value instanceof Undefined) value = fallback;
    }
    return ignoresCase ? withoutCase(value) : value;
  };
}

/** Reads several attributes with commas between them, as a list. */
export function attributesGetter(run: Run, attribute: Value | undefined, options: KeyOptions = {}): Key {
  const names = attribute !== undefined && isText(attribute) ? plain(attribute).split(",") : [attribute];
  const getters = names.map((name) => attributeGetter(run, name, options));
  return (item) => new List(getters.map((getter) => getter(item)));
}

function partsOf(attribute: Value | undefined): readonly Value[] {
  if (attribute === undefined || attribute === null) return [];
  if (!isText(attribute)) return [attribute];
  return plain(attribute)
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

export function withoutCase(value: Value): Value {
  return isText(value) ? lower(value) : value;
}

/** The items by their keys, equal ones in their order. */
export function sortedBy(
  run: Run,
  items: readonly Value[],
  { key, isReversed }: { key: Key; isReversed: boolean },
): Value[] {
  run.budget.items(items.length);
  const keyed = items.map((item) => ({ item, by: key(item) }));
  const direction = isReversed ? -1 : 1;
  const isLess = (left: Value, right: Value): boolean => {
    run.budget.steps(1);
    return isOrdered(run, "<", { left, right });
  };
  return keyed
    .sort((one, other) => (isLess(one.by, other.by) ? -direction : isLess(other.by, one.by) ? direction : 0))
    .map(({ item }) => item);
}
