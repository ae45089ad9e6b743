// All methods of str. On `Markup` those that give strings give markup, and escape the strings that they are given.
import { escaped } from "../values/markup.ts";
import { defineAll } from "../values/signature.ts";
import { stripTags, unescapeEntities } from "../values/text/entities.ts";
import { isMarkup, isText, plain, withMarkup, type PyString } from "../values/text/text.ts";
import { List, Tuple, type Arguments, type Call, type Run, type Value } from "../values/value.ts";
import { classMethods } from "./string-classes.ts";
import { formatMethods } from "./string-format.ts";
import { searchMethods } from "./string-search.ts";
import { shapeMethods } from "./string-shape.ts";
import { splitMethods } from "./string-split.ts";

const methods: ReadonlyMap<string, Call> = new Map([
  ...searchMethods,
  ...splitMethods,
  ...shapeMethods,
  ...classMethods,
  ...formatMethods,
]);

const markupMethods = defineAll({
  striptags: [
    "/ self",
    (run, [self]) => {
      run.budget.text(plain(self as PyString).length);
      return stripTags(self as PyString);
    },
  ],
  unescape: [
    "/ self",
    (run, [self]) => {
      run.budget.text(plain(self as PyString).length);
      return unescapeEntities(self as PyString);
    },
  ],
});

/** Markup's own methods that change nothing about their arguments. */
const splitting = new Set(["split", "rsplit", "splitlines", "partition", "rpartition"]);

/** The method of that name, which takes the string as its first argument. */
export function stringMethod(text: PyString, name: string): Call | undefined {
  const method = (isMarkup(text) ? markupMethods.get(name) : undefined) ?? methods.get(name);
  if (method === undefined || !isMarkup(text)) return method;
  if (splitting.has(name)) return (run, given) => marked(method(run, given));
  if (!shapeMethods.has(name) && name !== "replace") return method;
  return (run, given) => marked(method(run, withEscapes(run, given)));
}

function withEscapes(run: Run, given: Arguments): Arguments {
  const escape = (value: Value): Value => (isText(value) ? escaped(run, value) : value);
  return {
    positional: given.positional.map(escape),
    keywords: given.keywords.map(({ name, value }) => ({ name, value: escape(value) })),
  };
}

function marked(value: Value): Value {
  if (isText(value)) return withMarkup(value, true);
  if (value instanceof List) return new List(value.items.map(marked));
  return value instanceof Tuple ? new Tuple(value.items.map(marked)) : value;
}
