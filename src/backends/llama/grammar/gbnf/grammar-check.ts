// Checks the text of a grammar made from a schema, as llama.cpp will read it: every rule must match some finite text, and derivations
// must not multiply with the length of the document.
import { finiteRules } from "./gbnf-analysis.ts";
import { measureGrowth } from "./gbnf-growth.ts";
import { parseGbnf } from "./gbnf-syntax.ts";
import { GbnfSyntaxError } from "./gbnf-syntax-error.ts";
import type { GbnfGrammar } from "./gbnf-tree.ts";
import type { GrammarWriter } from "./grammar-writer.ts";
import { SchemaNotEnforceableError } from "./grammar-error.ts";

const MAX_WAYS = 2_048;

/**
 * @throws SchemaNotEnforceableError with the place of a schema that requires itself (`{"required": ["next"], ...}` where `next` is
 *   the schema again), since no finite document satisfies it; or of alternatives that recur before they differ, since llama.cpp
 *   would need memory without bound
 */
export function requireRunnable(grammar: string, writer: GrammarWriter): void {
  const parsed = parseWritten(grammar, writer);
  const finite = finiteRules(parsed);
  const endless = [...parsed.rules.keys()].find((name) => name !== "root" && !finite.has(name));
  if (endless !== undefined) {
    throw new SchemaNotEnforceableError({
      ...writer.placeOf(endless),
      reason: "no finite value satisfies it, because it requires itself",
    });
  }
  if (measureGrowth(parsed, { maxWays: MAX_WAYS }) > MAX_WAYS) {
    throw new SchemaNotEnforceableError({
      ...writer.choicePlace,
      reason:
        "its alternatives begin alike and contain each other, so the ways to follow would multiply with every level",
    });
  }
}

/** What the schema compiler writes is well-formed; only the nesting of a union's brackets may exceed the parser's bound. */
function parseWritten(grammar: string, writer: GrammarWriter): GbnfGrammar {
  try {
    return parseGbnf(grammar, { takesTokens: true });
  } catch (error) {
    if (!(error instanceof GbnfSyntaxError)) throw error;
    throw new SchemaNotEnforceableError({ ...writer.choicePlace, reason: `in its grammar ${error.message}` });
  }
}
