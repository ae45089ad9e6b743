// Writes bounds on numbers with fractions, digit by digit. See number-ranges.ts for why they survive rounding to doubles.
import { digitClass, group, join, naturalRange } from "./number-ranges.ts";

export interface NumberBound {
  readonly value: number;
  readonly exclusive: boolean;
}

/** A bound that a grammar over digits cannot enforce, because texts are rounded to doubles. */
export class InexactBoundError extends Error {
  override readonly name = "InexactBoundError";
}

/** Digits of a non-negative bound: value = whole + 0.fraction, the fraction without trailing zeros. */
interface Magnitude {
  readonly whole: bigint;
  readonly fraction: string;
  readonly exclusive: boolean;
}

/** What may follow some digits of a fraction: one or more further digits (`more`), or the end. */
interface Tail {
  readonly more: string | undefined;
  readonly mayEnd: boolean;
}

const MAX_BOUND_DIGITS = 40;
const FREE_DIGITS = 10;
// A decimal of at most 15 significant digits that differs from another of at most 15 also differs from it as a double.
const EXACT_DIGITS = 15;
const ZEROS = 3;

/**
 * An expression for decimal numbers within the bounds, without exponents; `undefined` where there is none.
 * @throws InexactBoundError where a bound has too many digits to be enforced exactly
 */
export function decimalRange(min: NumberBound | undefined, max: NumberBound | undefined): string | undefined {
  const digits = Math.max(...[min, max].map((bound) => (bound === undefined ? 0 : digitCount(bound.value))));
  if (digits > MAX_BOUND_DIGITS) throw new InexactBoundError("it has too many digits");
  const hasExclusive = min?.exclusive === true || max?.exclusive === true;
  const free = hasExclusive ? Math.min(FREE_DIGITS, EXACT_DIGITS - digits) : FREE_DIGITS;
  if (free <= ZEROS) throw new InexactBoundError("it has too many digits");
  const options: string[] = [];
  if (max === undefined || max.value >= 0) {
    const low = min !== undefined && min.value >= 0 ? magnitude(min) : { whole: 0n, fraction: "", exclusive: false };
    options.push(...between(low, max === undefined ? undefined : magnitude(max), free));
  }
  if (min === undefined || min.value < 0) {
    // Zero is written without a sign: the negative side starts above it.
    const near = max !== undefined && max.value < 0 ? magnitude(max) : { whole: 0n, fraction: "", exclusive: true };
    const negative = between(near, min === undefined ? undefined : magnitude(min), free);
    if (negative.length > 0) options.push(`"-" ${group(negative)}`);
  }
  return options.length === 0 ? undefined : options.join(" | ");
}

function digitCount(value: number): number {
  const [whole = "", fraction = ""] = plainDecimal(Math.abs(value)).split(".");
  return whole.length + fraction.length;
}

function magnitude({ value, exclusive }: NumberBound): Magnitude {
  const [whole = "0", fraction = ""] = plainDecimal(Math.abs(value)).split(".");
  return { whole: BigInt(whole), fraction, exclusive };
}

/** `1e-7` as `0.0000001`: the shortest decimal that is this double, without an exponent. */
function plainDecimal(value: number): string {
  const [digits = "", exponentText] = String(value).split("e");
  if (exponentText === undefined) return digits;
  const exponent = Number(exponentText);
  const [whole = "", fraction = ""] = digits.split(".");
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${whole}${fraction}`;
  return whole + fraction.padEnd(exponent, "0");
}

function between(low: Magnitude, high: Magnitude | undefined, free: number): string[] {
  if (high !== undefined && low.whole > high.whole) return [];
  if (high !== undefined && low.whole === high.whole) {
    if (low.fraction.padEnd(high.fraction.length, "0") > high.fraction.padEnd(low.fraction.length, "0")) return [];
    return withFraction(`"${low.whole}"`, bothTail(0, { low, high, free }));
  }
  const options = withFraction(`"${low.whole}"`, lowerTail(0, { low, free }));
  const inner = naturalRange(low.whole + 1n, high === undefined ? undefined : high.whole - 1n);
  if (inner.length > 0) options.push(join(group(inner), `( "." [0-9]{1,${free}} )?`));
  if (high !== undefined) options.push(...withFraction(`"${high.whole}"`, upperTail(0, { high, free })));
  return options;
}

function withFraction(whole: string, { more, mayEnd }: Tail): string[] {
  if (more === undefined) return mayEnd ? [whole] : [];
  return [mayEnd ? `${whole} ( "." ${more} )?` : `${whole} "." ${more}`];
}

/** Digits from position `at` on, such that the fraction is at least the bound's. */
function lowerTail(at: number, { low, free }: { readonly low: Magnitude; readonly free: number }): Tail {
  if (at >= low.fraction.length) {
    if (!low.exclusive) return freeTail(free);
    return { more: `( "0"{0,${ZEROS}} [1-9] [0-9]{0,${free - ZEROS}} )`, mayEnd: false };
  }
  const digit = Number(low.fraction[at]);
  return tailOf(
    [
      digit < 9 ? follow(digitClass(digit + 1, 9), freeTail(free)) : undefined,
      follow(`"${digit}"`, lowerTail(at + 1, { low, free })),
    ],
    false,
  );
}

/** Digits from position `at` on, such that the fraction is at most the bound's. */
function upperTail(at: number, { high, free }: { readonly high: Magnitude; readonly free: number }): Tail {
  if (at >= high.fraction.length) {
    return high.exclusive ? { more: undefined, mayEnd: false } : { more: `"0"{1,${ZEROS}}`, mayEnd: true };
  }
  const digit = Number(high.fraction[at]);
  // The bound's last digit is not zero, so ending early is strictly below it.
  return tailOf(
    [
      digit > 0 ? follow(digitClass(0, digit - 1), freeTail(free)) : undefined,
      follow(`"${digit}"`, upperTail(at + 1, { high, free })),
    ],
    true,
  );
}

function bothTail(
  at: number,
  bounds: { readonly low: Magnitude; readonly high: Magnitude; readonly free: number },
): Tail {
  const { low, high, free } = bounds;
  const isPastLow = at >= low.fraction.length;
  const isPastHigh = at >= high.fraction.length;
  if (isPastLow && isPastHigh) {
    const isEqualAllowed = !low.exclusive && !high.exclusive;
    return { more: isEqualAllowed ? `"0"{1,${ZEROS}}` : undefined, mayEnd: isEqualAllowed };
  }
  const from = Number(low.fraction[at] ?? 0);
  const to = Number(high.fraction[at] ?? 0);
  const mayEnd = isPastLow && !low.exclusive;
  if (from === to) return tailOf([follow(`"${from}"`, bothTail(at + 1, bounds))], mayEnd);
  return tailOf(
    [
      follow(`"${from}"`, lowerTail(at + 1, { low, free })),
      from + 1 < to ? follow(digitClass(from + 1, to - 1), freeTail(free)) : undefined,
      follow(`"${to}"`, upperTail(at + 1, { high, free })),
    ],
    mayEnd,
  );
}

function freeTail(free: number): Tail {
  return { more: `[0-9]{1,${free}}`, mayEnd: true };
}

function follow(digit: string, { more, mayEnd }: Tail): string | undefined {
  if (more === undefined) return mayEnd ? digit : undefined;
  return mayEnd ? `${digit} ( ${more} )?` : `${digit} ${more}`;
}

function tailOf(options: readonly (string | undefined)[], mayEnd: boolean): Tail {
  const possible = options.filter((option) => option !== undefined);
  return { more: possible.length === 0 ? undefined : `( ${possible.join(" | ")} )`, mayEnd };
}
