// Filters that make markup or take it away.
import { pythonError, typeError, valueError } from "../errors.ts";
import { escaped } from "../values/markup.ts";
import { toText } from "../values/repr.ts";
import { defineAll, or, type Body } from "../values/signature.ts";
import { stripTags } from "../values/text/entities.ts";
import { isTemplates, isText, plain, Text, withMarkup } from "../values/text/text.ts";
import { isTrue, present, typeName } from "../values/types.ts";
import { Dict, Undefined, type Run, type Value } from "../values/value.ts";

const escape: Body = (run, [value]) => escaped(run, value as Value);

export const markupFilters = defineAll({
  escape: ["/ s", escape],
  e: ["/ s", escape],
  forceescape: ["value", (run, [value]) => escaped(run, toText(run, value as Value))],
  safe: ["value", (run, [value]) => withMarkup(toText(run, value as Value), true)],
  striptags: [
    "value",
    (run, [value]) => {
      const text = toText(run, value as Value);
      run.budget.text(plain(text).length);
      return stripTags(text);
    },
  ],
  xmlattr: [
    "d autospace?",
    (run, [value, space]) => attributes(run, present(value as Value), isTrue(or(space, true), run)),
  ],
});

/** What the name of an attribute cannot have. */
// oxlint-disable-next-line no-control-regex -- blanks of ASCII are among them
const forbidden = /[\t-\r />=]/;

/** The entries of a dict as attributes of XML; all of it the caller's where any of it is. */
function attributes(run: Run, value: Value, hasSpace: boolean): Value {
  if (!(value instanceof Dict))
    throw pythonError("AttributeError", `'${typeName(value)}' object has no attribute 'items'`);
  const parts: string[] = [];
  let isCallers = false;
  for (const [key, entry] of value.entries()) {
    if (entry === null || entry instanceof Undefined) continue;
    run.budget.steps(1);
    if (!isText(key)) throw typeError(`expected string or bytes-like object, got '${typeName(key)}'`);
    const [name, text] = [escaped(run, key), escaped(run, entry)];
    if (forbidden.test(plain(key))) throw valueError(`Invalid character in attribute name: '${plain(key)}'`);
    isCallers ||= !isTemplates(name) || !isTemplates(text);
    parts.push(`${plain(name)}="${plain(text)}"`);
  }
  const made = (hasSpace && parts.length > 0 ? " " : "") + parts.join(" ");
  run.budget.text(made.length);
  return isCallers ? new Text(made) : made;
}
