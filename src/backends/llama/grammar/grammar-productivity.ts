// The last look at a grammar made from a schema: every rule must have an end, or the model would open brackets until its limit.
import { finiteRules } from "./gbnf-analysis.ts";
import { parseGbnf } from "./gbnf-syntax.ts";
import type { GrammarWriter } from "./grammar-writer.ts";
import { SchemaNotEnforceableError } from "./schema-error.ts";

/**
 * Throws `SchemaNotEnforceableError` with the place of a schema that requires itself (`{"required": ["next"], ...}` where `next`
 * is the schema again): no finite document satisfies it.
 */
export function requireFiniteRules(grammar: string, writer: GrammarWriter): void {
  const parsed = parseGbnf(grammar);
  const finite = finiteRules(parsed);
  const endless = [...parsed.rules.keys()].find((name) => name !== "root" && !finite.has(name));
  if (endless === undefined) return;
  throw new SchemaNotEnforceableError({
    ...writer.placeOf(endless),
    reason: "no finite value satisfies it, because it requires itself",
  });
}
