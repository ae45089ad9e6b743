// Python's `str()` and `repr()`.
import type { Budget } from "../limits.ts";
import { floatText, integerText } from "./numbers.ts";
import { isMarkup, isTemplates, isText, plain, Text, unmarked, type PyString } from "./text/text.ts";
import { Dict, Float, List, Tuple, Undefined, type Run, type Value } from "./value.ts";

/** `str(value)`. Strings keep the origins of their characters. */
export function toText(run: Run, value: Value): PyString {
  if (typeof value === "string") return value;
  if (isText(value)) return unmarked(value);
  if (typeof value === "number") return value === 0 ? "0" : String(value);
  if (value === null) return "None";
  if (value instanceof Undefined) return "";
  return repr(run, value);
}

/** `str(value)` of what is no string yet; a `Markup` stays what it is. */
export function toSoftText(run: Run, value: Value): PyString {
  return isText(value) ? value : toText(run, value);
}

/**
 * `repr(value)`. The result is the caller's from end to end where the value has a string of the caller's anywhere: how it is quoted
 * and where it ends depends on that string.
 */
export function repr(run: Run, value: Value): PyString {
  const writer: Writer = { run, parts: [], isCallers: false };
  write(writer, value);
  const text = writer.parts.join("");
  return writer.isCallers ? new Text(text) : text;
}

interface Writer {
  readonly run: Run;
  readonly parts: string[];
  isCallers: boolean;
}

function write(writer: Writer, value: Value): void {
  writer.run.budget.steps(1);
  if (value === null) writer.parts.push("None");
  else if (typeof value === "boolean") writer.parts.push(value ? "True" : "False");
  else if (typeof value === "number" || typeof value === "bigint") writer.parts.push(integerText(value));
  else if (value instanceof Float) writer.parts.push(floatText(value.value));
  else if (isText(value)) {
    writer.isCallers ||= !isTemplates(value);
    const quoted = quote(writer.run.budget, plain(value));
    writer.parts.push(isMarkup(value) ? `Markup(${quoted})` : quoted);
  } else if (value instanceof List) writeItems(writer, value.items, ["[", "]"]);
  else if (value instanceof Tuple) writeItems(writer, value.items, ["(", value.items.length === 1 ? ",)" : ")"]);
  else if (value instanceof Dict) writeDict(writer, value);
  else if (value instanceof Undefined) writer.parts.push("Undefined");
  else {
    const text = writer.run.budget.deeper(() => value.repr(writer.run));
    writer.isCallers ||= !isTemplates(text);
    writer.parts.push(plain(text));
  }
}

function writeItems(writer: Writer, items: readonly Value[], [open, close]: readonly [string, string]): void {
  writer.parts.push(open);
  writer.run.budget.deeper(() => {
    for (const [index, item] of items.entries()) {
      if (index > 0) writer.parts.push(", ");
      write(writer, item);
    }
  });
  writer.parts.push(close);
}

function writeDict(writer: Writer, dict: Dict): void {
  writer.parts.push("{");
  writer.run.budget.deeper(() => {
    let isFirst = true;
    for (const [key, value] of dict.entries()) {
      if (!isFirst) writer.parts.push(", ");
      isFirst = false;
      write(writer, key);
      writer.parts.push(": ");
      write(writer, value);
    }
  });
  writer.parts.push("}");
}

const shortEscapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** What Python does not print as it is: control and format characters, unassigned ones, and blanks other than the space. */
const unprintable = /[^\P{C}]|[^\P{Z} ]|\\/gu;

/** `repr()` of a string: in single quotes, or in double ones where it has a single and no double quote. */
export function quote(budget: Budget, text: string): string {
  budget.text(text.length + 2);
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(unprintable, (character) => shortEscapes[character] ?? escapeCode(character));
  budget.text(escaped.length);
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

function escapeCode(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}
