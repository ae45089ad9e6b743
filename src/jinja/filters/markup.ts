// Filters that make markup or take it away.
import { pythonError, typeError, valueError } from "../errors.ts";
import { blankRun } from "../values/text/character-classes.ts";
import { escaped } from "../values/markup.ts";
import { toText } from "../values/repr.ts";
import { defineAll, or, type Body } from "../values/signature.ts";
import { derived, isTemplates, isText, plain, Text, withMarkup } from "../values/text/text.ts";
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
      return derived(unescape(withoutTags(plain(text))), text);
    },
  ],
  xmlattr: [
    "d autospace?",
    (run, [value, space]) => attributes(run, present(value as Value), isTrue(or(space, true), run)),
  ],
});

function withoutTags(text: string): string {
  const bare = cut(cut(text, "<!--", "-->"), "<", ">");
  return bare.replace(blankRun, " ").replace(/^ | $/g, "");
}

/** Takes out everything from an `open` to the next `close`. */
function cut(text: string, open: string, close: string): string {
  const kept: string[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf(open, from);
    const end = start === -1 ? -1 : text.indexOf(close, start);
    if (end === -1) return kept.join("") + text.slice(from);
    kept.push(text.slice(from, start));
    from = end + close.length;
  }
}

/** The entities that occur in practice; HTML has two thousand more, which stay as they are. */
const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  copy: "\u00a9",
  reg: "\u00ae",
  hellip: "\u2026",
  mdash: "\u2014",
  ndash: "\u2013",
  lsquo: "\u2018",
  rsquo: "\u2019",
  ldquo: "\u201c",
  rdquo: "\u201d",
  bull: "\u2022",
  middot: "\u00b7",
  times: "\u00d7",
  euro: "\u20ac",
};

function unescape(text: string): string {
  return text.replace(
    /&(?:#(\d+);?|#[xX]([\da-fA-F]+);?|(amp|lt|gt|quot|nbsp|copy|reg|times|middot)(?:;|)|(\w+);)/g,
    (whole, decimal?: string, hex?: string, bare?: string, name?: string) => {
      if (bare !== undefined || name !== undefined) return entities[bare ?? name ?? ""] ?? whole;
      const code = Number.parseInt(decimal ?? hex ?? "", decimal === undefined ? 16 : 10);
      return code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? "\ufffd" : String.fromCodePoint(code);
    },
  );
}

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
    if (/[\s/>=]/.test(plain(key))) throw valueError(`Invalid character in attribute name: '${plain(key)}'`);
    isCallers ||= !isTemplates(name) || !isTemplates(text);
    parts.push(`${plain(name)}="${plain(text)}"`);
  }
  const made = (hasSpace && parts.length > 0 ? " " : "") + parts.join(" ");
  run.budget.text(made.length);
  return isCallers ? new Text(made) : made;
}
