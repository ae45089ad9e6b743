// Attributes and methods of numbers and of bytes.
import { pythonError } from "../errors.ts";
import { Bytes } from "../values/collections.ts";
import { bitsOf, truncated } from "../values/numbers.ts";
import { defineAll } from "../values/signature.ts";
import { callerText } from "../values/text/text.ts";
import { Float, isInteger, Tuple, type Call, type Value } from "../values/value.ts";

const integerMethods = defineAll({
  bit_length: [
    "/ self",
    (_run, [self]) => {
      const magnitude = BigInt(Number(self) < 0 ? -(self as bigint | number) : (self as bigint | number | boolean));
      return magnitude === 0n ? 0 : magnitude.toString(2).length;
    },
  ],
  bit_count: [
    "/ self",
    (run, [self]) => {
      run.budget.integer(bitsOf(BigInt(self as number)));
      const magnitude = BigInt(self as number);
      return [...(magnitude < 0n ? -magnitude : magnitude).toString(2)].filter((bit) => bit === "1").length;
    },
  ],
  conjugate: ["/ self", (_run, [self]) => whole(self as Value)],
  as_integer_ratio: ["/ self", (_run, [self]) => new Tuple([whole(self as Value), 1])],
});

const floatMethods = defineAll({
  is_integer: ["/ self", (_run, [self]) => Number.isInteger((self as Float).value)],
  conjugate: ["/ self", (_run, [self]) => self as Value],
  as_integer_ratio: [
    "/ self",
    (_run, [self]) => {
      let { value } = self as Float;
      truncated(value);
      let denominator = 1n;
      while (!Number.isInteger(value)) {
        value *= 2;
        denominator *= 2n;
      }
      const ratio = [truncated(value), denominator <= 2n ** 53n ? Number(denominator) : denominator];
      return new Tuple(ratio);
    },
  ],
});

const bytesMethods = defineAll({
  decode: [
    "self encoding? errors?",
    (run, [self]) => {
      const { bytes, isCallers } = self as Bytes;
      run.budget.text(bytes.length);
      try {
        const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
        return isCallers ? callerText(text) : text;
      } catch {
        throw pythonError("UnicodeDecodeError", "'utf-8' codec can't decode bytes");
      }
    },
  ],
  hex: [
    "/ self",
    (run, [self]) => {
      const { bytes, isCallers } = self as Bytes;
      run.budget.text(bytes.length * 2);
      const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return isCallers ? callerText(text) : text;
    },
  ],
});

/** The method of that name, which takes the value as its first argument. */
export function scalarMethod(value: Value, name: string): Call | undefined {
  if (value instanceof Float) return floatMethods.get(name);
  if (value instanceof Bytes) return bytesMethods.get(name);
  return isInteger(value) ? integerMethods.get(name) : undefined;
}

/** An attribute of a number that is no method. */
export function numberAttribute(value: Value, name: string): Value | undefined {
  if (value instanceof Float) return name === "real" ? value : name === "imag" ? new Float(0) : undefined;
  if (!isInteger(value)) return undefined;
  if (name === "real" || name === "numerator") return whole(value);
  if (name === "imag") return 0;
  return name === "denominator" ? 1 : undefined;
}

function whole(value: Value): Value {
  return typeof value === "boolean" ? Number(value) : value;
}
