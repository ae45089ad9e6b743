// Compiles what an answer must look like to GBNF, and turns the compiler's refusals into errors for the caller.
import { ServerError } from "../../../domain/errors.ts";
import type { JsonSchema, OutputConstraint } from "../../../domain/sampling.ts";
import type { WrittenOrder } from "../../../util/written-order.ts";
import { validateGbnf } from "../grammar/gbnf/gbnf-validate.ts";
import { jsonObjectGrammar, jsonSchemaToGbnf } from "../grammar/json-schema-to-gbnf.ts";
import { Enforcement } from "../grammar/schema/reading/enforcement.ts";
import type { JsonValue } from "../grammar/schema/reading/json-value.ts";
import { SchemaNotEnforceableError } from "../grammar/gbnf/grammar-error.ts";

/** A grammar, and what of the caller's schemas it does not enforce. */
export interface CompiledGrammar {
  readonly grammar: string;
  /** Sentences for the caller, with fields in braces as in errors. */
  readonly warnings: readonly string[];
}

/**
 * The grammar of an answer that is not free text.
 * @throws ServerError `unsupported_schema` naming the keyword that cannot be enforced; `invalid_value` for a grammar of the
 * caller's that is no GBNF or too much for llama.cpp
 */
export function compileConstraint(constraint: Exclude<OutputConstraint, { readonly type: "text" }>): CompiledGrammar {
  switch (constraint.type) {
    case "json-object":
      return { grammar: jsonObjectGrammar(), warnings: [] };
    case "json-schema":
      return compileSchema(constraint);
    case "grammar":
      return { grammar: checkGrammar(constraint.grammar), warnings: [] };
  }
}

/** @throws ServerError as {@link compileConstraint}, for a schema that is strict */
export function compileSchema({
  schema,
  strict,
  order,
}: {
  readonly schema: JsonSchema;
  readonly strict: boolean;
  readonly order?: WrittenOrder | undefined;
}): CompiledGrammar {
  const enforcement = new Enforcement({ strict });
  const grammar = refusing("constraint.schema", () => jsonSchemaToGbnf(schema as JsonValue, { enforcement, order }));
  return { grammar, warnings: toWarnings(enforcement, "constraint.schema") };
}

/** One sentence for each keyword that is not enforced; `param` = the request's field that holds the schema. */
export function toWarnings({ notes }: Enforcement, param: string): readonly string[] {
  return notes.map(({ keyword, path, reason }) => {
    const place = path.startsWith("{") ? path : `${path === "" ? "the root" : path} of {${param}}`;
    return `The schema keyword "${keyword}" at ${place} is not enforced: ${reason}.`;
  });
}

/**
 * Turns the compiler's refusal of a schema into an error for the caller. `place` = the request's field that holds the schema, or
 * how to tell it from the error's path.
 */
export function refusing<T>(place: string | ((path: string) => string), compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof SchemaNotEnforceableError)) throw error;
    const param = typeof place === "string" ? place : place(error.path);
    throw new ServerError(
      "unsupported_schema",
      { message: `Invalid schema for '{${param}}': ${error.message}.`, param },
      { cause: error },
    );
  }
}

/**
 * The caller's own grammar, unchanged.
 * @throws ServerError `invalid_value` with line and column of what is wrong
 */
export function checkGrammar(grammar: string): string {
  const validation = validateGbnf(grammar);
  if (validation.isValid) return grammar;
  const { line, column, message } = validation;
  throw new ServerError("invalid_value", {
    message: `The grammar is not valid GBNF (line ${line}, column ${column}): ${message}.`,
    param: "constraint.grammar",
  });
}
