// Filters that apply a filter or a test to every item. Like jinja2's they work item by item, when the items are asked for, and take
// whatever is false (None, 0) for an empty sequence.
import { pythonError } from "../errors.ts";
import { createGenerator } from "../values/functions.ts";
import { iterate } from "../values/iterate.ts";
import { toText } from "../values/repr.ts";
import { define } from "../values/signature.ts";
import { isText, plain } from "../values/text/text.ts";
import { isTrue } from "../values/types.ts";
import type { Arguments, Call, Run, Value } from "../values/value.ts";
import { attributeGetter, type Key } from "./keys.ts";

export const selectFilters: ReadonlyMap<string, Call> = new Map([
  [
    "map",
    lazy("sync_do_map", (run, given) => {
      const change = mapping(run, given);
      return (item) => ({ isKept: true, value: change(item) });
    }),
  ],
  [
    "select",
    lazy("sync_do_select", (run, given) =>
      chosen(
        testing(run, given, (item) => item),
        true,
      ),
    ),
  ],
  [
    "reject",
    lazy("sync_do_reject", (run, given) =>
      chosen(
        testing(run, given, (item) => item),
        false,
      ),
    ),
  ],
  ["selectattr", lazy("sync_do_selectattr", (run, given) => chosen(testingAttribute(run, given), true))],
  ["rejectattr", lazy("sync_do_rejectattr", (run, given) => chosen(testingAttribute(run, given), false))],
]);

type Step = (item: Value) => { readonly isKept: boolean; readonly value: Value };

/** A filter that makes its step when the first item is asked for. */
function lazy(name: string, prepare: (run: Run, given: Arguments) => Step): Call {
  return define(name, "/ value * **", (run, [value], rest) =>
    createGenerator(
      name,
      go(run, value as Value, () => prepare(run, rest)),
    ),
  );
}

function* go(run: Run, value: Value, prepare: () => Step): Iterable<Value> {
  if (!isTrue(value, run)) return;
  const step = prepare();
  for (const item of iterate(run, value)) {
    run.budget.steps(1);
    const made = step(item);
    if (made.isKept) yield made.value;
  }
}

function chosen(test: (item: Value) => boolean, wanted: boolean): Step {
  return (item) => ({ isKept: test(item) === wanted, value: item });
}

function mapping(run: Run, { positional, keywords }: Arguments): Key {
  const named = new Map(keywords.map(({ name, value }) => [plain(name), value]));
  if (positional.length === 0 && named.has("attribute")) {
    const other = keywords.find(({ name }) => !["attribute", "default"].includes(plain(name)));
    if (other !== undefined) {
      throw pythonError("FilterArgumentError", `Unexpected keyword argument '${plain(other.name)}'`);
    }
    return attributeGetter(run, named.get("attribute"), { fallback: named.get("default") });
  }
  const [name, ...rest] = positional;
  if (name === undefined) throw pythonError("FilterArgumentError", "map requires a filter argument");
  const filter = lookUp(run, "filters", name);
  return (item) => filter(run, { positional: [item, ...rest], keywords });
}

function testing(run: Run, { positional, keywords }: Arguments, key: Key): (item: Value) => boolean {
  const [name, ...rest] = positional;
  if (name === undefined) return (item) => isTrue(key(item), run);
  let test: Call | undefined;
  return (item) => {
    test ??= lookUp(run, "tests", name);
    return isTrue(test(run, { positional: [key(item), ...rest], keywords }), run);
  };
}

function testingAttribute(run: Run, { positional, keywords }: Arguments): (item: Value) => boolean {
  const [attribute, ...rest] = positional;
  if (attribute === undefined) throw pythonError("FilterArgumentError", "Missing parameter for attribute name");
  return testing(run, { positional: rest, keywords }, attributeGetter(run, attribute));
}

function lookUp(run: Run, group: "filters" | "tests", name: Value): Call {
  const text = plain(isText(name) ? name : toText(run, name));
  const found = run[group].get(text);
  if (found !== undefined) return found;
  throw pythonError("TemplateRuntimeError", `No ${group === "filters" ? "filter" : "test"} named '${text}'.`);
}
