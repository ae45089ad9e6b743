// Writes a grammar: collects named rules and counts what they cost llama.cpp.
import type { GrammarLimits } from "./limits.ts";
import type { SharedRuleName } from "./notation/json-rules.ts";
import { JSON_NOTATION, type Notation } from "./notation/notation.ts";
import { SchemaNotEnforceableError } from "./grammar-error.ts";

/** A keyword at a place of the schema, for errors to name. */
export interface SchemaPlace {
  readonly keyword: string;
  readonly path: string;
}

/** Copies of a symbol that are written as one rule. */
const BLOCK = 128;

/**
 * Writes one grammar. Rule bodies are GBNF text; a body may refer to a rule that is reserved and not yet defined, which is how
 * recursion is written.
 * @throws SchemaNotEnforceableError naming `place` once a limit is exceeded
 */
export class GrammarWriter {
  readonly limits: GrammarLimits;
  readonly notation: Notation;
  /** Set by the compiler before each schema. */
  place: SchemaPlace = { keyword: "$schema", path: "" };
  /** The latest schema with more than one alternative. */
  choicePlace: SchemaPlace = this.place;
  readonly #rules = new Map<string, string>();
  readonly #places = new Map<string, SchemaPlace>();
  #reserved = 0;
  #bytes = 0;
  #expandedElements = 0;

  constructor(limits: GrammarLimits, notation: Notation = JSON_NOTATION) {
    this.limits = limits;
    this.notation = notation;
  }

  /** A fresh rule name. GBNF names hold letters, digits and hyphens only (no underscore). */
  reserve(base: string): string {
    this.#reserved += 1;
    const name = `${base}-${this.#reserved}`;
    this.#places.set(name, this.place);
    return name;
  }

  define(name: string, body: string): void {
    this.#bytes += Buffer.byteLength(name) + Buffer.byteLength(body) + 6;
    this.#charge(body.length / 4);
    if (this.#bytes > this.limits.maxGrammarBytes)
      this.refuse(`its grammar exceeds ${this.limits.maxGrammarBytes} bytes`);
    this.#rules.set(name, body);
  }

  /** Defines a body under a fresh name and returns the name. */
  rule(base: string, body: string): string {
    const name = this.reserve(base);
    this.define(name, body);
    return name;
  }

  /** A rule that is the same for all who ask for it, under its own name. */
  once(name: string, body: string): string {
    if (!this.#rules.has(name)) this.define(name, body);
    return name;
  }

  /** The name of one of the notation's fixed rules, which is defined with all that it uses on first mention. */
  shared(name: SharedRuleName): string {
    if (this.#rules.has(name)) return name;
    const { body, uses } = this.notation.rules[name];
    this.define(name, body);
    for (const used of uses) this.shared(used);
    return name;
  }

  /**
   * `symbol` (one rule name, class or literal) from `min` to `max` times. An upper bound above `maxRepetitions` is lowered to it.
   * `minimum` is where `min` was asked for.
   *
   * llama.cpp makes a rule of every optional copy. Counts beyond two blocks are therefore written in blocks, whose rules are shared by
   * all bounds of the same symbol: a document of many long strings costs little more than one of a single string.
   */
  repeat(
    symbol: string,
    { min, max, minimum }: { readonly min: number; readonly max: number | undefined; readonly minimum?: SchemaPlace },
  ): string {
    const { maxRepetitions } = this.limits;
    if (min > maxRepetitions && minimum !== undefined) this.place = minimum;
    if (min > maxRepetitions) this.refuse(`more than ${maxRepetitions} repetitions would have to be counted`);
    const optional = max === undefined ? undefined : Math.min(max, Math.max(min, maxRepetitions)) - min;
    if (optional !== undefined && min + optional <= 2 * BLOCK) return this.#braces(symbol, min, min + optional);
    const parts = [
      ...(min <= 2 * BLOCK
        ? [this.#braces(symbol, min, min)]
        : [
            this.#braces(this.#block(symbol), Math.floor(min / BLOCK), Math.floor(min / BLOCK)),
            this.#braces(symbol, min % BLOCK, min % BLOCK),
          ]),
      optional === undefined ? `${symbol}*` : this.#upTo(symbol, optional),
    ];
    return parts.filter((part) => part !== "").join(" ");
  }

  /** The place of the schema that a rule was written for, for errors found after all rules are written. */
  placeOf(name: string): SchemaPlace {
    return this.#places.get(name) ?? this.place;
  }

  /** The grammar, `root` first. */
  text(rootBody: string): string {
    this.define("root", rootBody);
    const lines = [...this.#rules].filter(([name]) => name !== "root").map(([name, body]) => `${name} ::= ${body}\n`);
    return `root ::= ${rootBody}\n${lines.join("")}`;
  }

  /** Exactly one block. */
  #block(symbol: string): string {
    return this.#shared(`${symbol}{${BLOCK}}`, "block", () => this.#braces(symbol, BLOCK, BLOCK));
  }

  /** At most two derivations are alive at any character: one inside a full block, one inside the shorter tail. */
  #upTo(symbol: string, count: number): string {
    if (count <= 2 * BLOCK) return this.#braces(symbol, 0, count);
    const first = count % BLOCK;
    const blocks = (left: number): string =>
      this.#shared(`${symbol}{0,${left}}`, "upto", () => {
        const rest = left > BLOCK ? ` ${blocks(left - BLOCK)}` : "";
        const fewer = this.#shared(`${symbol}{0,${BLOCK - 1}}`, "fewer", () => this.#braces(symbol, 0, BLOCK - 1));
        return `${this.#block(symbol)}${rest} | ${fewer}`;
      });
    if (first === 0) return blocks(count);
    const fewer = first === 1 ? '""' : this.#braces(symbol, 0, first - 1);
    return this.#shared(
      `${symbol}{0,${count}}`,
      "upto",
      () => `${this.#braces(symbol, first, first)} ${blocks(count - first)} | ${fewer}`,
    );
  }

  readonly #sharedNames = new Map<string, string>();

  /** One rule for all who ask for `key`. */
  #shared(key: string, base: string, body: () => string): string {
    let name = this.#sharedNames.get(key);
    if (name === undefined) {
      name = this.rule(base, body());
      this.#sharedNames.set(key, name);
    }
    return name;
  }

  /** As llama.cpp unrolls it: an element for each copy that must be there, a rule of four for each that may. */
  #braces(symbol: string, min: number, max: number): string {
    this.#charge(min + (max - min) * 4);
    return braces(symbol, min, max);
  }

  #charge(elements: number): void {
    this.#expandedElements += elements;
    if (this.#expandedElements > this.limits.maxExpandedElements) {
      this.refuse(`its grammar would unroll to more than ${this.limits.maxExpandedElements} elements`);
    }
  }

  /** Refuses the schema at the current place. */
  refuse(reason: string): never {
    throw new SchemaNotEnforceableError({ ...this.place, reason });
  }
}

function braces(symbol: string, min: number, max: number): string {
  if (max === 0) return "";
  if (min === 1 && max === 1) return symbol;
  if (min === 0 && max === 1) return `${symbol}?`;
  return min === max ? `${symbol}{${min}}` : `${symbol}{${min},${max}}`;
}
