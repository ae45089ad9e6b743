// Writes bounds on integers as GBNF over decimal digits. A text within the bounds stays within them when it is rounded to a double,
// because rounding is monotonic and a bound taken from parsed JSON is a double itself; only at exclusive bounds it may not.

/** An expression for the integers from `min` to `max` (inclusive), or `undefined` where there is none. No leading zeros, no `-0`. */
export function integerRange(min: bigint | undefined, max: bigint | undefined): string | undefined {
  if (min !== undefined && max !== undefined && min > max) return undefined;
  const options: string[] = [];
  if (max === undefined || max >= 0n) options.push(...naturalRange(min !== undefined && min > 0n ? min : 0n, max));
  if (min === undefined || min < 0n) {
    const nearest = max !== undefined && max < 0n ? -max : 1n;
    const magnitudes = naturalRange(nearest, min === undefined ? undefined : -min);
    if (magnitudes.length > 0) options.push(`"-" ${group(magnitudes)}`);
  }
  return options.length === 0 ? undefined : options.join(" | ");
}

/** Integers without an upper bound get at most this many digits, so that a model cannot write digits for ever. */
const OPEN_DIGITS = 16;

/** Alternatives for the integers `from >= 0` to `to`, one or more per number of digits. */
export function naturalRange(from: bigint, to: bigint | undefined): string[] {
  const options: string[] = [];
  const most = to === undefined ? Math.max(OPEN_DIGITS, String(from).length + 1) : String(to).length;
  // Consecutive lengths of which every number is allowed are one alternative.
  let fullFrom = 0;
  let fullTo = -1;
  for (let digits = String(from).length; digits <= most; digits += 1) {
    const smallest = digits === 1 ? 0n : 10n ** BigInt(digits - 1);
    const largest = 10n ** BigInt(digits) - 1n;
    let low = from > smallest ? from : smallest;
    const high = to !== undefined && to < largest ? to : largest;
    if (low > high) continue;
    if (low === 0n) {
      options.push('"0"');
      low = 1n;
    }
    if (high === largest && (low === smallest || low === 1n)) {
      if (fullTo < 0) fullFrom = digits;
      fullTo = digits;
    } else if (low <= high) options.push(...sameLength(String(low), String(high)));
  }
  if (fullTo >= 0) options.push(join("[1-9]", digitRun(fullFrom - 1, fullTo - 1)));
  return options;
}

function digitRun(min: number, max: number): string {
  if (min === max) return anyDigits(min);
  return `[0-9]{${min},${max}}`;
}

/** Digit strings between `low` and `high`, which have the same length. */
function sameLength(low: string, high: string): string[] {
  if (low === "") return [""];
  const rest = low.length - 1;
  if (/^0*$/.test(low.slice(1)) && /^9*$/.test(high.slice(1)))
    return [join(digitClass(low[0], high[0]), anyDigits(rest))];
  const first = Number(low[0]);
  const last = Number(high[0]);
  if (first === last) return [join(`"${first}"`, group(sameLength(low.slice(1), high.slice(1))))];
  const options = [join(`"${first}"`, group(sameLength(low.slice(1), "9".repeat(rest))))];
  if (first + 1 < last) options.push(join(digitClass(first + 1, last - 1), anyDigits(rest)));
  options.push(join(`"${last}"`, group(sameLength("0".repeat(rest), high.slice(1)))));
  return options;
}

function anyDigits(count: number): string {
  return count === 0 ? "" : count === 1 ? "[0-9]" : `[0-9]{${count}}`;
}

export function digitClass(low: number | string | undefined, high: number | string | undefined): string {
  return String(low) === String(high) ? `"${low}"` : `[${low}-${high}]`;
}

export function group(options: readonly string[]): string {
  return options.length === 1 ? (options[0] ?? "") : `( ${options.join(" | ")} )`;
}

export function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}
