// The variable `loop`. Items are taken one ahead, since an iteration may ask whether it is the last; the length of what has none is
// counted by taking all that is left.
import { typeError } from "../errors.ts";
import { isEqual } from "../values/compare.ts";
import { createMethod } from "../values/functions.ts";
import { lengthOf } from "../values/iterate.ts";
import type { PyString } from "../values/text/text.ts";
import { PyObject, Tuple, Undefined, type Call, type Run, type Value } from "../values/value.ts";

export interface LoopOptions {
  /** Where the items come from, for its length; undefined where they are filtered. */
  readonly source: Value | undefined;
  /** Loops of the same statement around this one. */
  readonly depth: number;
  /** Renders the loop's body over other items; undefined where the loop is not recursive. */
  readonly recurse: ((items: Value) => Value) | undefined;
}

export class LoopContext extends PyObject {
  override readonly typeName = "LoopContext";
  readonly #run: Run;
  readonly #options: LoopOptions;
  #iterator: Iterator<Value>;
  #length: number | undefined;
  #index = -1;
  #previous: Value | undefined;
  #current: Value | undefined;
  #ahead: Value | undefined;
  #changed: readonly Value[] | undefined;

  constructor(run: Run, items: Iterable<Value>, options: LoopOptions) {
    super();
    this.#run = run;
    this.#iterator = items[Symbol.iterator]();
    this.#options = options;
  }

  /** Goes to the next item; undefined at the end. */
  advance(): Value | undefined {
    const item = this.#peek();
    this.#ahead = undefined;
    if (item === undefined) return undefined;
    this.#run.budget.steps(1);
    this.#index += 1;
    this.#previous = this.#current;
    this.#current = item;
    return item;
  }

  override repr(): PyString {
    return `<LoopContext ${this.#index + 1}/${this.length()}>`;
  }

  override length(): number {
    if (this.#length !== undefined) return this.#length;
    const { source } = this.#options;
    const known = source === undefined ? undefined : lengthOf(this.#run, source);
    this.#length = known ?? this.#countRest();
    return this.#length;
  }

  override *iterate(): Iterable<Value> {
    for (let item = this.advance(); item !== undefined; item = this.advance()) yield new Tuple([item, this]);
  }

  override get call(): Call {
    return (_run, { positional }) => {
      const { recurse } = this.#options;
      if (recurse === undefined) {
        throw typeError("The loop must have the 'recursive' marker to be called recursively.");
      }
      const [items] = positional;
      if (items === undefined || positional.length > 1) throw typeError("loop() takes one argument");
      return recurse(items);
    };
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case "index":
        return this.#index + 1;
      case "index0":
        return this.#index;
      case "revindex":
        return this.length() - this.#index;
      case "revindex0":
        return this.length() - this.#index - 1;
      case "first":
        return this.#index === 0;
      case "last":
        return this.#peek() === undefined;
      case "length":
        return this.length();
      case "depth":
        return this.#options.depth + 1;
      case "depth0":
        return this.#options.depth;
      case "previtem":
        return orMissing(this.#previous, "there is no previous item");
      case "nextitem":
        return orMissing(this.#peek(), "there is no next item");
      case "cycle":
        return createMethod("cycle", "LoopContext", (_run, { positional }) => this.#cycle(positional));
      case "changed":
        return createMethod("changed", "LoopContext", (_run, { positional }) => this.#hasChanged(positional));
      default:
        return undefined;
    }
  }

  #peek(): Value | undefined {
    if (this.#ahead !== undefined) return this.#ahead;
    const next = this.#iterator.next();
    this.#ahead = next.done === true ? undefined : next.value;
    return this.#ahead;
  }

  #countRest(): number {
    const first = this.#peek();
    if (first === undefined) return this.#index + 1;
    const rest: Value[] = [];
    for (let next = this.#iterator.next(); next.done !== true; next = this.#iterator.next()) {
      rest.push(next.value);
      this.#run.budget.steps(1);
      if (rest.length > this.#run.budget.limits.items) this.#run.budget.items(rest.length);
    }
    this.#iterator = rest[Symbol.iterator]();
    return this.#index + 2 + rest.length;
  }

  #cycle(values: readonly Value[]): Value {
    if (values.length === 0) throw typeError("no items for cycling given");
    return values[this.#index % values.length] as Value;
  }

  #hasChanged(values: readonly Value[]): boolean {
    const isSame = this.#changed !== undefined && isEqual(this.#run, new Tuple(this.#changed), new Tuple(values));
    this.#changed = values;
    return !isSame;
  }
}

function orMissing(value: Value | undefined, message: string): Value {
  return value === undefined ? new Undefined(message) : value;
}
