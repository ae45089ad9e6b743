// Which variable a name means is decided before anything is rendered, as jinja2 decides it: a scope knows all names that it writes to,
// wherever that stands in it. A name that a loop sets is the loop's own from its first line on, so what an iteration sets is gone in
// the next one; the arms of an `if` are no scopes.

/** How a variable begins when its scope is entered. */
export type Load =
  | { readonly kind: "parameter" }
  /** The value that the variables given to the template have, or nothing. */
  | { readonly kind: "resolve" }
  /** The value that the variable of this name in an outer scope has at that moment. */
  | { readonly kind: "alias"; readonly from: Reference }
  | { readonly kind: "missing" };

/** Where a variable lies: so many scopes outwards, at that place. */
export interface Reference {
  readonly hops: number;
  readonly index: number;
}

export class Scope {
  readonly parent: Scope | undefined;
  /** The place of each name; shared by the arms of an `if`. */
  readonly #places: Map<string, number>;
  readonly #names: Set<string>;
  readonly #loads: Map<string, Load>;
  readonly #stores: Set<string>;

  constructor(parent?: Scope, copied?: Scope) {
    this.parent = parent;
    this.#places = copied === undefined ? new Map() : copied.#places;
    this.#names = new Set(copied === undefined ? [] : copied.#names);
    this.#loads = new Map(copied === undefined ? [] : copied.#loads);
    this.#stores = new Set(copied === undefined ? [] : copied.#stores);
  }

  /** The same scope as one arm of an `if` sees it. */
  arm(): Scope {
    return new Scope(this.parent, this);
  }

  get size(): number {
    return this.#places.size;
  }

  /** How the variables begin, in the order in which they were met. */
  loads(): { readonly name: string; readonly index: number; readonly load: Load }[] {
    return [...this.#loads].map(([name, load]) => ({ name, index: this.#place(name), load }));
  }

  declareParameter(name: string): Reference {
    this.#stores.add(name);
    this.#define(name, { kind: "parameter" });
    return { hops: 0, index: this.#place(name) };
  }

  read(name: string): void {
    if (this.find(name) === undefined) this.#define(name, { kind: "resolve" });
  }

  write(name: string): void {
    this.#stores.add(name);
    if (this.#names.has(name)) return;
    const outer = this.#findOutside(name);
    this.#define(name, outer === undefined ? { kind: "missing" } : { kind: "alias", from: outer });
  }

  /** Takes in what the arms of an `if` do. A variable that not every arm writes begins with what it would have without them. */
  join(arms: readonly Scope[]): void {
    const counts = new Map<string, number>();
    for (const arm of arms) {
      for (const name of arm.#stores) if (!this.#stores.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    for (const arm of arms) {
      for (const name of arm.#names) this.#names.add(name);
      for (const [name, load] of arm.#loads) this.#loads.set(name, load);
      for (const name of arm.#stores) this.#stores.add(name);
    }
    for (const [name, count] of counts) {
      if (count === arms.length) continue;
      const outer = this.#findOutside(name);
      this.#loads.set(name, outer === undefined ? { kind: "resolve" } : { kind: "alias", from: outer });
    }
  }

  find(name: string): Reference | undefined {
    return this.#names.has(name) ? { hops: 0, index: this.#place(name) } : this.#findOutside(name);
  }

  #findOutside(name: string): Reference | undefined {
    const outer = this.parent?.find(name);
    return outer === undefined ? undefined : { hops: outer.hops + 1, index: outer.index };
  }

  #define(name: string, load: Load): void {
    this.#names.add(name);
    this.#loads.set(name, load);
  }

  #place(name: string): number {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    this.#places.set(name, this.#places.size);
    return this.#places.size - 1;
  }
}
