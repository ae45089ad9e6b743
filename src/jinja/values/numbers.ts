// Integers of any size, and how Python prints numbers.
import { pythonError, valueError } from "../errors.ts";
import { Float, type Value } from "./value.ts";

/** Python refuses to print longer integers, and to read them. */
export const maximumDigits = 4_300;

/** An int in the form in which the engine holds it: a number while it is exact. */
export function integer(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

/** How many bits the value needs; a bound that is exact to 4 bits. */
export function bitsOf(value: number | bigint): number {
  if (typeof value === "number") return value === 0 ? 1 : Math.floor(Math.log2(Math.abs(value))) + 1;
  return (value < 0n ? -value : value).toString(16).length * 4;
}

/** A number as a JavaScript number, as Python's `float()` gives it. */
export function toNumber(value: number | bigint | boolean | Float): number {
  if (value instanceof Float) return value.value;
  if (typeof value !== "bigint") return Number(value);
  const number = Number(value);
  if (!Number.isFinite(number)) throw pythonError("OverflowError", "int too large to convert to float");
  return number;
}

/** `str()` and `repr()` of an int. */
export function integerText(value: number | bigint): string {
  const text = value.toString();
  if (text.length > maximumDigits + 1 || (text.length === maximumDigits + 1 && !text.startsWith("-"))) {
    throw valueError(
      `Exceeds the limit (${maximumDigits} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit`,
    );
  }
  return text;
}

/** `repr()` of a float: the shortest digits that read back as the same number, with an exponent below 1e-4 and from 1e16. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Object.is(value, -0)) return "-0.0";
  if (value === 0) return "0.0";
  const [digits = "", power = "0"] = Math.abs(value).toExponential().split("e");
  const exponent = Number(power);
  const sign = value < 0 ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    return `${sign}${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const figures = digits.replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${figures}`;
  const whole = figures.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${figures.slice(exponent + 1) || "0"}`;
}

/** The whole part of a float as an int; NaN and infinities are errors. */
export function truncated(value: number): number | bigint {
  if (Number.isNaN(value)) throw valueError("cannot convert float NaN to integer");
  if (!Number.isFinite(value)) throw pythonError("OverflowError", "cannot convert float infinity to integer");
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? whole + 0 : BigInt(whole);
}

/** True where the values are one and the same object in Python, as far as templates can tell. */
export function isSame(left: Value, right: Value): boolean {
  return left === right;
}
