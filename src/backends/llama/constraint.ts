// From what an answer must look like to the GBNF grammar that enforces it.
import type { OutputConstraint } from "../../domain/sampling.ts";

/** `undefined` = free text. */
export function compileConstraint(constraint: OutputConstraint): string | undefined {
  switch (constraint.type) {
    case "text":
      return undefined;
    case "grammar":
      return constraint.grammar;
    case "json-object":
    case "json-schema":
      throw new Error("not yet");
  }
}
