// Filters that sort, group and compare items.
import { pythonError } from "../errors.ts";
import { isEqual, isOrdered } from "../values/compare.ts";
import { createGenerator } from "../values/functions.ts";
import { iterate, toItems } from "../values/iterate.ts";
import { defineAll, type Body } from "../values/signature.ts";
import { isText, plain } from "../values/text/text.ts";
import { isTrue, present, typeName } from "../values/types.ts";
import { Dict, List, Tuple, Undefined, type Run, type Value } from "../values/value.ts";
import { attributeGetter, attributesGetter, sortedBy, withoutCase } from "./keys.ts";

export const orderFilters = defineAll({
  sort: [
    "value reverse? case_sensitive? attribute?",
    (run, [value, reverse, sensitive, attribute]) => {
      const key = attributesGetter(run, attribute, { ignoresCase: !isTrue(sensitive ?? false, run) });
      return new List(sortedBy(run, toItems(run, value as Value), { key, isReversed: isTrue(reverse ?? false, run) }));
    },
  ],
  dictsort: [
    "value case_sensitive? by? reverse?",
    (run, [value, sensitive, by, reverse]) => {
      const place =
        by === undefined || (isText(by) && plain(by) === "key") ? 0 : isText(by) && plain(by) === "value" ? 1 : -1;
      if (place === -1) throw pythonError("FilterArgumentError", 'You can only sort by either "key" or "value"');
      const dict = present(value as Value);
      if (!(dict instanceof Dict))
        throw pythonError("AttributeError", `'${typeName(dict)}' object has no attribute 'items'`);
      const ignoresCase = !isTrue(sensitive ?? false, run);
      const key = (item: Value): Value => {
        const part = (item as Tuple).items[place] as Value;
        return ignoresCase ? withoutCase(part) : part;
      };
      const pairs = [...dict.entries()].map((entry) => new Tuple(entry));
      return new List(sortedBy(run, pairs, { key, isReversed: isTrue(reverse ?? false, run) }));
    },
  ],
  groupby: [
    "value attribute default? case_sensitive?",
    (run, [value, attribute, fallback, sensitive]) => {
      const ignoresCase = !isTrue(sensitive ?? false, run);
      const key = attributeGetter(run, attribute, { fallback, ignoresCase });
      const shown = attributeGetter(run, attribute, { fallback });
      const groups: { key: Value; items: Value[] }[] = [];
      for (const item of sortedBy(run, toItems(run, value as Value), { key, isReversed: false })) {
        const own = key(item);
        const last = groups.at(-1);
        if (last !== undefined && isEqual(run, last.key, own)) last.items.push(item);
        else groups.push({ key: own, items: [item] });
      }
      return new List(
        groups.map(({ items }) => new Tuple([shown(items[0] as Value), new List(items)], ["grouper", "list"])),
      );
    },
  ],
  unique: [
    "value case_sensitive? attribute?",
    (run, [value, sensitive, attribute]) => {
      const key = attributeGetter(run, attribute, { ignoresCase: !isTrue(sensitive ?? false, run) });
      return createGenerator("sync_do_unique", unique(run, value as Value, key));
    },
  ],
  min: ["value case_sensitive? attribute?", extreme("<")],
  max: ["value case_sensitive? attribute?", extreme(">")],
});

function* unique(run: Run, value: Value, key: (item: Value) => Value): Iterable<Value> {
  const isNew = Dict.growing();
  for (const item of iterate(run, value)) {
    run.budget.steps(1);
    if (isNew(key(item))) yield item;
  }
}

function extreme(ordering: "<" | ">"): Body {
  return (run, [value, sensitive, attribute]) => {
    const key = attributeGetter(run, attribute, { ignoresCase: !isTrue(sensitive ?? false, run) });
    let best: { item: Value; by: Value } | undefined;
    for (const item of iterate(run, value as Value)) {
      run.budget.steps(1);
      if (best === undefined) {
        best = { item, by: key(item) };
        continue;
      }
      const by = key(item);
      if (isOrdered(run, ordering, { left: by, right: best.by })) best = { item, by };
    }
    return best === undefined ? new Undefined("No aggregated item, sequence was empty.") : best.item;
  };
}
