// Multiples of a decimal as an automaton over digits, which keeps the remainder. Bounded to the numbers that doubles hold exactly: a text
// beyond them would be rounded to a number that may be no multiple.
import { AutomatonTooLargeError, exploreAutomaton, type Automaton } from "../../pattern/automaton.ts";

const ZERO = 0x30;
const POINT = 0x2e;

/** All of them in units of 10^-`scale`. */
interface Magnitudes {
  readonly divisor: bigint;
  /** Digits behind the point. */
  readonly scale: number;
  /** Inclusive; from 1 on. */
  readonly low: bigint;
  readonly high: bigint;
  readonly maxStates: number;
}

/**
 * What some characters of a number say: how many digits stand before the point and, once that has come, behind it; the remainder; and
 * how the number compares to the bounds, as far as its digits tell.
 */
interface Prefix {
  readonly whole: number;
  readonly fraction: number | undefined;
  readonly remainder: bigint;
  readonly toLow: number;
  readonly toHigh: number;
  /** The only digit before the point is a zero. */
  readonly isZero: boolean;
}

interface Bound {
  readonly whole: string;
  readonly fraction: string;
}

/**
 * Accepts the texts of the multiples of `divisor` from `low` to `high`, without leading zeros and with at most `scale` digits behind the
 * point. Where that takes too many states the upper bound is lowered to fewer digits, which only leaves valid numbers out.
 * @throws AutomatonTooLargeError where even a few multiples take too many
 */
export function multiplesAutomaton(magnitudes: Magnitudes): Automaton {
  const { divisor, low } = magnitudes;
  for (let high = magnitudes.high; ; high = 10n ** BigInt(String(high).length - 1) - 1n) {
    try {
      return build({ ...magnitudes, high });
    } catch (error) {
      const isLast = high < low || high < divisor * 10n;
      if (!(error instanceof AutomatonTooLargeError) || isLast) throw error;
    }
  }
}

function build({ divisor, scale, low, high, maxStates }: Magnitudes): Automaton {
  const bounds = { low: boundOf(low, scale), high: boundOf(high, scale) };
  const start = { whole: 0, fraction: undefined, remainder: 0n, toLow: 0, toHigh: 0, isZero: false };
  return exploreAutomaton<Prefix>(start, {
    name: ({ whole, fraction, remainder, toLow, toHigh, isZero }) =>
      [fraction === undefined ? whole : `.${fraction}`, remainder, toLow, toHigh, isZero].join(),
    maxStates,
    visit: (prefix) => {
      const { whole, fraction, remainder } = prefix;
      const ended = fraction === undefined ? endWhole(prefix, bounds) : prefix;
      const missing = scale - (fraction ?? 0);
      const accepting =
        whole > 0 &&
        (remainder * 10n ** BigInt(missing)) % divisor === 0n &&
        (ended.toLow > 0 || (ended.toLow === 0 && !/[1-9]/.test(bounds.low.fraction.slice(fraction ?? 0)))) &&
        ended.toHigh <= 0 &&
        // A point is not the end.
        fraction !== 0;
      const canPoint = fraction === undefined && whole > 0 && scale > 0 && ended.toLow >= 0 && ended.toHigh <= 0;
      const point = canPoint ? [{ low: POINT, high: POINT, to: { ...ended, fraction: 0 } }] : [];
      const isFull = fraction === undefined ? prefix.isZero || whole >= bounds.high.whole.length : missing === 0;
      const first = whole === 0 && scale === 0 ? 1 : 0;
      const digits = isFull
        ? []
        : Array.from({ length: 10 - first }, (_, index) => {
            const digit = first + index;
            return { low: ZERO + digit, high: ZERO + digit, to: follow(prefix, { digit, divisor, bounds }) };
          });
      return { accepting, edges: [...point, ...digits] };
    },
  });
}

function follow(
  { whole, fraction, remainder, toLow, toHigh }: Prefix,
  { digit, divisor, bounds }: { digit: number; divisor: bigint; bounds: { low: Bound; high: Bound } },
): Prefix {
  const [at, part] = fraction === undefined ? [whole, "whole" as const] : [fraction, "fraction" as const];
  return {
    whole: fraction === undefined ? whole + 1 : whole,
    fraction: fraction === undefined ? undefined : fraction + 1,
    remainder: (remainder * 10n + BigInt(digit)) % divisor,
    toLow: compareNext(toLow, { digit, bound: bounds.low[part][at] }),
    toHigh: compareNext(toHigh, { digit, bound: bounds.high[part][at] }),
    isZero: fraction === undefined && whole === 0 && digit === 0,
  };
}

/** Of whole numbers the longer one is the larger. */
function endWhole(prefix: Prefix, { low, high }: { readonly low: Bound; readonly high: Bound }): Prefix {
  const compare = (bound: Bound, soFar: number): number => Math.sign(prefix.whole - bound.whole.length) || soFar;
  return { ...prefix, toLow: compare(low, prefix.toLow), toHigh: compare(high, prefix.toHigh) };
}

function boundOf(value: bigint, scale: number): Bound {
  const digits = String(value).padStart(scale + 1, "0");
  return { whole: digits.slice(0, digits.length - scale), fraction: digits.slice(digits.length - scale) };
}

/** How two numbers compare after one more digit; -1, 0 or 1, as the first digits that differ do. */
function compareNext(before: number, { digit, bound }: { digit: number; bound: string | undefined }): number {
  if (before !== 0) return before;
  return bound === undefined ? 1 : Math.sign(digit - Number(bound));
}
