// A compilation as one value that can be sent to another process: what an answer has to look like, of any kind of request.
import type { OutputConstraint } from "../../../domain/sampling.ts";
import type { PlannedGrammar } from "../chat/types.ts";
import { MarkupTokens, type MarkupToken } from "../tokens/markup-tokens.ts";
import { compileConstraint, type CompiledGrammar } from "./constraint.ts";
import { compilePlannedGrammar } from "./chat-grammar.ts";

export type GrammarJob =
  | { readonly type: "constraint"; readonly constraint: Exclude<OutputConstraint, { readonly type: "text" }> }
  | { readonly type: "planned"; readonly planned: PlannedGrammar; readonly markup: readonly MarkupToken[] };

/**
 * The grammar of a job.
 * @throws ServerError `unsupported_schema` or `invalid_value` where no grammar can enforce it
 */
export function compileGrammar(job: GrammarJob): CompiledGrammar {
  return job.type === "constraint"
    ? compileConstraint(job.constraint)
    : compilePlannedGrammar(job.planned, new MarkupTokens(job.markup));
}
