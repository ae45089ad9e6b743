// Multiples of an integer as an automaton over decimal digits, which keeps the remainder. Bounded to the integers that doubles hold
// exactly: a text beyond them would be rounded to a number that may be no multiple.
import { AutomatonTooLargeError, exploreAutomaton, type Automaton } from "../../pattern/automaton.ts";

const ZERO = 0x30;

interface Magnitudes {
  readonly divisor: number;
  /** Inclusive; from 1 on. */
  readonly low: bigint;
  readonly high: bigint;
  readonly maxStates: number;
}

/** What a prefix of digits says: its length, its remainder, and how it compares to the bounds' prefixes of that length. */
interface Prefix {
  readonly length: number;
  readonly remainder: number;
  readonly toLow: number;
  readonly toHigh: number;
}

/**
 * Accepts the texts of the multiples of `divisor` from `low` to `high`, without leading zeros. Where that takes too many states the
 * upper bound is lowered to fewer digits, which only leaves valid numbers out.
 * @throws AutomatonTooLargeError where even a few multiples take too many
 */
export function multiplesAutomaton({ divisor, low, high, maxStates }: Magnitudes): Automaton {
  for (let top = high; ; top = 10n ** BigInt(String(top).length - 1) - 1n) {
    try {
      return build({ divisor, low, high: top, maxStates });
    } catch (error) {
      const isLast = top < low || top < BigInt(divisor) * 10n;
      if (!(error instanceof AutomatonTooLargeError) || isLast) throw error;
    }
  }
}

/** The least common multiple. */
export function commonMultiple(left: number, right: number): number {
  let [a, b] = [left, right];
  while (b !== 0) [a, b] = [b, a % b];
  return (left / a) * right;
}

function build({ divisor, low, high, maxStates }: Magnitudes): Automaton {
  const lowDigits = String(low);
  const highDigits = String(high);
  return exploreAutomaton<Prefix>(
    { length: 0, remainder: 0, toLow: 0, toHigh: 0 },
    {
      name: ({ length, remainder, toLow, toHigh }) => `${length},${remainder},${toLow},${toHigh}`,
      maxStates,
      visit: (prefix) => {
        const { length, remainder, toLow, toHigh } = prefix;
        const isAboveLow = length > lowDigits.length || (length === lowDigits.length && toLow >= 0);
        const isBelowHigh = length < highDigits.length || (length === highDigits.length && toHigh <= 0);
        const accepting = length > 0 && remainder === 0 && isAboveLow && isBelowHigh;
        if (length >= highDigits.length) return { accepting, edges: [] };
        const first = length === 0 ? 1 : 0;
        const edges = Array.from({ length: 10 - first }, (_, index) => {
          const digit = first + index;
          const to = {
            length: length + 1,
            remainder: (remainder * 10 + digit) % divisor,
            toLow: length >= lowDigits.length ? 1 : compareNext(toLow, { digit, bound: Number(lowDigits[length]) }),
            toHigh: compareNext(toHigh, { digit, bound: Number(highDigits[length]) }),
          };
          return { low: ZERO + digit, high: ZERO + digit, to };
        });
        return { accepting, edges };
      },
    },
  );
}

/** How two numbers compare after one more digit; -1, 0 or 1, as the first digits that differ do. */
function compareNext(before: number, { digit, bound }: { readonly digit: number; readonly bound: number }): number {
  return before === 0 ? Math.sign(digit - bound) : before;
}
