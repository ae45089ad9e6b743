// Compiles a JSON Schema to a grammar for llama.cpp. Also gives the grammars of any JSON object and of a string without quotes.
import { requireRunnable } from "./gbnf/grammar-check.ts";
import { GrammarWriter } from "./gbnf/grammar-writer.ts";
import type { JsonValue } from "./schema/reading/json-value.ts";
import { DEFAULT_GRAMMAR_LIMITS, type GrammarLimits } from "./gbnf/limits.ts";
import { SchemaCompiler } from "./schema/schema-compiler.ts";
import { SchemaDocument } from "./schema/reading/schema-document.ts";

export interface JsonSchemaToGbnfOptions {
  readonly limits?: Partial<GrammarLimits>;
  /** Put before every JSON pointer in errors, for example `/tools/0/parameters`. @default "" */
  readonly pathPrefix?: string;
}

/**
 * A GBNF grammar with the start rule `root`. Every complete text of the grammar parses as JSON and is valid for the
 * schema (draft 2020-12, with `definitions`, list-valued `items` and `nullable` of older dialects; `format` counts as an
 * assertion). Not every valid text is in the grammar: properties come in declared order, undeclared ones only where
 * `additionalProperties` is given or nothing is declared, numbers with bounds have no exponent, rare forms of some formats are
 * missing.
 *
 * Unknown keywords are annotations, as JSON Schema says.
 * @throws SchemaNotEnforceableError naming the keyword and its place, for everything that the grammar could not enforce
 */
export function jsonSchemaToGbnf(schema: JsonValue, options: JsonSchemaToGbnfOptions = {}): string {
  const writer = new GrammarWriter({ ...DEFAULT_GRAMMAR_LIMITS, ...options.limits });
  const document = new SchemaDocument(schema, { pathPrefix: options.pathPrefix ?? "", numbering: { next: 0 } });
  const grammar = writer.text(new SchemaCompiler(writer).compile([document.root]));
  requireRunnable(grammar, writer);
  return grammar;
}

/**
 * The grammar of a bare string: without quotes and escapes, and without `<`. `undefined` where the schema allows every string.
 * @throws SchemaNotEnforceableError as {@link jsonSchemaToGbnf}
 */
export function bareStringToGbnf(schema: JsonValue, options: JsonSchemaToGbnfOptions = {}): string | undefined {
  const writer = new GrammarWriter({ ...DEFAULT_GRAMMAR_LIMITS, ...options.limits });
  const { root } = new SchemaDocument(schema, { pathPrefix: options.pathPrefix ?? "", numbering: { next: 0 } });
  writer.place = { keyword: "type", path: root.path };
  const expression = new SchemaCompiler(writer).bareText(root);
  if (expression === undefined) return undefined;
  const grammar = writer.text(expression);
  requireRunnable(grammar, writer);
  return grammar;
}

/** The grammar of one JSON object of any content. */
export function jsonObjectGrammar(): string {
  const writer = new GrammarWriter(DEFAULT_GRAMMAR_LIMITS);
  return writer.text(writer.shared("object"));
}
