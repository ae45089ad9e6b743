// Floats: IEEE arithmetic with Python's signs for // and %, and its exceptions instead of infinities.
import { pythonError, valueError } from "../errors.ts";
import type { Operator } from "./integer-math.ts";
import { powerOf } from "./rounding.ts";

export function calculateFloats(operator: Operator, left: number, right: number): number {
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  if (operator === "*") return left * right;
  if (operator === "**") return power(left, right);
  if (right === 0) {
    throw pythonError("ZeroDivisionError", operator === "/" ? "float division by zero" : "float modulo");
  }
  if (operator === "/") return left / right;
  const rest = left % right;
  const modulo = rest !== 0 && rest < 0 !== right < 0 ? rest + right : rest === 0 ? signed(0, right) : rest;
  if (operator === "%") return modulo;
  return floored((left - modulo) / right, left / right);
}

/** The whole number next to `quotient`, which is off by a rounding error at most; a zero has the sign of the exact quotient. */
function floored(quotient: number, exact: number): number {
  if (quotient === 0) return signed(0, exact);
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

function signed(zero: number, like: number): number {
  return like < 0 || Object.is(like, -0) ? -zero : zero;
}

function power(left: number, right: number): number {
  if (left === 1 || right === 0) return 1;
  if (left === 0 && right < 0) {
    throw pythonError("ZeroDivisionError", "0.0 cannot be raised to a negative power");
  }
  if (left < 0 && Number.isFinite(left) && Number.isFinite(right) && !Number.isInteger(right)) {
    throw valueError("complex numbers are not supported");
  }
  if (left === -1 && !Number.isFinite(right)) return Number.isNaN(right) ? NaN : 1;
  const result = powerOf(left, right);
  if (!Number.isFinite(result) && Number.isFinite(left) && Number.isFinite(right)) {
    throw pythonError("OverflowError", "(34, 'Numerical result out of range')");
  }
  return result;
}
