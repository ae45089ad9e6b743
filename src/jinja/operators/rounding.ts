// Floats that are rounded once from exact values, as the C library rounds them. JavaScript's own `**` is off in the last digit at times.
import { binaryParts } from "../format/digits.ts";

/** The float nearest to the quotient: 66 of its bits, the last of which says whether more follow, are rounded once. */
export function nearestQuotient(left: bigint, right: bigint): number {
  const [one, other] = [left < 0n ? -left : left, right < 0n ? -right : right];
  const shift = 66 - (one.toString(2).length - other.toString(2).length);
  const numerator = shift > 0 ? one << BigInt(shift) : one;
  const denominator = shift < 0 ? other << BigInt(-shift) : other;
  const bits = numerator / denominator;
  const rounded = Number(numerator % denominator === 0n ? bits : bits | 1n);
  const half = Math.trunc(shift / 2);
  const quotient = rounded * 2 ** -half * 2 ** -(shift - half);
  return left < 0n === right < 0n ? quotient : -quotient;
}

/** Exponents whose powers are computed exactly. */
const mostExact = 64;

/** `base ** exponent`: exactly rounded for small whole exponents and for square roots, and JavaScript's result for all others. */
export function powerOf(base: number, exponent: number): number {
  if (exponent === 0.5 && base >= 0) return Math.sqrt(base);
  if (!Number.isInteger(exponent) || Math.abs(exponent) > mostExact || !Number.isFinite(base) || base === 0) {
    return base ** exponent;
  }
  const { mantissa: magnitude, power } = binaryParts(Math.abs(base));
  const mantissa = base < 0 ? -magnitude : magnitude;
  const count = BigInt(Math.abs(exponent));
  const scale = 2n ** (BigInt(Math.abs(power)) * count);
  const numerator = mantissa ** count * (power > 0 ? scale : 1n);
  const denominator = power < 0 ? scale : 1n;
  return exponent < 0 ? nearestQuotient(denominator, numerator) : nearestQuotient(numerator, denominator);
}
