// Integers: exact at any size that the limits allow, with Python's signs for // and %.
import { pythonError, valueError } from "../errors.ts";
import type { Budget } from "../limits.ts";
import { bitsOf, integer } from "../values/numbers.ts";
import { Float } from "../values/value.ts";
import { nearestQuotient, powerOf } from "./rounding.ts";

export type Int = number | bigint;

export type Operator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

export function calculateIntegers(budget: Budget, operator: Operator, [left, right]: readonly [Int, Int]): Int | Float {
  if (operator === "/") return divide(left, right);
  if (operator === "**") return power(budget, left, right);
  if ((operator === "//" || operator === "%") && Number(right) === 0) {
    throw pythonError("ZeroDivisionError", `integer ${operator === "%" ? "modulo" : "division or modulo"} by zero`);
  }
  if (typeof left === "number" && typeof right === "number") {
    const result = small(operator, left, right);
    if (Number.isSafeInteger(result)) return result + 0;
  }
  budget.integer(bitsOf(left) + bitsOf(right));
  return integer(big(operator, BigInt(left), BigInt(right)));
}

function small(operator: Operator, left: number, right: number): number {
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  if (operator === "*") return left * right;
  const rest = left % right;
  const modulo = rest !== 0 && rest < 0 !== right < 0 ? rest + right : rest;
  return operator === "%" ? modulo : (left - modulo) / right;
}

function big(operator: Operator, left: bigint, right: bigint): bigint {
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  if (operator === "*") return left * right;
  const rest = left % right;
  const modulo = rest !== 0n && rest < 0n !== right < 0n ? rest + right : rest;
  return operator === "%" ? modulo : (left - modulo) / right;
}

function divide(left: Int, right: Int): Float {
  if (Number(right) === 0) throw pythonError("ZeroDivisionError", "division by zero");
  const isExact = typeof left === "number" && typeof right === "number";
  const quotient = isExact ? left / right : nearestQuotient(BigInt(left), BigInt(right));
  if (Number.isFinite(quotient)) return new Float(quotient);
  throw pythonError("OverflowError", "integer division result too large for a float");
}

function power(budget: Budget, base: Int, exponent: Int): Int | Float {
  if (Number(exponent) < 0) {
    if (Number(base) === 0) throw pythonError("ZeroDivisionError", "0.0 cannot be raised to a negative power");
    return new Float(powerOf(Number(base), Number(exponent)));
  }
  if (Number(exponent) === 0) return 1;
  const isOne = Math.abs(Number(base)) <= 1;
  if (!isOne) budget.integer(bitsOf(base) * Number(exponent));
  if (!isOne || typeof exponent === "number")
    return integer(BigInt(base) ** BigInt(isOne ? Number(exponent) % 2 || 2 : exponent));
  throw valueError("exponent too large");
}
