// Filters on numbers.
import { isPythonError, pythonError, typeError, valueError } from "../errors.ts";
import { formatMagnitude, roundHalfEven } from "../format/digits.ts";
import { calculate } from "../operators/arithmetic.ts";
import { integer, maximumDigits, toNumber, truncated } from "../values/numbers.ts";
import { defineAll, or } from "../values/signature.ts";
import { trimmed } from "../values/text/character-classes.ts";
import { isText, plain } from "../values/text/text.ts";
import { isTrue, present, typeName } from "../values/types.ts";
import { Float, isInteger, isNumber, type Run, type Value } from "../values/value.ts";

export const numberFilters = defineAll({
  abs: [
    "/ x",
    (_run, [value]) => {
      const number = present(value as Value);
      if (!isNumber(number)) throw typeError(`bad operand type for abs(): '${typeName(number)}'`);
      if (number instanceof Float) return new Float(Math.abs(number.value));
      if (typeof number === "bigint") return number < 0n ? -number : number;
      return Math.abs(Number(number));
    },
  ],
  int: [
    "value default? base?",
    (run, [value, fallback, base]) => toInt(run, value as Value, { fallback: or(fallback, 0), base: or(base, 10) }),
  ],
  float: [
    "value default?",
    (_run, [value, fallback]) => {
      try {
        return new Float(toFloat(value as Value));
      } catch (error) {
        if (isPythonError(error, "TypeError", "ValueError")) return or(fallback, new Float(0));
        throw error;
      }
    },
  ],
  round: [
    "value precision? method?",
    (run, [value, precision, method]) =>
      round(run, present(value as Value), { precision: or(precision, 0), method: or(method, "common") }),
  ],
  filesizeformat: [
    "value binary?",
    (run, [value, binary]) => fileSize(toFloat(value as Value), isTrue(binary ?? false, run)),
  ],
});

/** `float(value)`. */
function toFloat(given: Value): number {
  const value = present(given);
  if (isNumber(value)) return toNumber(value);
  if (!isText(value)) throw typeError(`float() argument must be a string or a real number, not '${typeName(value)}'`);
  const text = asciiDigits(withoutMargins(plain(value)));
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special !== null) return special[2]?.toLowerCase() === "nan" ? NaN : special[1] === "-" ? -Infinity : Infinity;
  if (!/^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i.test(text)) {
    throw valueError(`could not convert string to float: '${text}'`);
  }
  return Number(text.replaceAll("_", ""));
}

function toInt(run: Run, given: Value, { fallback, base }: { fallback: Value; base: Value }): Value {
  const value = present(given);
  try {
    if (isText(value)) return parseWhole(plain(value), base);
    if (value instanceof Float) return truncated(value.value);
    if (isInteger(value)) return typeof value === "boolean" ? Number(value) : value;
  } catch (error) {
    if (!isPythonError(error, "TypeError", "ValueError")) throw error;
  }
  try {
    run.budget.steps(1);
    return truncated(toFloat(value));
  } catch (error) {
    if (isPythonError(error, "TypeError", "ValueError", "OverflowError")) return fallback;
    throw error;
  }
}

const digitPatterns: Readonly<Record<number, RegExp>> = {
  2: /^([+-]?)(?:0b_?)?([01]+(?:_[01]+)*)$/i,
  8: /^([+-]?)(?:0o_?)?([0-7]+(?:_[0-7]+)*)$/i,
  16: /^([+-]?)(?:0x_?)?([\da-f]+(?:_[\da-f]+)*)$/i,
};

/** `int(text, base)`. */
function parseWhole(source: string, given: Value): Value {
  if (!isInteger(given)) throw typeError(`'${typeName(given)}' object cannot be interpreted as an integer`);
  let base = Number(given);
  const text = asciiDigits(withoutMargins(source));
  if (base !== 0 && (base < 2 || base > 36)) throw valueError("int() base must be >= 2 and <= 36, or 0");
  if (base === 0) {
    const prefix = /^[+-]?0([box])/i.exec(text)?.[1]?.toLowerCase();
    base = prefix === "b" ? 2 : prefix === "o" ? 8 : prefix === "x" ? 16 : 10;
    if (base === 10 && /^[+-]?0[\d_]*[1-9]/.test(text)) throw invalidInteger(text, 0);
  }
  const match = (digitPatterns[base] ?? /^([+-]?)([\da-z]+(?:_[\da-z]+)*)$/i).exec(text);
  if (match === null) throw invalidInteger(text, base);
  const digits = (match[2] as string).replaceAll("_", "").toLowerCase();
  if (digits.length > maximumDigits)
    throw valueError(`Exceeds the limit (${maximumDigits} digits) for integer string conversion`);
  let number = 0n;
  if ([2, 8, 10, 16].includes(base)) {
    if (base === 10 && !/^\d+$/.test(digits)) throw invalidInteger(text, base);
    number = BigInt(base === 10 ? digits : `0${base === 2 ? "b" : base === 8 ? "o" : "x"}${digits}`);
  } else {
    for (const digit of digits) {
      const one = Number.parseInt(digit, 36);
      if (one >= base) throw invalidInteger(text, base);
      number = number * BigInt(base) + BigInt(one);
    }
  }
  return integer(match[1] === "-" ? -number : number);
}

function invalidInteger(text: string, base: number): Error {
  return valueError(`invalid literal for int() with base ${base}: '${text}'`);
}

/** Python's numbers may have blanks around them; in a string of ASCII alone the separators 0x1c to 0x1f are none. */
function withoutMargins(text: string): string {
  // oxlint-disable-next-line no-control-regex -- ASCII has control characters
  return /^[\0-\x7f]*$/.test(text) && /[\x1c-\x1f]/.test(text) ? text.replace(/^[\t-\r ]+/, "") : trimmed(text);
}

/** Decimal digits of every script as 0 to 9: the ten of a script follow one another. */
function asciiDigits(text: string): string {
  return text.replace(/[^\P{Nd}0-9]/gu, (digit) => {
    const code = digit.codePointAt(0) as number;
    let zero = code;
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
    return String((code - zero) % 10);
  });
}

interface RoundOptions {
  readonly precision: Value;
  readonly method: Value;
}

function round(run: Run, value: Value, { precision, method }: RoundOptions): Value {
  const name = isText(method) ? plain(method) : "";
  if (!["common", "ceil", "floor"].includes(name)) {
    throw pythonError("FilterArgumentError", "method must be common, ceil or floor");
  }
  if (name === "common") {
    if (!isNumber(value)) throw typeError(`type ${typeName(value)} doesn't define __round__ method`);
    if (precision === null && value instanceof Float) return truncated(roundHalfEven(value.value, 0).value);
    if (!isInteger(precision)) throw typeError(`'${typeName(precision)}' object cannot be interpreted as an integer`);
    return value instanceof Float
      ? roundHalfEven(value.value, Number(precision))
      : roundInteger(run, value, Number(precision));
  }
  const power = calculate(run, "**", [10, precision]);
  const scaled = calculate(run, "*", [value, power]);
  if (!isNumber(scaled)) throw typeError(`must be real number, not ${typeName(scaled)}`);
  const whole =
    scaled instanceof Float ? truncated(name === "ceil" ? Math.ceil(scaled.value) : Math.floor(scaled.value)) : scaled;
  return calculate(run, "/", [whole, power]);
}

function roundInteger(run: Run, value: number | bigint | boolean, digits: number): Value {
  const number = BigInt(value);
  if (digits >= 0) return integer(number);
  run.budget.integer(-digits * 4);
  const unit = 10n ** BigInt(-digits);
  const rest = ((number % unit) + unit) % unit;
  const low = number - rest;
  const isUp = rest * 2n > unit || (rest * 2n === unit && (low / unit) % 2n !== 0n);
  return integer(isUp ? low + unit : low);
}

function fileSize(bytes: number, isBinary: boolean): string {
  const base = isBinary ? 1024 : 1000;
  if (bytes === 1) return "1 Byte";
  if (bytes < base) return `${String(truncated(bytes))} Bytes`;
  const units = ["K", "M", "G", "T", "P", "E", "Z", "Y"];
  for (const [index, unit] of units.entries()) {
    const next = base ** (index + 2);
    if (bytes < next || index === units.length - 1) {
      const size = formatMagnitude((base * bytes) / next, { kind: "f", precision: 1, alternate: false });
      return `${size} ${isBinary ? `${unit}iB` : unit === "K" ? "kB" : `${unit}B`}`;
    }
  }
  return "";
}
