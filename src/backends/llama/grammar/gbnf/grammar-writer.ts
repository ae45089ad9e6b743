// Writes a grammar: collects named rules and counts what they cost llama.cpp.
import { LLAMA_MAX_REPETITION, type GrammarLimits } from "./limits.ts";
import { SHARED_RULES } from "./json-rules.ts";
import { SchemaNotEnforceableError } from "./grammar-error.ts";

/** A keyword at a place of the schema, for errors to name. */
export interface SchemaPlace {
  readonly keyword: string;
  readonly path: string;
}

/**
 * Writes one grammar. Rule bodies are GBNF text; a body may refer to a rule that is reserved and not yet defined, which is how
 * recursion is written.
 * @throws SchemaNotEnforceableError naming `place` once a limit is exceeded
 */
export class GrammarWriter {
  readonly limits: GrammarLimits;
  /** Set by the compiler before each schema. */
  place: SchemaPlace = { keyword: "$schema", path: "" };
  /** The latest schema with more than one alternative. */
  choicePlace: SchemaPlace = this.place;
  readonly #rules = new Map<string, string>();
  readonly #places = new Map<string, SchemaPlace>();
  #reserved = 0;
  #bytes = 0;
  #expandedElements = 0;

  constructor(limits: GrammarLimits) {
    this.limits = limits;
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

  /** The name of one of the fixed JSON rules, which is defined with all that it uses on first mention. */
  shared(name: keyof typeof SHARED_RULES): string {
    if (this.#rules.has(name)) return name;
    const { body, uses } = SHARED_RULES[name];
    this.define(name, body);
    for (const used of uses) this.shared(used);
    return name;
  }

  /**
   * `symbol` (one rule name, class or literal) from `min` to `max` times. An upper bound above `maxRepetitions` is lowered to it;
   * counts above llama.cpp's own threshold are written in several pieces, exactly. `minimum` is where `min` was asked for.
   */
  repeat(
    symbol: string,
    { min, max, minimum }: { readonly min: number; readonly max: number | undefined; readonly minimum?: SchemaPlace },
  ): string {
    const { maxRepetitions } = this.limits;
    if (min > maxRepetitions && minimum !== undefined) this.place = minimum;
    if (min > maxRepetitions) this.refuse(`more than ${maxRepetitions} repetitions would have to be counted`);
    const upper = max === undefined ? undefined : Math.min(max, Math.max(min, maxRepetitions));
    this.#charge((upper ?? min) * 3);
    const parts: string[] = [];
    let mandatory = min;
    for (; mandatory > LLAMA_MAX_REPETITION; mandatory -= LLAMA_MAX_REPETITION) {
      parts.push(`${symbol}{${LLAMA_MAX_REPETITION}}`);
    }
    const optional = upper === undefined ? undefined : upper - min;
    if (optional === undefined || mandatory + optional <= LLAMA_MAX_REPETITION) {
      parts.push(braces(symbol, mandatory, optional === undefined ? undefined : mandatory + optional));
    } else {
      parts.push(braces(symbol, mandatory, mandatory), this.#upTo(symbol, optional));
    }
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

  // At most two derivations are alive at any character: one inside a full block, one inside the shorter tail.
  #upTo(symbol: string, count: number): string {
    if (count <= LLAMA_MAX_REPETITION) return braces(symbol, 0, count);
    const rest = this.#upTo(symbol, count - LLAMA_MAX_REPETITION);
    return this.rule(
      "upto",
      `${symbol}{${LLAMA_MAX_REPETITION}} ${rest} | ${braces(symbol, 0, LLAMA_MAX_REPETITION - 1)}`,
    );
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

/** `text` as a GBNF literal. It must be well-formed Unicode and not empty. */
export function gbnfLiteral(text: string): string {
  let body = "";
  for (const char of text) {
    const codePoint = char.codePointAt(0) ?? 0;
    if (char === '"' || char === "\\") body += `\\${char}`;
    else if (char === "\n") body += "\\n";
    else if (codePoint < 0x20 || codePoint === 0x7f) body += `\\x${codePoint.toString(16).padStart(2, "0")}`;
    else body += char;
  }
  return `"${body}"`;
}

/** Alternatives as one expression, in brackets where there is more than one. */
export function anyOfExpressions(expressions: readonly string[]): string {
  const distinct = [...new Set(expressions)];
  return distinct.length === 1 ? (distinct[0] ?? "") : `( ${distinct.join(" | ")} )`;
}

function braces(symbol: string, min: number, max: number | undefined): string {
  if (max === 0) return "";
  if (min === 1 && max === 1) return symbol;
  if (max === undefined) return min === 0 ? `${symbol}*` : min === 1 ? `${symbol}+` : `${symbol}{${min},}`;
  if (min === 0 && max === 1) return `${symbol}?`;
  return min === max ? `${symbol}{${min}}` : `${symbol}{${min},${max}}`;
}
