// Compiles numbers: multiples, and bounds of integers, exactly, digit by digit; bounds of decimals as far as they survive rounding to
// doubles.
import { compiled, contradicted, nodeWith, type Compiled, type CompileContext } from "./compile-context.ts";
import { decimalRange, InexactBoundError, type NumberBound } from "./numbers/decimal-ranges.ts";
import { INTEGER_FORMATS } from "./numbers/integer-formats.ts";
import { commonMultiple, isMultiple, scaled, toDecimal, type Decimal } from "./numbers/decimals.ts";
import { multiplesAutomaton } from "./numbers/multiples.ts";
import { group, integerRange, naturalRange } from "./numbers/number-ranges.ts";
import type { Facts } from "./reading/schema-facts.ts";
import { keywordValue, refuseKeyword } from "./reading/schema-reader.ts";
import { annotateUnknownFormat, guardSize } from "./compile-string.ts";
import type { GrammarWriter } from "../gbnf/grammar-writer.ts";
import { bareTextFromAutomaton } from "../pattern/string-grammar.ts";

// Beyond this an exclusive bound and its neighbour may be the same double.
const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);
const MAX_BOUND_DIGITS = 40;
const MAX_SCALE = 12;
// The shared rule of numbers ends at 21 digits with an exponent of 279.
const BEYOND_NUMBERS = 1e300;
// Where a side has no bound, no more digits are written than the other bound has and one more, or sixteen.
const FAR = 1e38;
const NEAR = 1e30;

// Validators divide doubles: of more digits, the quotient of a multiple is no longer seen to be an integer.
const EXACT_DECIMALS = 10n ** 12n - 1n;
const ONE: Decimal = { digits: 1n, scale: 0 };

/**
 * A JSON number.
 * @throws SchemaNotEnforceableError for multiples and bounds that digits cannot enforce
 */
export function compileNumber(facts: Facts, { writer }: CompileContext): Compiled {
  noteFormats(facts);
  const isInteger = facts.types.has("integer");
  const bounds = withFormatBounds(facts);
  const { minimum, maximum } = withoutFar(bounds);
  const multiples = [...facts.multiples, ...(isInteger || facts.multiples.length === 0 ? [ONE] : [])];
  const divisor = multiples.reduce(commonMultiple);
  if (divisor.digits > MAX_EXACT || divisor.scale > MAX_SCALE) {
    refuseKeyword(nodeWith(facts, "multipleOf"), "multipleOf", "the least common multiple has too many digits");
  }
  if (divisor.digits > 1n || divisor.scale > 0) {
    const write = divisor.scale > 0 ? decimalMultiples : integerMultiples;
    const expression = guardBounds(facts, () => write({ divisor, minimum, maximum }, { facts, writer }));
    if (expression !== undefined) return compiled(expression);
    return contradicted(nodeWith(facts, "multipleOf"), "multipleOf", "no multiple lies within the bounds");
  }
  if (isUnbounded(bounds)) return compiled(writer.shared(isInteger ? "integer" : "number"));
  const expression = guardBounds(facts, () =>
    isInteger ? integerExpression(minimum, maximum) : decimalRange(minimum, maximum),
  );
  if (expression !== undefined) return compiled(expression);
  const keyword = facts.nodes.some((node) => keywordValue(node, "minimum") !== undefined)
    ? "minimum"
    : "exclusiveMinimum";
  return contradicted(nodeWith(facts, keyword), keyword, "no number lies within the bounds");
}

/** True where a number satisfies all that the facts say about numbers. */
export function numberSatisfies(value: number, facts: Facts): boolean {
  noteFormats(facts);
  const { minimum, maximum } = withFormatBounds(facts);
  if (!facts.multiples.every((multiple) => isMultiple(toDecimal(value), multiple))) return false;
  if (minimum !== undefined && (value < minimum.value || (minimum.exclusive && value === minimum.value))) return false;
  return maximum === undefined || value < maximum.value || (!maximum.exclusive && value === maximum.value);
}

function noteFormats(facts: Facts): void {
  for (const { name, node } of facts.formats) annotateUnknownFormat(name, node);
}

interface Bounds {
  readonly minimum: NumberBound | undefined;
  readonly maximum: NumberBound | undefined;
}

function withFormatBounds(facts: Facts): Bounds {
  let { minimum, maximum } = facts;
  for (const { name } of facts.formats) {
    const format = INTEGER_FORMATS.get(name);
    if (format === undefined) continue;
    if (minimum === undefined || minimum.value < format.minimum) minimum = { value: format.minimum, exclusive: false };
    if (maximum === undefined || maximum.value > format.maximum) maximum = { value: format.maximum, exclusive: false };
  }
  return { minimum, maximum };
}

/** True where the bounds allow every number that the rule without bounds can write. */
function isUnbounded({ minimum, maximum }: Bounds): boolean {
  return (minimum?.value ?? -Infinity) <= -BEYOND_NUMBERS && (maximum?.value ?? Infinity) >= BEYOND_NUMBERS;
}

/** The bounds without those that are out of reach of the digits written for the other one. */
function withoutFar({ minimum, maximum }: Bounds): Bounds {
  const isMinimumFar = minimum !== undefined && minimum.value <= -FAR && (maximum?.value ?? 0) > -NEAR;
  const isMaximumFar = maximum !== undefined && maximum.value >= FAR && (minimum?.value ?? 0) < NEAR;
  return { minimum: isMinimumFar ? undefined : minimum, maximum: isMaximumFar ? undefined : maximum };
}

function integerExpression(minimum: NumberBound | undefined, maximum: NumberBound | undefined): string | undefined {
  const low = minimum === undefined ? undefined : integerBound(minimum, 1n);
  const high = maximum === undefined ? undefined : integerBound(maximum, -1n);
  return integerRange(low, high);
}

interface Multiples extends Bounds {
  readonly divisor: Decimal;
}

interface Writing {
  readonly facts: Facts;
  readonly writer: GrammarWriter;
}

/** Zero, then the multiples on both sides of it, those of a power of ten by their last digits. */
function integerMultiples({ divisor, minimum, maximum }: Multiples, { facts, writer }: Writing): string | undefined {
  const low = clamp(minimum === undefined ? -MAX_EXACT : integerBound(minimum, 1n), MAX_EXACT);
  const high = clamp(maximum === undefined ? MAX_EXACT : integerBound(maximum, -1n), MAX_EXACT);
  let zeros = 0;
  let rest = divisor.digits;
  for (; rest % 10n === 0n; rest /= 10n) zeros += 1;
  const scale = 10n ** BigInt(zeros);
  const side = (from: bigint, to: bigint): string[] => {
    const [least, most] = [(maxOf(from, 1n) + scale - 1n) / scale, to / scale];
    if (most < least) return [];
    const end = zeros === 0 ? "" : ` "${"0".repeat(zeros)}"`;
    if (rest === 1n) return [`${group(naturalRange(least, most))}${end}`];
    const text = multiplesText({ divisor: rest, scale: 0, low: least, high: most }, { facts, writer });
    return text === undefined ? [] : [`${text}${end}`];
  };
  return bothSides(low, high, side);
}

/** The same of a decimal, counted in units of its last digit. */
function decimalMultiples({ divisor, minimum, maximum }: Multiples, { facts, writer }: Writing): string | undefined {
  const { scale, digits } = divisor;
  const bound = ({ value, exclusive }: NumberBound, inward: 1n | -1n): bigint => {
    const decimal = toDecimal(value);
    const nearest = scaled(decimal, { scale, side: inward > 0n ? "above" : "below" });
    return exclusive && decimal.scale <= scale ? nearest + inward : nearest;
  };
  const low = clamp(minimum === undefined ? -EXACT_DECIMALS : bound(minimum, 1n), EXACT_DECIMALS);
  const high = clamp(maximum === undefined ? EXACT_DECIMALS : bound(maximum, -1n), EXACT_DECIMALS);
  const side = (from: bigint, to: bigint): string[] => {
    const least = maxOf(from, 1n);
    if (to < least) return [];
    return [multiplesText({ divisor: digits, scale, low: least, high: to }, { facts, writer })].filter(
      (text) => text !== undefined,
    );
  };
  return bothSides(low, high, side);
}

function multiplesText(
  range: { readonly divisor: bigint; readonly scale: number; readonly low: bigint; readonly high: bigint },
  { facts, writer }: Writing,
): string | undefined {
  const { maxAutomatonStates: maxStates } = writer.limits;
  const automaton = guardSize(nodeWith(facts, "multipleOf"), "multipleOf", () =>
    multiplesAutomaton({ ...range, maxStates }),
  );
  return automaton.states.length === 0 ? undefined : bareTextFromAutomaton(automaton, writer);
}

function bothSides(
  low: bigint,
  high: bigint,
  side: (from: bigint, to: bigint) => readonly string[],
): string | undefined {
  const negative = side(-high, -low).map((magnitude) => `"-" ${magnitude}`);
  const options = [...(low <= 0n && high >= 0n ? ['"0"'] : []), ...side(low, high), ...negative];
  return options.length === 0 ? undefined : options.join(" | ");
}

function clamp(value: bigint, most: bigint): bigint {
  return value > most ? most : value < -most ? -most : value;
}

function maxOf(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

/** The nearest integer inside the bound; `inward` is +1 for a lower bound and -1 for an upper one. */
function integerBound({ value, exclusive }: NumberBound, inward: 1n | -1n): bigint {
  const integer = BigInt(inward > 0n ? Math.ceil(value) : Math.floor(value));
  if (String(integer).length > MAX_BOUND_DIGITS) throw new InexactBoundError("it has too many digits");
  if (!exclusive || !Number.isInteger(value)) return integer;
  if (integer > MAX_EXACT || integer < -MAX_EXACT) throw new InexactBoundError("its neighbour is the same double");
  return integer + inward;
}

const BOUND_KEYWORDS = ["exclusiveMinimum", "exclusiveMaximum", "minimum", "maximum"];

function guardBounds(facts: Facts, build: () => string | undefined): string | undefined {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof InexactBoundError)) throw error;
    const keyword =
      BOUND_KEYWORDS.find((name) => facts.nodes.some((node) => keywordValue(node, name) !== undefined)) ?? "minimum";
    return refuseKeyword(nodeWith(facts, keyword), keyword, error.message);
  }
}
