// Compiles numbers: bounds of integers exactly, digit by digit; those of decimals as far as they survive rounding to doubles.
import { compiled, contradicted, nodeWith, type Compiled, type CompileContext } from "./compile-context.ts";
import { decimalRange, InexactBoundError, type NumberBound } from "./numbers/decimal-ranges.ts";
import { integerRange } from "./numbers/number-ranges.ts";
import type { Facts } from "./reading/schema-facts.ts";
import { keywordValue, refuseKeyword } from "./reading/schema-reader.ts";
import { STRING_FORMATS, FREE_STRING_FORMATS } from "../pattern/string-formats.ts";
import { NUMBER_FORMATS } from "./compile-string.ts";

// Beyond this an exclusive bound and its neighbour may be the same double.
const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);
const MAX_BOUND_DIGITS = 40;

/**
 * A JSON number.
 * @throws SchemaNotEnforceableError for `multipleOf` other than 1 and for bounds that digits cannot enforce
 */
export function compileNumber(facts: Facts, { writer }: CompileContext): Compiled {
  requireEnforceable(facts);
  const isInteger = facts.types.has("integer");
  const { minimum, maximum } = withFormatBounds(facts);
  if (minimum === undefined && maximum === undefined) return compiled(writer.shared(isInteger ? "integer" : "number"));
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
  requireEnforceable(facts);
  const { minimum, maximum } = withFormatBounds(facts);
  if (minimum !== undefined && (value < minimum.value || (minimum.exclusive && value === minimum.value))) return false;
  return maximum === undefined || value < maximum.value || (!maximum.exclusive && value === maximum.value);
}

function requireEnforceable(facts: Facts): void {
  for (const node of facts.nodes) {
    const multiple = keywordValue(node, "multipleOf");
    if (multiple !== undefined && multiple !== 1)
      refuseKeyword(node, "multipleOf", "only multiples of 1 can be counted");
  }
  for (const { name, node } of facts.formats) {
    if (!NUMBER_FORMATS.has(name) && !STRING_FORMATS.has(name) && !FREE_STRING_FORMATS.has(name)) {
      refuseKeyword(node, "format", `the format ${JSON.stringify(name)} is not known`);
    }
  }
}

function withFormatBounds(facts: Facts): { minimum: NumberBound | undefined; maximum: NumberBound | undefined } {
  let { minimum, maximum } = facts;
  for (const { name } of facts.formats) {
    if (name !== "int32" && name !== "int64") continue;
    const limit = name === "int32" ? 2 ** 31 : 2 ** 63;
    if (minimum === undefined || minimum.value < -limit) minimum = { value: -limit, exclusive: false };
    // 2^63 - 1 is no double; the largest one below 2^63 is 2^63 - 1024.
    const top = name === "int32" ? limit - 1 : limit - 1024;
    if (maximum === undefined || maximum.value > top) maximum = { value: top, exclusive: false };
  }
  return { minimum, maximum };
}

function integerExpression(minimum: NumberBound | undefined, maximum: NumberBound | undefined): string | undefined {
  const low = minimum === undefined ? undefined : integerBound(minimum, 1n);
  const high = maximum === undefined ? undefined : integerBound(maximum, -1n);
  return integerRange(low, high);
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
