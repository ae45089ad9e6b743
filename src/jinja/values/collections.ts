// Ranges, the views of a dict, and bytes.
import { pythonError, typeError, valueError } from "../errors.ts";
import { repr } from "./repr.ts";
import { Text, type PyString } from "./text/text.ts";
import { isInteger, List, PyObject, Tuple, type Dict, type Run, type Value } from "./value.ts";

/** The sandbox refuses longer ranges. */
const maximumRange = 100_000;

export class PyRange extends PyObject {
  override readonly typeName = "range";
  readonly start: number;
  readonly stop: number;
  readonly step: number;

  constructor(start: number, stop: number, step: number) {
    super();
    this.start = start;
    this.stop = stop;
    this.step = step;
  }

  get size(): number {
    return Math.max(0, Math.ceil((this.stop - this.start) / this.step));
  }

  /** The number at `index`, counted from 0. */
  at(index: number): number {
    return this.start + index * this.step;
  }

  override repr(): PyString {
    return this.step === 1 ? `range(${this.start}, ${this.stop})` : `range(${this.start}, ${this.stop}, ${this.step})`;
  }

  override length(): number {
    return this.size;
  }

  override *iterate(): Iterable<Value> {
    const { size } = this;
    for (let index = 0; index < size; index += 1) yield this.at(index);
  }

  override item(key: Value): Value | undefined {
    if (!isInteger(key)) return undefined;
    const index = Number(key) < 0 ? Number(key) + this.size : Number(key);
    return index >= 0 && index < this.size ? this.at(index) : undefined;
  }

  override comparisonKey(): Value {
    return new List(this.size === 0 ? [] : [this.size, this.start, this.size === 1 ? null : this.step]);
  }

  override attribute(name: string): Value | undefined {
    return name === "start" || name === "stop" || name === "step" ? this[name] : undefined;
  }
}

/** `range(...)` of the sandbox. */
export function createRange(bounds: readonly Value[]): PyRange {
  if (bounds.length === 0) throw typeError("range expected at least 1 argument, got 0");
  if (bounds.length > 3) throw typeError(`range expected at most 3 arguments, got ${bounds.length}`);
  const numbers = bounds.map((bound) => {
    if (isInteger(bound)) return Number(bound);
    throw typeError("object cannot be interpreted as an integer");
  });
  const [first = 0, second, step = 1] = numbers;
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (step === 0) throw valueError("range() arg 3 must not be zero");
  const range = new PyRange(start, stop, step);
  if (range.size <= maximumRange && [start, range.size < 2 ? start : range.at(range.size)].every(Number.isSafeInteger))
    return range;
  throw pythonError(
    "OverflowError",
    `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${maximumRange}).`,
  );
}

/** `dict.keys()`, `dict.values()` and `dict.items()`. */
export class DictView extends PyObject {
  readonly dict: Dict;
  readonly kind: "keys" | "values" | "items";

  constructor(dict: Dict, kind: "keys" | "values" | "items") {
    super();
    this.dict = dict;
    this.kind = kind;
  }

  override get typeName(): string {
    return `dict_${this.kind}`;
  }

  override repr(run: Run): PyString {
    const items = repr(run, new List([...this.iterate()]));
    const text = `${this.typeName}(${typeof items === "string" ? items : items.text})`;
    return typeof items === "string" ? text : new Text(text);
  }

  /** By the hash of the key: a list raises a TypeError. */
  override contains(needle: Value): boolean | undefined {
    if (this.kind === "keys") return this.dict.has(needle);
    const [key] = needle instanceof Tuple && needle.items.length === 2 ? needle.items : [];
    return this.kind === "items" && (key === undefined || !this.dict.has(key)) ? false : undefined;
  }

  override length(): number {
    return this.dict.size;
  }

  override *iterate(): Iterable<Value> {
    for (const [key, value] of this.dict.entries()) {
      yield this.kind === "keys" ? key : this.kind === "values" ? value : new Tuple([key, value]);
    }
  }

  override comparisonKey(): Value | undefined {
    return this.kind === "values" ? undefined : this.dict;
  }
}

/** `bytes`, as `str.encode` gives them. */
export class Bytes extends PyObject {
  override readonly typeName = "bytes";
  readonly bytes: Uint8Array;
  /** Whether a string of the caller's was encoded. */
  readonly isCallers: boolean;

  constructor(bytes: Uint8Array, isCallers: boolean) {
    super();
    this.bytes = bytes;
    this.isCallers = isCallers;
  }

  override repr(run: Run): PyString {
    run.budget.text(this.bytes.length * 4);
    const characters = Array.from(this.bytes, (byte) => byteEscapes[byte] ?? escapeByte(byte)).join("");
    const isDouble = this.bytes.includes(0x27) && !this.bytes.includes(0x22);
    const text = isDouble ? `b"${characters}"` : `b'${characters.replaceAll("'", "\\'")}'`;
    return this.isCallers ? new Text(text) : text;
  }

  override length(): number {
    return this.bytes.length;
  }

  override iterate(): Iterable<Value> {
    return this.bytes;
  }

  override item(key: Value): Value | undefined {
    return isInteger(key) ? this.bytes.at(Number(key)) : undefined;
  }

  override comparisonKey(): Value {
    return new List([...this.bytes]);
  }
}

const byteEscapes: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };

function escapeByte(byte: number): string {
  return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
}
