// Methods of list, tuple, dict and range that change nothing, and the names of those that would.
import { typeError, valueError } from "../errors.ts";
import { DictView, PyRange } from "../values/collections.ts";
import { isEqual } from "../values/compare.ts";
import { iterate } from "../values/iterate.ts";
import { defineAll, or } from "../values/signature.ts";
import { typeName } from "../values/types.ts";
import { Dict, isInteger, List, Tuple, type Call, type Run, type Value } from "../values/value.ts";

const sequenceMethods = defineAll({
  count: [
    "/ self value",
    (run, [self, value]) => {
      let count = 0;
      for (const item of iterate(run, self as Value)) {
        run.budget.steps(1);
        if (isEqual(run, item, value as Value)) count += 1;
      }
      return count;
    },
  ],
  index: [
    "/ self value start? stop?",
    (run, [self, value, start, stop]) => indexOf(run, self as Value, { value: value as Value, start, stop }),
  ],
});

const listMethods: ReadonlyMap<string, Call> = new Map([
  ...sequenceMethods,
  ...defineAll({
    copy: [
      "/ self",
      (run, [self]) => {
        run.budget.items((self as List).items.length);
        return new List([...(self as List).items]);
      },
    ],
  }),
]);

const dictMethods = defineAll({
  get: [
    "/ self key default?",
    (_run, [self, key, fallback]) => or((self as Dict).get(key as Value), or(fallback, null)),
  ],
  keys: ["/ self", (_run, [self]) => new DictView(self as Dict, "keys")],
  values: ["/ self", (_run, [self]) => new DictView(self as Dict, "values")],
  items: ["/ self", (_run, [self]) => new DictView(self as Dict, "items")],
  copy: [
    "/ self",
    (run, [self]) => {
      run.budget.items((self as Dict).size);
      return new Dict((self as Dict).entries());
    },
  ],
  fromkeys: [
    "/ self iterable value?",
    (run, [, iterable, value]) => {
      const entries: [Value, Value][] = [];
      for (const key of iterate(run, iterable as Value)) {
        run.budget.steps(1);
        entries.push([key, value ?? null]);
      }
      return new Dict(entries);
    },
  ],
});

/** Methods that the immutable sandbox refuses: asking for them gives something undefined. */
const mutators: Readonly<Record<string, readonly string[]>> = {
  list: ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"],
  dict: ["clear", "pop", "popitem", "setdefault", "update"],
};

export function isMutator(value: Value, name: string): boolean {
  return mutators[typeName(value)]?.includes(name) === true;
}

/** The method of that name, which takes the container as its first argument. */
export function containerMethod(value: Value, name: string): Call | undefined {
  if (value instanceof Dict) return dictMethods.get(name);
  if (value instanceof List) return listMethods.get(name);
  return value instanceof Tuple || value instanceof PyRange ? sequenceMethods.get(name) : undefined;
}

function indexOf(
  run: Run,
  self: Value,
  { value, start, stop }: { value: Value; start: Value | undefined; stop: Value | undefined },
): number {
  const items = [...iterate(run, self)];
  run.budget.items(items.length);
  const bound = (given: Value | undefined, usual: number): number => {
    if (given === undefined) return usual;
    if (!isInteger(given)) throw typeError("slice indices must be integers or have an __index__ method");
    return Number(given) < 0 ? Math.max(0, Number(given) + items.length) : Number(given);
  };
  const last = Math.min(bound(stop, items.length), items.length);
  for (let index = bound(start, 0); index < last; index += 1) {
    if (isEqual(run, items[index] as Value, value)) return index;
  }
  throw valueError(`value is not in ${typeName(self)}`);
}
