// `format(value, spec)`: Python's format specification mini-language, `[[fill]align][sign][z][#][0][width][,_][.precision][type]`.
import { pythonError, typeError, valueError } from "../errors.ts";
import { codePointLength, offsetsOf } from "../values/text/code-points.ts";
import { floatText } from "../values/numbers.ts";
import { toText } from "../values/repr.ts";
import { callerText, derived, isText, plain, sliceText, type PyString } from "../values/text/text.ts";
import { typeName } from "../values/types.ts";
import { Float, isInteger, isNumber, type Run, type Value } from "../values/value.ts";
import { formatMagnitude, type FloatStyle } from "./digits.ts";
import { pad, type Alignment } from "./pad.ts";

interface Spec {
  readonly fill: string | undefined;
  readonly align: string | undefined;
  readonly sign: string;
  readonly noNegativeZero: boolean;
  readonly alternate: boolean;
  readonly zero: boolean;
  readonly width: number;
  readonly grouping: string;
  readonly precision: number | undefined;
  readonly type: string;
}

const grammar = /^(?:(?:([^])?([<>=^]))?)([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([^])?$/u;

/** `format(value, spec)`. Filling characters and digits are the caller's where the caller wrote the specification. */
export function formatValue(run: Run, value: Value, specification: PyString): PyString {
  const text = plain(specification);
  if (text === "") return toText(run, value);
  if (!isText(value) && !isNumber(value)) {
    throw typeError(`unsupported format string passed to ${typeName(value)}.__format__`);
  }
  const spec = parseSpec(text);
  run.budget.text(Math.max(spec.width, spec.precision ?? 0));
  if (isText(value)) return formatText(run, value, { spec, specification });
  run.budget.integer((spec.precision ?? 0) * 4);
  if (spec.type === "s") throw unknownCode("s", value);
  const { sign, prefix, digits } =
    isInteger(value) && !"eEfFgG%".includes(spec.type || "d")
      ? integerParts(value, spec)
      : floatParts(value instanceof Float ? value.value : Number(value), spec);
  const lead = sign + prefix;
  const isFilledInside = spec.align === "=" || (spec.align === undefined && spec.zero);
  const fill = spec.fill ?? (spec.zero ? "0" : " ");
  const body = isFilledInside
    ? lead + filled(digits, { fill, width: spec.width - lead.length, grouping: spec.grouping })
    : lead + digits;
  const padded = pad(run.budget, body, { width: spec.width, fill, alignment: alignmentOf(spec, ">") });
  // A character made from a number may be any character, and the number may be the caller's.
  return spec.type === "c" ? callerText(plain(padded)) : derived(plain(padded), specification);
}

function parseSpec(text: string): Spec {
  const match = grammar.exec(text);
  if (match === null) throw valueError("Invalid format specifier");
  const [, fill, align, sign = "", z, alternate, zero, width = "0", grouping = "", precision, type = ""] = match;
  return {
    fill,
    align,
    sign,
    noNegativeZero: z !== undefined,
    alternate: alternate !== undefined,
    zero: zero !== undefined,
    width: Number(width),
    grouping,
    precision: precision === undefined ? undefined : Number(precision),
    type,
  };
}

function formatText(
  run: Run,
  value: PyString,
  { spec, specification }: { spec: Spec; specification: PyString },
): PyString {
  if (spec.type !== "" && spec.type !== "s") throw unknownCode(spec.type, value);
  if (spec.sign !== "") throw valueError("Sign not allowed in string format specifier");
  if (spec.alternate) throw valueError("Alternate form (#) not allowed in string format specifier");
  if (spec.noNegativeZero) throw valueError("Negative zero coercion (z) not allowed in string format specifier");
  if (spec.align === "=") throw valueError("'=' alignment not allowed in string format specifier");
  if (spec.grouping !== "") throw valueError(`Cannot specify '${spec.grouping}' with 's'.`);
  const { precision } = spec;
  const text = toText(run, value);
  const cut =
    precision === undefined || codePointLength(plain(text)) <= precision
      ? text
      : sliceText(text, 0, offsetsOf(plain(text))[precision]);
  const fill = derived(spec.fill ?? (spec.zero ? "0" : " "), specification);
  return pad(run.budget, cut, { width: spec.width, fill, alignment: alignmentOf(spec, "<") });
}

function alignmentOf(spec: Spec, usual: Alignment): Alignment {
  return spec.align === "<" || spec.align === ">" || spec.align === "^" ? spec.align : usual;
}

interface Parts {
  readonly sign: string;
  readonly prefix: string;
  readonly digits: string;
}

const bases: Readonly<Record<string, number>> = { b: 2, o: 8, x: 16, X: 16 };

function integerParts(value: number | bigint | boolean, spec: Spec): Parts {
  if (spec.precision !== undefined) throw valueError("Precision not allowed in integer format specifier");
  if (spec.noNegativeZero) throw valueError("Negative zero coercion (z) not allowed in integer format specifier");
  const type = spec.type || "d";
  const number = BigInt(value);
  if (type === "c") {
    if (spec.sign !== "") throw valueError("Sign not allowed with integer format specifier 'c'");
    if (spec.alternate) throw valueError("Alternate form (#) not allowed with integer format specifier 'c'");
    if (spec.grouping !== "") throw valueError(`Cannot specify '${spec.grouping}' with 'c'.`);
    return { sign: "", prefix: "", digits: characterOf(number) };
  }
  const base = bases[type] ?? 10;
  if (!"bdnoxX".includes(type)) throw unknownCode(type, value);
  if (spec.grouping !== "" && (type === "n" || (spec.grouping === "," && base !== 10))) {
    throw valueError(`Cannot specify '${spec.grouping}' with '${type}'.`);
  }
  const digits = (number < 0n ? -number : number).toString(base);
  const prefix = spec.alternate && base !== 10 ? `0${type}` : "";
  const grouped = group(type === "X" ? digits.toUpperCase() : digits, spec.grouping, base === 10 ? 3 : 4);
  return { sign: signOf(number < 0n, spec), prefix, digits: grouped };
}

/** `chr()`. */
export function characterOf(code: bigint): string {
  if (code < 0n || code > 0x10ffffn) throw pythonError("OverflowError", "%c arg not in range(0x110000)");
  return String.fromCodePoint(Number(code));
}

function floatParts(value: number, spec: Spec): Parts {
  const type = spec.type;
  if (type !== "" && !"eEfFgGn%".includes(type)) throw unknownCode(type, new Float(value));
  if (spec.grouping !== "" && type === "n") throw valueError(`Cannot specify '${spec.grouping}' with 'n'.`);
  const isNegative = value < 0 || Object.is(value, -0);
  let digits: string;
  if (type === "" && spec.precision === undefined) {
    digits = floatText(Math.abs(value));
  } else {
    digits = formatMagnitude(type === "%" ? value * 100 : value, floatStyle(spec));
    if (type === "%") digits += "%";
    if (type === "E" || type === "F" || type === "G") digits = digits.toUpperCase();
  }
  const isZero = spec.noNegativeZero && !/[1-9a-z]/i.test(digits.replace(/e.*$/i, ""));
  const [whole, rest] = splitWhole(digits);
  return { sign: signOf(isNegative && !isZero, spec), prefix: "", digits: group(whole, spec.grouping, 3) + rest };
}

function floatStyle(spec: Spec): FloatStyle {
  const { type, alternate } = spec;
  const precision = spec.precision ?? 6;
  if (type === "e" || type === "E") return { kind: "e", precision, alternate };
  if (type === "f" || type === "F" || type === "%") return { kind: "f", precision, alternate };
  return { kind: "g", precision, alternate, keepsFloat: type === "" };
}

function signOf(isNegative: boolean, spec: Spec): string {
  return isNegative ? "-" : spec.sign === "-" ? "" : spec.sign;
}

function splitWhole(digits: string): [string, string] {
  const end = /^\d*/.exec(digits)?.[0].length ?? 0;
  return [digits.slice(0, end), digits.slice(end)];
}

function group(digits: string, separator: string, size: number): string {
  if (separator === "") return digits;
  const groups: string[] = [];
  for (let end = digits.length; end > 0; end -= size) groups.unshift(digits.slice(Math.max(0, end - size), end));
  return groups.join(separator);
}

/** Digits filled on the left up to the width; zeros are grouped like the digits. */
function filled(digits: string, { fill, width, grouping }: { fill: string; width: number; grouping: string }): string {
  const missing = width - digits.length;
  if (missing <= 0) return digits;
  if (grouping === "" || fill !== "0") return fill.repeat(missing) + digits;
  const [whole, rest] = [/^[\dA-Za-z,_]*/.exec(digits)?.[0] ?? "", digits.replace(/^[\dA-Za-z,_]*/, "")];
  const size = 3;
  const bare = whole.replaceAll(grouping, "");
  let made = whole;
  for (let count = bare.length + 1; made.length + rest.length < width; count += 1) {
    made = group(bare.padStart(count, "0"), grouping, size);
  }
  return made + rest;
}

function unknownCode(code: string, value: Value): Error {
  return valueError(`Unknown format code '${code}' for object of type '${typeName(value)}'`);
}
