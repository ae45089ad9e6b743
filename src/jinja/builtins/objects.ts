// The objects that the global functions make: namespaces, cyclers and joiners.
import { pythonError } from "../errors.ts";
import { address, createMethod } from "../values/functions.ts";
import { repr } from "../values/repr.ts";
import { plain, Text, type PyString } from "../values/text/text.ts";
import { Dict, PyObject, Tuple, type Call, type Keyword, type Run, type Value } from "../values/value.ts";
import { toDict } from "./to-dict.ts";

/** The one object that a template can change: `{% set namespace.name = value %}`. */
export class Namespace extends PyObject {
  override readonly typeName = "Namespace";
  readonly #entries = new Map<string, { key: PyString; value: Value }>();

  /** Later entries win. */
  constructor(entries: Iterable<readonly [Value, Value]>) {
    super();
    for (const [key, value] of entries) {
      const name = typeof key === "string" || key instanceof Text ? key : "";
      this.#entries.set(plain(name), { key: name, value });
    }
  }

  set(name: string, value: Value): void {
    this.#entries.set(name, { key: this.#entries.get(name)?.key ?? name, value });
  }

  override attribute(name: string): Value | undefined {
    return this.#entries.get(name)?.value;
  }

  override repr(run: Run): PyString {
    const dict = new Dict([...this.#entries.values()].map(({ key, value }) => [key, value] as const));
    const printed = repr(run, dict);
    const text = `<Namespace ${plain(printed)}>`;
    return typeof printed === "string" ? text : new Text(text);
  }
}

/** Gives its items in turn. */
export class Cycler extends PyObject {
  override readonly typeName = "Cycler";
  readonly #items: readonly Value[];
  #position = 0;

  constructor(items: readonly Value[]) {
    super();
    if (items.length === 0) throw pythonError("RuntimeError", "at least one item has to be provided");
    this.#items = items;
  }

  get #current(): Value {
    return this.#items[this.#position] as Value;
  }

  override repr(): PyString {
    return `<jinja2.utils.Cycler object at ${address}>`;
  }

  override attribute(name: string): Value | undefined {
    if (name === "items") return new Tuple(this.#items);
    if (name === "pos") return this.#position;
    if (name === "current") return this.#current;
    if (name === "next") return createMethod("next", "Cycler", () => this.#next());
    if (name !== "reset") return undefined;
    return createMethod("reset", "Cycler", () => {
      this.#position = 0;
      return null;
    });
  }

  #next(): Value {
    const current = this.#current;
    this.#position = (this.#position + 1) % this.#items.length;
    return current;
  }
}

/** Gives nothing at its first call, and its separator at all others. */
export class Joiner extends PyObject {
  override readonly typeName = "Joiner";
  readonly #separator: Value;
  #isUsed = false;

  constructor(separator: Value) {
    super();
    this.#separator = separator;
  }

  override get call(): Call {
    return () => {
      const value = this.#isUsed ? this.#separator : "";
      this.#isUsed = true;
      return value;
    };
  }

  override repr(): PyString {
    return `<jinja2.utils.Joiner object at ${address}>`;
  }

  override attribute(name: string): Value | undefined {
    if (name === "sep") return this.#separator;
    return name === "used" ? this.#isUsed : undefined;
  }
}

/** `namespace(...)`, with the arguments of `dict(...)`. */
export function createNamespace(run: Run, positional: readonly Value[], keywords: readonly Keyword[]): Namespace {
  return new Namespace(toDict(run, "namespace", { positional, keywords }).entries());
}
