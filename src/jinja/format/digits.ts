// Decimal digits of floats, exact and rounded half to even as Python rounds them. JavaScript's own `toFixed` rounds halves up.
import { Float } from "../values/value.ts";

/** How a float is written: fixed, with an exponent, or whichever is shorter. */
export interface FloatStyle {
  readonly kind: "f" | "e" | "g";
  /** Digits behind the point; for `g`, significant digits. */
  readonly precision: number;
  /** `#`: the point stays, and with `g` the zeros behind it. */
  readonly alternate: boolean;
  /** At least one digit behind the point, as `format(2.0, ".3")` has it. */
  readonly keepsFloat?: boolean;
}

/** The digits of `value` without its sign; `inf` and `nan` in small letters. */
export function formatMagnitude(value: number, style: FloatStyle): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return "inf";
  const magnitude = Math.abs(value);
  const { kind, precision, alternate } = style;
  if (kind === "f") return fixed(magnitude, precision) + (alternate && precision === 0 ? "." : "");
  if (kind === "e") return exponential(magnitude, precision, alternate);
  const significant = Math.max(1, precision);
  const { exponent } = scientificDigits(magnitude, significant - 1);
  const isFixed = exponent >= -4 && exponent < significant - (style.keepsFloat === true ? 1 : 0);
  if (!isFixed) {
    const [digits = "", power = ""] = exponential(magnitude, significant - 1, false).split("e");
    return `${alternate ? withPoint(digits) : trimmed(digits)}e${power}`;
  }
  const digits = fixed(magnitude, significant - 1 - exponent);
  if (alternate) return withPoint(digits);
  const short = trimmed(digits);
  return style.keepsFloat === true && !short.includes(".") ? `${short}.0` : short;
}

/** `round(value, digits)` of a float. */
export function roundHalfEven(value: number, digits: number): Float {
  if (!Number.isFinite(value) || digits > 330) return new Float(value);
  if (digits < -330) return new Float(value < 0 ? -0 : 0);
  const magnitude = scaled(Math.abs(value), digits);
  const rounded = digits > 0 ? Number(`${magnitude}e${-digits}`) : Number(magnitude * 10n ** BigInt(-digits));
  return new Float(value < 0 || Object.is(value, -0) ? -rounded : rounded);
}

function fixed(magnitude: number, precision: number): string {
  const digits = scaled(magnitude, precision)
    .toString()
    .padStart(precision + 1, "0");
  if (precision === 0) return digits;
  return `${digits.slice(0, -precision)}.${digits.slice(-precision)}`;
}

function exponential(magnitude: number, precision: number, alternate: boolean): string {
  const { digits, exponent } = scientificDigits(magnitude, precision);
  const point = precision > 0 || alternate ? "." : "";
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${digits.slice(0, 1)}${point}${digits.slice(1)}e${exponent < 0 ? "-" : "+"}${power}`;
}

/** `precision` + 1 digits, and the power of ten of the first. */
function scientificDigits(magnitude: number, precision: number): { digits: string; exponent: number } {
  if (magnitude === 0) return { digits: "0".repeat(precision + 1), exponent: 0 };
  let exponent = Number(magnitude.toExponential().split("e")[1]);
  for (;;) {
    const digits = scaled(magnitude, precision - exponent).toString();
    if (digits.length === precision + 1) return { digits, exponent };
    exponent += digits.length > precision + 1 ? 1 : -1;
  }
}

/** The integer nearest to `magnitude` times ten to the power of `digits`; halves go to the even one. */
function scaled(magnitude: number, digits: number): bigint {
  const { mantissa, power } = binaryParts(magnitude);
  const ten = 10n ** BigInt(Math.abs(digits));
  const two = 2n ** BigInt(Math.abs(power));
  const numerator = mantissa * (digits >= 0 ? ten : 1n) * (power >= 0 ? two : 1n);
  const denominator = (digits < 0 ? ten : 1n) * (power < 0 ? two : 1n);
  const quotient = numerator / denominator;
  const doubled = (numerator % denominator) * 2n;
  const isUp = doubled > denominator || (doubled === denominator && quotient % 2n === 1n);
  return isUp ? quotient + 1n : quotient;
}

/** A float that is not negative as an integer times a power of two. */
export function binaryParts(magnitude: number): { mantissa: bigint; power: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, magnitude);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return exponent === 0
    ? { mantissa: fraction, power: -1074 }
    : { mantissa: fraction | 0x10000000000000n, power: exponent - 1075 };
}

function trimmed(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}

function withPoint(digits: string): string {
  return digits.includes(".") ? digits : `${digits}.`;
}
