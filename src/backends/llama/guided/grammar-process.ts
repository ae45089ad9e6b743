// The entry of a process that compiles one grammar and ends: a large schema takes seconds, in which the runner must not stand still.
import { serializeError, type SerializedError } from "../../../domain/errors.ts";
import type { CompiledGrammar } from "./constraint.ts";
import { compileGrammar, type GrammarJob } from "./grammar-job.ts";

export type GrammarAnswer = { readonly compiled: CompiledGrammar } | { readonly error: SerializedError };

process.title = "hearth grammar";
process.on("disconnect", () => process.exit(0));
process.once("message", (job) => {
  process.send?.(answer(job as GrammarJob), () => process.disconnect());
});

function answer(job: GrammarJob): GrammarAnswer {
  try {
    return { compiled: compileGrammar(job) };
  } catch (error) {
    return { error: serializeError(error) };
  }
}
