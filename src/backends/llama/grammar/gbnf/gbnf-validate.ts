// Validates grammars before llama.cpp gets them. llama.cpp prints errors to stderr, recurses on nested and left-recursive rules
// without a bound, and follows all derivations of an ambiguous grammar at once: no request may cause that.
import { emptyRules, finiteRules, forEachReference, leftEdges, walkLeftEdges } from "./gbnf-analysis.ts";
import { measureGrowth } from "./gbnf-growth.ts";
import { parseGbnf } from "./gbnf-syntax.ts";
import { GbnfSyntaxError } from "./gbnf-syntax-error.ts";
import type { GbnfGrammar } from "./gbnf-tree.ts";

export interface ValidateGbnfOptions {
  /** UTF-8 bytes. @default 262144 */
  readonly maxBytes?: number;
  /** @default 10000 */
  readonly maxRules?: number;
  /** Elements after unrolling repetitions. @default 200000 */
  readonly maxExpandedElements?: number;
  /** Derivations that llama.cpp may have to follow at once. @default 2048 */
  readonly maxWays?: number;
  /** See `parseGbnf`. @default false */
  readonly takesTokens?: boolean;
}

export type GbnfValidation =
  | { readonly isValid: true }
  | {
      readonly isValid: false;
      /** What is wrong, without the position; for the client. */
      readonly message: string;
      /** Position in UTF-16 units from the start. */
      readonly offset: number;
      /** From 1. */
      readonly line: number;
      /** From 1. */
      readonly column: number;
    };

const MAX_EDGE_DEPTH = 1_000;

/**
 * Checks syntax, a `root`, that all rules are defined, end and do not reach themselves without consuming text, and bounds on size
 * and on the number of simultaneous derivations. The last one is measured on sample texts, so it catches grammars whose
 * ambiguity multiplies (`s ::= "a" s "x" | "a" s "y" | ""`) but is no proof for every grammar. Never throws.
 */
export function validateGbnf(text: string, options: ValidateGbnfOptions = {}): GbnfValidation {
  try {
    check(text, options);
    return { isValid: true };
  } catch (error) {
    if (!(error instanceof GbnfSyntaxError)) throw error;
    const before = text.slice(0, error.offset);
    const line = before.split("\n").length;
    const column = error.offset - before.lastIndexOf("\n");
    return { isValid: false, message: error.message, offset: error.offset, line, column };
  }
}

function check(text: string, options: ValidateGbnfOptions): void {
  const {
    maxBytes = 262_144,
    maxRules = 10_000,
    maxExpandedElements = 200_000,
    maxWays = 2_048,
    takesTokens = false,
  } = options;
  if (Buffer.byteLength(text) > maxBytes) throw new GbnfSyntaxError(`the grammar exceeds ${maxBytes} bytes`, 0);
  const grammar = parseGbnf(text, { takesTokens });
  if (grammar.rules.size > maxRules) throw new GbnfSyntaxError(`the grammar has more than ${maxRules} rules`, 0);
  if (grammar.expandedElements > maxExpandedElements) {
    throw new GbnfSyntaxError(`the grammar unrolls to more than ${maxExpandedElements} elements`, 0);
  }
  requireDefinitions(grammar, text.length);
  requireEnds(grammar);
  const walk = walkLeftEdges(leftEdges(grammar, emptyRules(grammar)));
  if (walk.kind === "recursive") {
    failAtRule(grammar, walk.name, `the rule "${walk.name}" reaches itself without consuming text (left recursion)`);
  }
  if (walk.deepest > MAX_EDGE_DEPTH) throw new GbnfSyntaxError("rules are nested too deeply at their beginning", 0);
  if (walk.widest > maxWays) {
    failAtRule(grammar, walk.widestRule, `the rule "${walk.widestRule}" can begin in more than ${maxWays} ways`);
  }
  if (measureGrowth(grammar, { maxWays }) > maxWays) {
    failAtRule(
      grammar,
      "root",
      "the grammar is so ambiguous that its derivations multiply with the length of the text",
    );
  }
}

function requireDefinitions(grammar: GbnfGrammar, end: number): void {
  if (!grammar.rules.has("root")) throw new GbnfSyntaxError('the rule "root" is missing', end);
  for (const { alternatives } of grammar.rules.values()) {
    forEachReference(alternatives, (name, offset) => {
      if (!grammar.rules.has(name)) throw new GbnfSyntaxError(`the rule "${name}" is not defined`, offset);
    });
  }
}

function requireEnds(grammar: GbnfGrammar): void {
  const finite = finiteRules(grammar);
  for (const { name } of grammar.rules.values()) {
    if (!finite.has(name)) failAtRule(grammar, name, `the rule "${name}" never comes to an end`);
  }
}

function failAtRule(grammar: GbnfGrammar, name: string, message: string): never {
  throw new GbnfSyntaxError(message, grammar.rules.get(name)?.offset ?? 0);
}
