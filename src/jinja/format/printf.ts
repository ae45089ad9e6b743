// `text % values`: formatting as C's printf has it.
import { pythonError, typeError, valueError } from "../errors.ts";
import { codePointLength, offsetsOf } from "../values/text/code-points.ts";
import { floatText, truncated } from "../values/numbers.ts";
import { repr, toText } from "../values/repr.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { callerText, derived, isTemplates, isText, plain, sliceText, type PyString } from "../values/text/text.ts";
import { present, typeName } from "../values/types.ts";
import {
  Dict,
  Float,
  isInteger,
  isNumber,
  List,
  PyObject,
  Tuple,
  Undefined,
  type Run,
  type Value,
} from "../values/value.ts";
import { asciiOnly } from "./ascii.ts";
import { formatMagnitude } from "./digits.ts";
import { characterOf } from "./format-spec.ts";
import { pad } from "./pad.ts";

/** How `%s` turns a value into text. `Markup` escapes here. */
export type ToText = (run: Run, value: Value) => PyString;

interface Source {
  readonly run: Run;
  readonly values: Value;
  readonly toText: ToText;
  next: number;
}

interface Directive {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly type: string;
}

const directive = /%(?:\(((?:[^()]|\([^()]*\))*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?([^]?)/uy;

/** `template % values`. */
export function formatPercent(
  run: Run,
  template: PyString,
  { values, toText: convert = toText }: { values: Value; toText?: ToText },
): PyString {
  const text = plain(template);
  const source: Source = { run, values, toText: convert, next: 0 };
  const builder = new TextBuilder(run.budget);
  let position = 0;
  for (;;) {
    const start = text.indexOf("%", position);
    if (start === -1) break;
    builder.add(sliceText(template, position, start));
    directive.lastIndex = start;
    const match = directive.exec(text);
    if (match === null) throw valueError("incomplete format");
    position = start + match[0].length;
    const piece = apply(source, match, template);
    const isOurs = isTemplates(sliceText(template, start, position));
    builder.add(isOurs ? piece : derived(plain(piece), callerText("%")));
  }
  builder.add(sliceText(template, position));
  if (hasMore(source)) throw typeError("not all arguments converted during string formatting");
  return builder.finish();
}

/** Python takes whatever can be asked for a key as a mapping, and lets a mapping be left unused. */
function hasMore({ values, next }: Source): boolean {
  if (values instanceof Tuple) return next < values.items.length;
  const isMapping =
    values instanceof Dict ||
    values instanceof List ||
    values instanceof Undefined ||
    (values instanceof PyObject && ["range", "bytes"].includes(values.typeName));
  return next === 0 && !isMapping;
}

function take(source: Source): Value {
  const { values } = source;
  const value = values instanceof Tuple ? values.items[source.next] : source.next === 0 ? values : undefined;
  source.next += 1;
  if (value === undefined) throw typeError("not enough arguments for format string");
  return value;
}

function apply(source: Source, match: RegExpExecArray, template: PyString): PyString {
  const [, key, flags = "", width, precision, type = ""] = match;
  if (type === "") throw valueError("incomplete format");
  if (match[0] === "%%") return "%";
  const keyed =
    key === undefined ? undefined : lookUp(source, sliceText(template, match.index + 2, match.index + 2 + key.length));
  const wide = width === "*" ? star(source) : Number(width ?? 0);
  const exact = precision === "*" ? star(source) : precision === undefined ? undefined : Number(precision);
  const value = keyed === undefined ? take(source) : keyed;
  source.run.budget.text(Math.max(Math.abs(wide), exact ?? 0));
  return convert(source, value, {
    flags: wide < 0 ? `${flags}-` : flags,
    width: Math.abs(wide),
    precision: exact === undefined ? undefined : Math.max(0, exact),
    type,
  });
}

function lookUp(source: Source, key: PyString): Value {
  if (!(source.values instanceof Dict)) throw typeError("format requires a mapping");
  const value = source.values.get(key);
  if (value === undefined) throw pythonError("KeyError", `'${plain(key)}'`);
  return value;
}

function star(source: Source): number {
  const value = take(source);
  if (!isInteger(value)) throw typeError("* wants int");
  return Number(value);
}

function convert(source: Source, value: Value, form: Directive): PyString {
  const { run } = source;
  const { type, flags } = form;
  if (type === "s") return cut(run, source.toText(run, value), form);
  if (type === "r") return cut(run, repr(run, value), form);
  if (type === "a") return cut(run, asciiOnly(repr(run, value)), form);
  if (type === "c") return cut(run, character(value), { ...form, precision: undefined });
  if (!"diuoxXeEfFgG".includes(type)) {
    throw valueError(
      `unsupported format character '${type}' (0x${type.codePointAt(0)?.toString(16) ?? ""}) at index 0`,
    );
  }
  const { isNegative, prefix, digits } = "eEfFgG".includes(type)
    ? floatDigits(run, value, form)
    : integerDigits(value, form);
  const sign = isNegative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  const lead = sign + prefix;
  if (flags.includes("0") && !flags.includes("-")) return lead + digits.padStart(form.width - lead.length, "0");
  return pad(run.budget, lead + digits, { width: form.width, fill: " ", alignment: flags.includes("-") ? "<" : ">" });
}

function cut(run: Run, text: PyString, { flags, width, precision }: Directive): PyString {
  const short =
    precision === undefined || codePointLength(plain(text)) <= precision
      ? text
      : sliceText(text, 0, offsetsOf(plain(text))[precision]);
  return pad(run.budget, short, { width, fill: " ", alignment: flags.includes("-") ? "<" : ">" });
}

function character(value: Value): PyString {
  if (isText(value) && codePointLength(plain(value)) === 1) return value;
  if (!isInteger(value)) throw typeError("%c requires int or char");
  // A number may be the caller's, and would become a character of its choice.
  return callerText(characterOf(BigInt(value)));
}

interface Digits {
  readonly isNegative: boolean;
  readonly prefix: string;
  readonly digits: string;
}

function integerDigits(value: Value, { type, flags, precision }: Directive): Digits {
  const isDecimal = "diu".includes(type);
  const whole = isDecimal && value instanceof Float ? truncated(value.value) : value;
  if (!isInteger(whole)) {
    present(whole);
    const wanted = isDecimal ? "a real number" : "an integer";
    throw typeError(`%${type} format: ${wanted} is required, not ${typeName(value)}`);
  }
  const number = BigInt(whole);
  const base = isDecimal ? 10 : type === "o" ? 8 : 16;
  const text = (number < 0n ? -number : number).toString(base).padStart(precision ?? 0, "0");
  return {
    isNegative: number < 0n,
    prefix: flags.includes("#") && !isDecimal ? `0${type}` : "",
    digits: type === "X" ? text.toUpperCase() : text,
  };
}

function floatDigits(run: Run, value: Value, { type, flags, precision = 6 }: Directive): Digits {
  if (!isNumber(value)) {
    present(value);
    throw typeError(`must be real number, not ${typeName(value)}`);
  }
  run.budget.integer(precision * 4);
  const number = value instanceof Float ? value.value : Number(value);
  const kind = type.toLowerCase() as "e" | "f" | "g";
  const digits = formatMagnitude(number, { kind, precision, alternate: flags.includes("#") });
  return {
    isNegative: floatText(number).startsWith("-"),
    prefix: "",
    digits: type === kind ? digits : digits.toUpperCase(),
  };
}
