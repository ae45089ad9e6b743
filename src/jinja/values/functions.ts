// Functions, methods, classes and iterators as values.
import type { PyString } from "./text/text.ts";
import { PyObject, type Call, type Run, type Value } from "./value.ts";

/** Where Python prints an address. It has no meaning, and differs from process to process there. */
export const address = "0x7f0000000000";

/** A function, a method that is bound to its object, or a class. */
export class Callable extends PyObject {
  readonly #call: Call;
  readonly #repr: string;
  override readonly typeName: string;

  constructor(call: Call, printed: { readonly repr: string; readonly typeName: string }) {
    super();
    this.#call = call;
    this.#repr = printed.repr;
    this.typeName = printed.typeName;
  }

  override get call(): Call {
    return this.#call;
  }

  override repr(): PyString {
    return this.#repr;
  }
}

export function createFunction(name: string, call: Call): Callable {
  return new Callable(call, { repr: `<function ${name} at ${address}>`, typeName: "function" });
}

/** A method of a built-in type, bound to an object of that type. */
export function createMethod(name: string, owner: string, call: Call): Callable {
  return new Callable(call, {
    repr: `<built-in method ${name} of ${owner} object at ${address}>`,
    typeName: "builtin_function_or_method",
  });
}

export function createClass(name: string, call: Call): Callable {
  return new Callable(call, { repr: `<class '${name}'>`, typeName: "type" });
}

/** An iterator: it can be gone through once, and goes on where it was left. */
export class PyIterator extends PyObject {
  readonly #iterator: Iterator<Value>;
  readonly #name: string;
  override readonly typeName: string;

  /** `name` is the function of a generator, or empty for iterators of built-in types. */
  constructor(items: Iterable<Value>, names: { readonly typeName: string; readonly name?: string }) {
    super();
    this.#iterator = items[Symbol.iterator]();
    this.typeName = names.typeName;
    this.#name = names.name === undefined ? "" : ` ${names.name}`;
  }

  override repr(): PyString {
    return `<${this.typeName} object${this.#name} at ${address}>`;
  }

  override iterate(run: Run): Iterable<Value> {
    // A JavaScript loop that is left early would close a generator: only `next` is passed on.
    const next = (): IteratorResult<Value> => {
      run.budget.steps(1);
      return this.#iterator.next();
    };
    return { [Symbol.iterator]: () => ({ next }) };
  }
}

/** What a generator function of jinja2's own gives. */
export function createGenerator(name: string, items: Iterable<Value>): PyIterator {
  return new PyIterator(items, { typeName: "generator", name });
}
