// Filters on strings. Most take any value and work on its text.
import { pythonError, typeError } from "../errors.ts";
import { dumpJson } from "../json/dump.ts";
import { centered, strip } from "../methods/string-shape.ts";
import { replaceAll } from "../methods/string-split.ts";
import { calculate } from "../operators/arithmetic.ts";
import { capitalize, lower, upper } from "../values/text/case.ts";
import { blanks, lineEnd } from "../values/text/character-classes.ts";
import { iterate } from "../values/iterate.ts";
import { escaped } from "../values/markup.ts";
import { toSoftText, toText } from "../values/repr.ts";
import { defineAll, or, type Body } from "../values/signature.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { isMarkup, isText, plain, sliceText, withMarkup, type PyString } from "../values/text/text.ts";
import { isTrue, present, typeName } from "../values/types.ts";
import { Dict, isInteger, Tuple, Undefined, type Run, type Value } from "../values/value.ts";

export const textFilters = defineAll({
  upper: ["s", soft(upper)],
  lower: ["s", soft(lower)],
  capitalize: ["s", soft(capitalize)],
  title: ["s", (run, [value]) => titled(run, toSoftText(run, value as Value))],
  string: ["object", soft((text) => text)],
  trim: [
    "value chars?",
    (run, [value, chars]) => strip(run, toSoftText(run, value as Value), { chars, left: true, right: true }),
  ],
  center: [
    "value width?",
    (run, [value, width]) => centered(run, toSoftText(run, value as Value), { width: or(width, 80), fill: undefined }),
  ],
  replace: [
    "s old new count?",
    (run, [value, old, replacement, count]) =>
      replaceAll(run, toText(run, value as Value), {
        old: toText(run, old as Value),
        replacement: toText(run, replacement as Value),
        most: limit(count),
      }),
  ],
  format: [
    "value * **",
    (run, [value], { positional, keywords }) => {
      if (positional.length > 0 && keywords.length > 0) {
        throw pythonError("FilterArgumentError", "can't handle positional and keyword arguments at the same time");
      }
      const named = new Dict(keywords.map(({ name, value: given }) => [name, given] as const));
      return calculate(run, "%", [
        toSoftText(run, value as Value),
        keywords.length > 0 ? named : new Tuple(positional),
      ]);
    },
  ],
  default: ["value default_value? boolean?", fallback],
  d: ["value default_value? boolean?", fallback],
  wordcount: [
    "s",
    (run, [value]) => {
      const text = plain(toText(run, value as Value));
      run.budget.text(text.length);
      return text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0;
    },
  ],
  indent: ["s width? first? blank?", indent],
  attr: ["obj name", (run, [object, name]) => attribute(run, object as Value, toText(run, name as Value))],
  tojson: ["x ensure_ascii? indent? separators? sort_keys?", toJson],
});

function soft(change: (text: PyString) => PyString): Body {
  return (run, [value]) => {
    const text = toSoftText(run, value as Value);
    run.budget.text(plain(text).length);
    return change(text);
  };
}

const wordsAndGaps = new RegExp(`[-${blanks}({[<]+|[^-${blanks}({[<]+`, "gu");

/** Every word with a capital first, words being parted by blanks, hyphens and opening brackets only. */
function titled(run: Run, text: PyString): PyString {
  const builder = new TextBuilder(run.budget);
  for (const match of plain(text).matchAll(wordsAndGaps)) {
    const [first = ""] = match[0];
    const [start, end] = [match.index, match.index + match[0].length];
    builder.add(upper(sliceText(text, start, start + first.length)));
    builder.add(lower(sliceText(text, start + first.length, end)));
  }
  return builder.finish();
}

function limit(count: Value | undefined): number {
  if (count === undefined || count === null) return -1;
  if (isInteger(count)) return Number(count);
  throw typeError(`'${typeName(count)}' object cannot be interpreted as an integer`);
}

function fallback(run: Run, [value, given, isBoolean]: readonly (Value | undefined)[]): Value {
  const own = value as Value;
  const isMissing = own instanceof Undefined || (isTrue(isBoolean ?? false, run) && !isTrue(own, run));
  return isMissing ? or(given, "") : own;
}

function indent(run: Run, [value, width, first, blank]: readonly (Value | undefined)[]): Value {
  const text = present(value as Value);
  if (!isText(text)) throw typeError(`unsupported operand type(s) for +=: '${typeName(text)}' and 'str'`);
  const margin = marginOf(run, or(width, 4));
  const isAll = isTrue(blank ?? false, run);
  const escape = (piece: PyString): PyString => (isMarkup(text) ? escaped(run, piece) : piece);
  const builder = new TextBuilder(run.budget);
  if (isTrue(first ?? false, run)) builder.add(escape(margin));
  let from = 0;
  const lines = `${plain(text)}\n`;
  for (const match of lines.matchAll(lineEnd)) {
    if (from > 0) builder.add("\n");
    if (from > 0 && (isAll || match.index > from)) builder.add(escape(margin));
    builder.add(sliceText(text, from, Math.min(match.index, plain(text).length)));
    from = match.index + match[0].length;
  }
  return withMarkup(builder.finish(), isMarkup(text));
}

function marginOf(run: Run, width: Value): PyString {
  if (isText(width)) return width;
  if (!isInteger(width)) throw typeError(`can't multiply sequence by non-int of type '${typeName(width)}'`);
  const count = Math.max(0, Number(width));
  run.budget.text(count);
  return " ".repeat(count);
}

/** An attribute, and no key, of the object. */
function attribute(run: Run, object: Value, name: PyString): Value {
  if (!(object instanceof Dict)) return run.attribute(run, object, name);
  // A dict's keys are no attributes: an empty dict has its methods and nothing else.
  return run.attribute(run, new Dict(), name) instanceof Undefined
    ? new Undefined(`'dict object' has no attribute '${plain(name)}'`)
    : run.attribute(run, object, name);
}

function toJson(run: Run, [value, ascii, indentation, separators, sorts]: readonly (Value | undefined)[]): Value {
  const indented = indentOf(run, or(indentation, null));
  const [itemSeparator, keySeparator] = separatorsOf(run, or(separators, null), indented !== undefined);
  return dumpJson(run, value as Value, {
    isAscii: isTrue(ascii ?? false, run),
    indent: indented,
    itemSeparator,
    keySeparator,
    sortsKeys: isTrue(sorts ?? false, run),
  });
}

function indentOf(run: Run, value: Value): string | undefined {
  if (value === null) return undefined;
  if (isText(value)) return plain(value);
  if (!isInteger(value)) throw typeError(`can't multiply sequence by non-int of type '${typeName(present(value))}'`);
  run.budget.text(Math.max(0, Number(value)));
  return " ".repeat(Math.max(0, Number(value)));
}

function separatorsOf(run: Run, value: Value, isIndented: boolean): [string, string] {
  if (value === null) return [isIndented ? "," : ", ", ": "];
  const [item, key, ...rest] = iterate(run, value);
  if (item === undefined || key === undefined || rest.length > 0 || !isText(item) || !isText(key)) {
    throw pythonError("ValueError", "separators must be a pair of strings");
  }
  return [plain(item), plain(key)];
}
