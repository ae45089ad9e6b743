// `str.format` and `str.format_map` as the sandbox offers them: `{}`, `{0.name}`, `{key[0]!r:>{width}}`, with every lookup made as a
// template makes it.
import { pythonError, valueError } from "../errors.ts";
import { asciiOnly } from "./ascii.ts";
import { repr, toText } from "../values/repr.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { plain, sliceText, type PyString } from "../values/text/text.ts";
import type { Run, Value } from "../values/value.ts";
import { formatValue } from "./format-spec.ts";

export interface FormatArguments {
  readonly positional: readonly Value[];
  /** The value of a name; undefined where there is none. */
  readonly named: (name: PyString) => Value | undefined;
}

/** Turns what a field gives into text. `Markup.format` escapes here. */
export type FormatField = (run: Run, value: Value, specification: PyString) => PyString;

interface State {
  readonly run: Run;
  readonly given: FormatArguments;
  readonly formatField: FormatField;
  /** Number of the next field without a name; undefined once fields are numbered by hand. */
  next: number | undefined;
}

export function formatTemplate(
  run: Run,
  template: PyString,
  { given, formatField = formatValue }: { given: FormatArguments; formatField?: FormatField },
): PyString {
  return expand({ run, given, formatField, next: 0 }, template, 2);
}

function expand(state: State, template: PyString, depth: number): PyString {
  if (depth < 0) throw valueError("Max string recursion exceeded");
  const text = plain(template);
  const builder = new TextBuilder(state.run.budget);
  let position = 0;
  while (position < text.length) {
    const found = nextBrace(text, position);
    builder.add(sliceText(template, position, found));
    if (found === text.length) break;
    if (text[found] === text[found + 1]) {
      builder.add(sliceText(template, found, found + 1));
      position = found + 2;
      continue;
    }
    if (text[found] === "}") throw valueError("Single '}' encountered in format string");
    const end = closingBrace(text, found + 1);
    builder.add(field(state, sliceText(template, found + 1, end), depth));
    position = end + 1;
  }
  return builder.finish();
}

function nextBrace(text: string, from: number): number {
  const offset = text.slice(from).search(/[{}]/);
  return offset === -1 ? text.length : from + offset;
}

/** The brace that closes a field; those within `[...]` and nested fields are not it. */
function closingBrace(text: string, from: number): number {
  if (from >= text.length) throw valueError("Single '{' encountered in format string");
  let depth = 1;
  let isInBrackets = false;
  for (let index = from; index < text.length; index += 1) {
    const character = text[index];
    if (isInBrackets) isInBrackets = character !== "]";
    else if (character === "[" && depth === 1 && !/[:!]/.test(text.slice(from, index))) isInBrackets = true;
    else if (character === "{") depth += 1;
    else if (character === "}") {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  throw valueError("expected '}' before end of string");
}

function field(state: State, source: PyString, depth: number): PyString {
  const text = plain(source);
  const nameEnd = /^(?:[^[:!]|\[[^\]]*\])*/.exec(text)?.[0].length ?? 0;
  let rest = nameEnd;
  let conversion = "";
  if (text[rest] === "!") {
    conversion = text[rest + 1] ?? "";
    if (conversion === "") throw valueError("end of string while looking for conversion specifier");
    rest += 2;
    if (rest < text.length && text[rest] !== ":") throw valueError("expected ':' after conversion specifier");
  }
  if (text.slice(0, nameEnd).includes("{")) throw valueError("unexpected '{' in field name");
  const value = converted(state.run, lookUp(state, sliceText(source, 0, nameEnd)), conversion);
  const specification = text[rest] === ":" ? expand(state, sliceText(source, rest + 1), depth - 1) : "";
  return state.formatField(state.run, value, specification);
}

function converted(run: Run, value: Value, conversion: string): Value {
  if (conversion === "") return value;
  if (conversion === "s") return toText(run, value);
  if (conversion === "r") return repr(run, value);
  if (conversion === "a") return asciiOnly(repr(run, value));
  throw valueError(`Unknown conversion specifier ${conversion}`);
}

function lookUp(state: State, path: PyString): Value {
  const text = plain(path);
  const head = /^[^.[]*/.exec(text)?.[0] ?? "";
  let value = first(state, sliceText(path, 0, head.length));
  let position = head.length;
  while (position < text.length) {
    if (text[position] === ".") {
      const length = /^[^.[]*/.exec(text.slice(position + 1))?.[0].length ?? 0;
      if (length === 0) throw valueError("Empty attribute in format string");
      value = state.run.attribute(state.run, value, sliceText(path, position + 1, position + 1 + length));
      position += 1 + length;
      continue;
    }
    const end = text.indexOf("]", position);
    if (text[position] !== "[") throw valueError("Only '.' or '[' may follow ']' in format field specifier");
    if (end === -1) throw valueError("Missing ']' in format string");
    const key = sliceText(path, position + 1, end);
    if (plain(key) === "") throw valueError("Empty attribute in format string");
    value = state.run.item(state.run, value, /^\d+$/.test(plain(key)) ? Number(plain(key)) : key);
    position = end + 1;
  }
  return value;
}

function first(state: State, name: PyString): Value {
  const text = plain(name);
  if (text !== "" && !/^\d+$/.test(text)) {
    const value = state.given.named(name);
    if (value === undefined) throw pythonError("KeyError", `'${text}'`);
    return value;
  }
  const index = text === "" ? automatic(state) : byHand(state, Number(text));
  const value = state.given.positional[index];
  if (value === undefined) {
    throw pythonError("IndexError", `Replacement index ${index} out of range for positional args tuple`);
  }
  return value;
}

function automatic(state: State): number {
  if (state.next === undefined) {
    throw valueError("cannot switch from manual field specification to automatic field numbering");
  }
  state.next += 1;
  return state.next - 1;
}

function byHand(state: State, index: number): number {
  if (state.next !== undefined && state.next > 0) {
    throw valueError("cannot switch from manual field specification to automatic field numbering");
  }
  state.next = undefined;
  return index;
}
