// What the compilers of single JSON types (compile-*.ts) need of the schema compiler, and the results that they return to it.
import type { GrammarWriter } from "../gbnf/grammar-writer.ts";
import type { JsonValue } from "./reading/json-value.ts";
import type { SchemaNode } from "./reading/schema-document.ts";
import type { Contradiction, Facts } from "./reading/schema-facts.ts";
import { SchemaNotEnforceableError } from "../gbnf/grammar-error.ts";

export interface CompileContext {
  readonly writer: GrammarWriter;
  /** Expressions of string constraints already written, by constraint. */
  readonly strings: Map<string, string>;
  /** The rule name for a value for which all these schemas hold. */
  compile(nodes: readonly SchemaNode[]): string;
  /** False where it is certain that no value satisfies all these schemas. */
  isSatisfiable(nodes: readonly SchemaNode[]): boolean;
  /** All values for which all these schemas hold; `undefined` where they are not listed. */
  listedValues(nodes: readonly SchemaNode[]): readonly JsonValue[] | undefined;
  /** The alternatives of schemas that must all hold, for schemas that no rule is written for (`propertyNames`). */
  alternatives(nodes: readonly SchemaNode[]): readonly Facts[];
}

/** An expression in GBNF as parts that follow each other, or the reason why no value is possible. */
export type Compiled = { readonly parts: readonly string[] } | { readonly contradiction: Contradiction };

/** The parts must keep their meaning when they are joined by spaces: an alternation is the only part, or in brackets. */
export function compiled(...parts: readonly string[]): Compiled {
  return { parts };
}

/**
 * Alternatives as one expression, in which parts that several of them begin with are written once. Objects of a union often begin
 * alike, and llama.cpp would follow all of them at once; in a recursive union their number would double with every level.
 */
export function alternation(options: readonly (readonly string[])[]): string {
  const groups = new Map<string, (readonly string[])[]>();
  for (const [first = "", ...rest] of options) groups.set(first, [...(groups.get(first) ?? []), rest]);
  const expressions = [...groups].map(([first, rests]) => {
    const [one = []] = rests;
    const isCommon = (at: number): boolean => rests.every((rest) => at < rest.length && rest[at] === one[at]);
    let common = 0;
    while (isCommon(common)) common += 1;
    const shared = [first, ...one.slice(0, common)].join(" ");
    const differing = rests.map((rest) => rest.slice(common));
    if (differing.every((rest) => rest.length === 0)) return shared;
    const inner = alternation(differing);
    return `${shared} ${/ \| /.test(inner) ? `( ${inner} )` : inner}`;
  });
  return expressions.join(" | ");
}

export function contradicted(node: SchemaNode, keyword: string, reason: string): Compiled {
  return { contradiction: { node, keyword, reason } };
}

export function toError({ node, keyword, reason }: Contradiction): SchemaNotEnforceableError {
  return new SchemaNotEnforceableError({ keyword, path: node.path, reason, fault: "contradiction" });
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
