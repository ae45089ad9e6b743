// What a value is called, whether it is true, and how an operation on a missing value fails.
import { pythonError, type TemplateRuntimeError } from "../errors.ts";
import { isMarkup, isText, plain } from "./text/text.ts";
import { Dict, Float, List, PyObject, Tuple, Undefined, type Run, type Value } from "./value.ts";

/** The type as Python's messages name it. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number" || typeof value === "bigint") return "int";
  if (value instanceof Float) return "float";
  if (isText(value)) return isMarkup(value) ? "Markup" : "str";
  if (value instanceof List) return "list";
  if (value instanceof Tuple) return value.fields === undefined ? "tuple" : "_GroupTuple";
  if (value instanceof Dict) return "dict";
  if (value instanceof Undefined) return "Undefined";
  return value.typeName;
}

/** The type as jinja2's messages name it: with its module where it is not built in. */
export function objectName(value: Value): string {
  return value === null ? "None" : `${typeName(value)} object`;
}

/** Python's `bool()`. */
export function isTrue(value: Value, run: Run): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return value !== 0;
  if (typeof value === "bigint") return value !== 0n;
  if (typeof value === "string") return value.length > 0;
  if (value instanceof Float) return value.value !== 0;
  if (isText(value)) return plain(value).length > 0;
  if (value instanceof List || value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Dict) return value.size > 0;
  if (value instanceof Undefined) return false;
  return (value.length(run) ?? 1) > 0;
}

/** What using a missing value throws. */
export function undefinedError(value: Undefined): TemplateRuntimeError {
  return pythonError(value.type, value.message);
}

/** The value, or its error where it is missing. */
export function present(value: Value): Exclude<Value, Undefined> {
  if (value instanceof Undefined) throw undefinedError(value);
  return value;
}

export function isCallable(value: Value): boolean {
  return value instanceof Undefined || (value instanceof PyObject && value.call !== undefined);
}
