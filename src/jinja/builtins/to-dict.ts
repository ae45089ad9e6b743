// `dict(...)`: from another dict, from pairs, from keywords.
import { typeError, valueError } from "../errors.ts";
import { iterable } from "../values/iterate.ts";
import { present, typeName } from "../values/types.ts";
import { Dict, type Arguments, type Run, type Value } from "../values/value.ts";

export function toDict(run: Run, name: string, { positional, keywords }: Arguments): Dict {
  if (positional.length > 1) throw typeError(`${name} expected at most 1 argument, got ${positional.length}`);
  const [source] = positional;
  const entries: (readonly [Value, Value])[] = source === undefined ? [] : entriesOf(run, source);
  for (const { name: key, value } of keywords) entries.push([key, value]);
  run.budget.items(entries.length);
  return new Dict(entries);
}

function entriesOf(run: Run, source: Value): (readonly [Value, Value])[] {
  if (source instanceof Dict) return [...source.entries()];
  const pairs = iterable(run, present(source));
  if (pairs === undefined) throw typeError(`'${typeName(source)}' object is not iterable`);
  const entries: (readonly [Value, Value])[] = [];
  for (const pair of pairs) {
    run.budget.steps(1);
    const items = iterable(run, pair);
    if (items === undefined) {
      throw typeError(`cannot convert dictionary update sequence element #${entries.length} to a sequence`);
    }
    const [key, value, ...rest] = items;
    if (key === undefined || value === undefined || rest.length > 0) {
      throw valueError(`dictionary update sequence element #${entries.length} has the wrong length; 2 is required`);
    }
    entries.push([key, value]);
  }
  return entries;
}
