// Python's values as the engine holds them. None is null; an int is a number while it is exact and a bigint beyond; a float is a
// `Float`, because 2.0 and 2 are printed apart; a str is a JavaScript string or a `Text`. Nothing here changes once it is made: the
// sandbox in which chat templates run refuses whatever would.
import type { Budget } from "../limits.ts";
import { typeError } from "../errors.ts";
import { isText, plain, type PyString } from "./text/text.ts";

export type Value = null | boolean | number | bigint | Float | PyString | List | Tuple | Dict | Undefined | PyObject;

/** Keyword arguments keep their names as strings with an origin: `**` may unpack what the caller sent. */
export interface Keyword {
  readonly name: PyString;
  readonly value: Value;
}

export interface Arguments {
  readonly positional: readonly Value[];
  readonly keywords: readonly Keyword[];
}

/** A function of Python's. */
export type Call = (run: Run, given: Arguments) => Value;

/** What every operation may need of the rendering that it belongs to. */
export interface Run {
  readonly budget: Budget;
  readonly now: Date;
  readonly filters: ReadonlyMap<string, Call>;
  readonly tests: ReadonlyMap<string, Call>;
  /** `object.name` as a sandboxed template reads it. */
  readonly attribute: (run: Run, object: Value, name: PyString) => Value;
  /** `object[key]` as a sandboxed template reads it. */
  readonly item: (run: Run, object: Value, key: Value) => Value;
}

export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export class List {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  /** Field names of a named tuple, such as a group of `groupby`. */
  readonly fields: readonly string[] | undefined;

  constructor(items: readonly Value[], fields?: readonly string[]) {
    this.items = items;
    this.fields = fields;
  }
}

/** A value that is not there. Printing it gives nothing; most other uses are errors with `message`. */
export class Undefined {
  readonly message: string;
  /** Python's exception: an attribute that the sandbox refuses is a SecurityError. */
  readonly type: "UndefinedError" | "SecurityError" | "TemplateRuntimeError";

  constructor(message: string, type: "UndefinedError" | "SecurityError" | "TemplateRuntimeError" = "UndefinedError") {
    this.message = message;
    this.type = type;
  }
}

/** Everything else: functions, ranges, views of dicts, iterators, loops, macros, namespaces. */
export abstract class PyObject {
  /** As `TypeError`s name it. */
  abstract readonly typeName: string;

  abstract repr(run: Run): PyString;

  /** An attribute; undefined where there is none. */
  attribute(_name: string, _run: Run): Value | undefined {
    return undefined;
  }

  /** The items one after the other; undefined where Python cannot iterate. */
  iterate(_run: Run): Iterable<Value> | undefined {
    return undefined;
  }

  /** `in`, where it is more than a look at the items; undefined where it is that. */
  contains(_needle: Value): boolean | undefined {
    return undefined;
  }

  /** undefined where Python has no `len`. */
  length(_run: Run): number | undefined {
    return undefined;
  }

  /** Objects of one type are equal where these are; undefined where an object equals only itself. */
  comparisonKey(_run: Run): Value | undefined {
    return undefined;
  }

  /** What a call gives; undefined where the object cannot be called. */
  get call(): Call | undefined {
    return undefined;
  }

  /** `object[key]`; undefined where it cannot be asked or has nothing there. */
  item(_key: Value, _run: Run): Value | undefined {
    return undefined;
  }
}

/** What stands for a key in a JavaScript Map: equal for keys that are equal in Python. */
type DictKey = string | number | bigint | null | object | symbol;

const undefinedKey = Symbol("undefined");

/** Keys in the order in which they were first set, found by value: 1, 1.0 and True are one key. */
export class Dict {
  readonly #entries = new Map<DictKey, [Value, Value]>();
  /** One object for each tuple by its value. */
  #tuples: Map<string, object> | undefined;

  /** Later entries replace the values of earlier ones, whose keys stay. */
  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.#set(key, value);
  }

  /** A function that adds keys to a dict that nobody else has; it says whether a key is new. */
  static growing(): (key: Value) => boolean {
    const dict = new Dict();
    return (key) => dict.#set(key, null);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(this.#key(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(this.#key(key));
  }

  entries(): Iterable<readonly [Value, Value]> {
    return this.#entries.values();
  }

  *keys(): Iterable<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }

  #set(key: Value, value: Value): boolean {
    const name = this.#key(key);
    const found = this.#entries.get(name);
    if (found === undefined) this.#entries.set(name, [key, value]);
    else found[1] = value;
    return found === undefined;
  }

  #key(key: Value): DictKey {
    if (typeof key === "string") return key;
    if (isText(key)) return key.text;
    if (!(key instanceof Tuple)) return simpleKey(key);
    const name = tupleKey(key);
    this.#tuples ??= new Map();
    const found = this.#tuples.get(name) ?? {};
    this.#tuples.set(name, found);
    return found;
  }
}

function simpleKey(key: Exclude<Value, PyString | Tuple>): DictKey {
  if (key === null || typeof key === "number" || typeof key === "bigint") return key;
  if (typeof key === "boolean") return Number(key);
  if (key instanceof Float) {
    if (Number.isNaN(key.value)) return key;
    return Number.isInteger(key.value) && !Number.isSafeInteger(key.value) ? BigInt(key.value) : key.value;
  }
  if (key instanceof Undefined) return undefinedKey;
  if (key instanceof List) throw typeError("unhashable type: 'list'");
  if (key instanceof Dict) throw typeError("unhashable type: 'dict'");
  if (key.typeName === "slice" || key.typeName === "dict_keys" || key.typeName === "dict_items") {
    throw typeError(`unhashable type: '${key.typeName}'`);
  }
  return key;
}

const objectNumbers = new WeakMap<object, number>();
let lastObjectNumber = 0;

/** A name that is equal for equal tuples and for no others. */
function tupleKey(tuple: Tuple): string {
  const parts = tuple.items.map((item): string => {
    if (isText(item)) return `s${plain(item).length}:${plain(item)}`;
    if (item instanceof Tuple) return `t${tupleKey(item)}`;
    const key = simpleKey(item);
    if (typeof key === "symbol" || key === null) return String(key);
    if (typeof key !== "object") return `n${String(key)}`;
    const number = objectNumbers.get(key) ?? (lastObjectNumber += 1);
    objectNumbers.set(key, number);
    return `o${number}`;
  });
  return `(${parts.join(",")})`;
}

export function isNumber(value: Value): value is number | bigint | boolean | Float {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" || value instanceof Float;
}

/** True for ints, of which Python's booleans are a kind. */
export function isInteger(value: Value): value is number | bigint | boolean {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
}
