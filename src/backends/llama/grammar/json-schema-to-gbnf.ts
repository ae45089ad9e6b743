// Compiles a JSON Schema to a grammar for llama.cpp. Also gives the grammar of any JSON object.
import type { WrittenOrder } from "../../../util/written-order.ts";
import { requireRunnable } from "./gbnf/grammar-check.ts";
import { GrammarWriter } from "./gbnf/grammar-writer.ts";
import type { JsonValue } from "./schema/reading/json-value.ts";
import { DEFAULT_GRAMMAR_LIMITS, type GrammarLimits } from "./gbnf/limits.ts";
import { enforced, Enforcement } from "./schema/reading/enforcement.ts";
import { SchemaCompiler } from "./schema/schema-compiler.ts";
import { SchemaDocument } from "./schema/reading/schema-document.ts";

export interface JsonSchemaToGbnfOptions {
  readonly limits?: Partial<GrammarLimits>;
  /** Put before every JSON pointer in errors, for example `/response_format/json_schema/schema`. @default "" */
  readonly pathPrefix?: string;
  /** Whether all of the schema must hold; it is told what does not. @default strict */
  readonly enforcement?: Enforcement;
  /** Of the schema's keys. */
  readonly order?: WrittenOrder | undefined;
}

/**
 * A GBNF grammar with the start rule `root`. Every complete text of the grammar parses as JSON and is valid for the
 * schema (draft 2020-12, with `definitions`, list-valued `items` and `nullable` of older dialects; a `format` that is known counts as
 * an assertion). Not every valid text is in the grammar: properties come in declared order, undeclared ones only where
 * `additionalProperties` is given or nothing is declared, numbers with bounds have no exponent, rare forms of some formats are
 * missing.
 *
 * Of a schema that is not strict, what the grammar cannot hold is left out, and the texts are valid for the rest.
 *
 * Unknown keywords are annotations, as JSON Schema says.
 * @throws SchemaNotEnforceableError naming the keyword and its place, for everything in a strict schema that the grammar could not
 *   enforce
 */
export function jsonSchemaToGbnf(schema: JsonValue, options: JsonSchemaToGbnfOptions = {}): string {
  const { limits, pathPrefix = "", order, enforcement = new Enforcement({ strict: true }) } = options;
  const attempt = (): string => {
    const writer = new GrammarWriter({ ...DEFAULT_GRAMMAR_LIMITS, ...limits });
    const document = new SchemaDocument(schema, { pathPrefix, numbering: { next: 0 }, enforcement, order });
    const grammar = writer.text(new SchemaCompiler(writer).compile([document.root]));
    requireRunnable(grammar, writer);
    return grammar;
  };
  return enforced([{ path: pathPrefix, enforcement }], { attempt });
}

/** The grammar of one JSON object of any content. */
export function jsonObjectGrammar(): string {
  const writer = new GrammarWriter(DEFAULT_GRAMMAR_LIMITS);
  return writer.text(writer.shared("object"));
}
