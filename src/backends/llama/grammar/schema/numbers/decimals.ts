// Decimal fractions, exactly: JSON Schema speaks of the numbers that are written, not of the doubles nearest to them.

/** `digits` / 10^`scale`, with the least scale. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** The shortest decimal that is this double. */
export function toDecimal(value: number): Decimal {
  const [mantissa = "", exponent = "0"] = String(value).split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return normalized({ digits: BigInt(whole + fraction), scale: fraction.length - Number(exponent) });
}

/** The number times 10^`scale`: exactly, or the integer to the given side of it. */
export function scaled(
  { digits, scale: own }: Decimal,
  { scale, side }: { scale: number; side: "below" | "above" },
): bigint {
  if (own <= scale) return digits * 10n ** BigInt(scale - own);
  const divisor = 10n ** BigInt(own - scale);
  const towardsZero = digits / divisor;
  if (towardsZero * divisor === digits || digits < 0n === (side === "above")) return towardsZero;
  return side === "above" ? towardsZero + 1n : towardsZero - 1n;
}

/** The least number that is a multiple of both, which are positive. */
export function commonMultiple(left: Decimal, right: Decimal): Decimal {
  const scale = Math.max(left.scale, right.scale);
  const [one, other] = [left, right].map((decimal) => scaled(decimal, { scale, side: "below" })) as [bigint, bigint];
  let [a, b] = [one, other];
  while (b !== 0n) [a, b] = [b, a % b];
  return normalized({ digits: (one / a) * other, scale });
}

export function isMultiple(value: Decimal, divisor: Decimal): boolean {
  const scale = Math.max(value.scale, divisor.scale);
  return scaled(value, { scale, side: "below" }) % scaled(divisor, { scale, side: "below" }) === 0n;
}

function normalized({ digits, scale }: Decimal): Decimal {
  if (scale < 0) return { digits: digits * 10n ** BigInt(-scale), scale: 0 };
  let [left, places] = [digits, scale];
  while (places > 0 && left % 10n === 0n) [left, places] = [left / 10n, places - 1];
  return { digits: left, scale: places };
}
