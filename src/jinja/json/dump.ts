// `json.dumps` of Python, as transformers' filter `tojson` calls it.
import { typeError } from "../errors.ts";
import { floatText, integerText } from "../values/numbers.ts";
import { isTemplates, isText, plain, Text, type PyString } from "../values/text/text.ts";
import { typeName } from "../values/types.ts";
import { Dict, Float, List, Tuple, type Run, type Value } from "../values/value.ts";
import { isOrdered } from "../values/compare.ts";

export interface DumpOptions {
  /** Everything beyond ASCII as escapes. */
  readonly isAscii: boolean;
  /** What one level is indented by; undefined for one line. */
  readonly indent: string | undefined;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortsKeys: boolean;
}

/** The result is the caller's from end to end where the value has a string of the caller's anywhere, as with `repr`. */
export function dumpJson(run: Run, value: Value, options: DumpOptions): PyString {
  const writer = new Writer(run, options);
  writer.write(value, "");
  return writer.finish();
}

class Writer {
  readonly #run: Run;
  readonly #options: DumpOptions;
  readonly #parts: string[] = [];
  #isCallers = false;

  constructor(run: Run, options: DumpOptions) {
    this.#run = run;
    this.#options = options;
  }

  finish(): PyString {
    const text = this.#parts.join("");
    return this.#isCallers ? new Text(text) : text;
  }

  /** `margin` is the indent of the line on which the value begins. */
  write(value: Value, margin: string): void {
    this.#run.budget.steps(1);
    if (isText(value)) this.#string(value);
    else if (value instanceof List || value instanceof Tuple) {
      this.#nested(["[", "]"], margin, value.items, (item, inner) => this.write(item, inner));
    } else if (value instanceof Dict) this.#dict(value, margin);
    else this.#push(scalar(value));
  }

  #push(text: string): void {
    this.#run.budget.text(text.length);
    this.#parts.push(text);
  }

  #dict(dict: Dict, margin: string): void {
    let entries = [...dict.entries()];
    if (this.#options.sortsKeys) entries = sorted(this.#run, entries);
    this.#nested(["{", "}"], margin, entries, ([key, value], inner) => {
      if (isText(key)) this.#string(key);
      else this.#push(`"${keyText(key)}"`);
      this.#push(this.#options.keySeparator);
      this.write(value, inner);
    });
  }

  #nested<T>(
    [open, close]: readonly [string, string],
    margin: string,
    items: readonly T[],
    writeItem: (item: T, margin: string) => void,
  ): void {
    if (items.length === 0) return this.#push(open + close);
    const { indent, itemSeparator } = this.#options;
    const inner = indent === undefined ? "" : margin + indent;
    const lineBreak = indent === undefined ? "" : `\n${inner}`;
    this.#push(open + lineBreak);
    this.#run.budget.deeper(() => {
      for (const [index, item] of items.entries()) {
        if (index > 0) this.#push(itemSeparator + lineBreak);
        writeItem(item, inner);
      }
    });
    this.#push(indent === undefined ? close : `\n${margin}${close}`);
  }

  #string(text: PyString): void {
    this.#isCallers ||= !isTemplates(text);
    this.#run.budget.text(plain(text).length + 2);
    this.#push(quoteJson(plain(text), this.#options.isAscii));
  }
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\f": "\\f",
  "\b": "\\b",
};

// oxlint-disable-next-line no-control-regex -- JSON escapes control characters
const escapedInJson = /[\x00-\x1f"\\]/g;
// oxlint-disable-next-line no-control-regex -- JSON escapes control characters
const escapedInAscii = /[^\x20-\x7e]|["\\]/g;

function quoteJson(text: string, isAscii: boolean): string {
  const escape = (unit: string): string =>
    shortEscapes[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${text.replace(isAscii ? escapedInAscii : escapedInJson, escape)}"`;
}

function scalar(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "number" || typeof value === "bigint") return integerText(value);
  if (value instanceof Float) return jsonFloat(value.value);
  throw typeError(`Object of type ${typeName(value)} is not JSON serializable`);
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-Infinity" : "Infinity";
  return floatText(value);
}

function keyText(key: Value): string {
  if (key === null || typeof key === "boolean" || typeof key === "number" || typeof key === "bigint")
    return scalar(key);
  if (key instanceof Float) return jsonFloat(key.value);
  throw typeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

/** By keys, and where two are equal by values, since Python sorts the pairs. */
function sorted(run: Run, entries: readonly (readonly [Value, Value])[]): (readonly [Value, Value])[] {
  const pairs = entries.map((entry) => ({ entry, tuple: new Tuple(entry) }));
  return pairs
    .sort((one, other) => {
      if (isOrdered(run, "<", { left: one.tuple, right: other.tuple })) return -1;
      return isOrdered(run, "<", { left: other.tuple, right: one.tuple }) ? 1 : 0;
    })
    .map(({ entry }) => entry);
}
