// String and number literals.
import { integer, maximumDigits } from "../values/numbers.ts";
import { Float, type Value } from "../values/value.ts";

const simpleEscapes: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * The string between the quotes with Python's escapes resolved; unknown ones stay. Throws a SyntaxError with Python's reason where an
 * escape is cut short, and for names of characters, which would need their whole table.
 */
export function unescapeString(source: string): string {
  return source.replace(
    /\\([0-7]{1,3}|x([^]{0,2})|u([^]{0,4})|U([^]{0,8})|N|[^]|$)/gu,
    (whole, escape: string, ...hex) => {
      const [x, u, long] = hex as (string | undefined)[];
      const digits = x ?? u ?? long;
      if (digits !== undefined) return codePoint(digits, escape[0] as "x" | "u" | "U");
      if (/^[0-7]/.test(escape)) return String.fromCharCode(Number.parseInt(escape, 8));
      if (escape === "N")
        throw new SyntaxError("(unicode error) names of characters, as in \\N{...}, are not supported");
      return simpleEscapes[escape] ?? whole;
    },
  );
}

const escapeLengths = { x: 2, u: 4, U: 8 };

function codePoint(digits: string, kind: "x" | "u" | "U"): string {
  const length = escapeLengths[kind];
  const sample = `${kind}${"X".repeat(length)}`;
  if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits)) {
    throw new SyntaxError(`'unicodeescape' codec can't decode bytes: truncated \\${sample} escape`);
  }
  const code = Number.parseInt(digits, 16);
  if (code > 0x10ffff) throw new SyntaxError("'unicodeescape' codec can't decode bytes: illegal Unicode character");
  return String.fromCodePoint(code);
}

/** An integer in any base with underscores between its digits. Throws a SyntaxError beyond Python's limit of digits. */
export function parseInteger(source: string): Value {
  const digits = source.replaceAll("_", "");
  if (digits.length > maximumDigits && !/^0[box]/i.test(digits)) {
    throw new SyntaxError(`Exceeds the limit (${maximumDigits} digits) for integer string conversion`);
  }
  return integer(BigInt(digits.toLowerCase()));
}

/** Throws a SyntaxError for what is beyond every float: jinja2 makes Python code of it that does not run. */
export function parseFloatLiteral(source: string): Float {
  const value = Number(source.replaceAll("_", ""));
  if (!Number.isFinite(value)) throw new SyntaxError(`${source} is beyond every float`);
  return new Float(value);
}
