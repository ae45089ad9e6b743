// What an answer has to look like, as the one value that is compiled to a grammar: here, or in a process of its own.
import type { OutputConstraint } from "../../../domain/sampling.ts";
import type { PlannedGrammar } from "../chat/types.ts";
import { compileConstraint } from "./constraint.ts";
import { compilePlannedGrammar } from "./chat-grammar.ts";

export type GrammarJob =
  | { readonly type: "constraint"; readonly constraint: Exclude<OutputConstraint, { readonly type: "text" }> }
  | { readonly type: "planned"; readonly planned: PlannedGrammar };

/** @throws ServerError `unsupported_schema` or `invalid_value` for what no grammar can hold. */
export function compileGrammar(job: GrammarJob): string {
  return job.type === "constraint" ? compileConstraint(job.constraint) : compilePlannedGrammar(job.planned);
}
