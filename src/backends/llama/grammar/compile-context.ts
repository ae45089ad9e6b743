// What the files that write one JSON type each may ask of the compiler that calls them.
import type { GrammarWriter } from "./grammar-writer.ts";
import type { SchemaNode } from "./schema-document.ts";
import type { Contradiction, Facts } from "./schema-facts.ts";
import { SchemaNotEnforceableError } from "./schema-error.ts";

export interface CompileContext {
  readonly writer: GrammarWriter;
  /** Expressions of string constraints already written, by constraint. */
  readonly strings: Map<string, string>;
  /** The rule name for a value for which all these schemas hold. */
  compile(nodes: readonly SchemaNode[]): string;
  /** False where it is certain that no value satisfies all these schemas. */
  isSatisfiable(nodes: readonly SchemaNode[]): boolean;
  /** Alternatives of schemas that are not values of their own (`propertyNames`). */
  alternatives(nodes: readonly SchemaNode[]): readonly Facts[];
}

/** An expression in GBNF, or the reason why nothing can be written. */
export type Compiled = { readonly expression: string } | { readonly contradiction: Contradiction };

export function compiled(expression: string): Compiled {
  return { expression };
}

export function contradicted(node: SchemaNode, keyword: string, reason: string): Compiled {
  return { contradiction: { node, keyword, reason } };
}

export function toError({ node, keyword, reason }: Contradiction): SchemaNotEnforceableError {
  return new SchemaNotEnforceableError({ keyword, path: node.path, reason });
}

/** The schema among several that has a keyword; the first one where none does. */
export function nodeWith(facts: Facts, ...keywords: readonly string[]): SchemaNode {
  const found = facts.nodes.find(
    ({ schema }) => typeof schema === "object" && keywords.some((keyword) => Object.hasOwn(schema, keyword)),
  );
  const node = found ?? facts.nodes[0];
  if (node === undefined) throw new TypeError("facts without a schema have no place");
  return node;
}
