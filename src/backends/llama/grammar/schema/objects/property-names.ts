// Compiles the names of an object's properties: those that `propertyNames` allows, and those that are not declared.
import { compiled, nodeWith, type Compiled, type CompileContext } from "../compile-context.ts";
import { compileName, stringSatisfies } from "../compile-string.ts";
import { readFacts, type Facts } from "../reading/schema-facts.ts";
import { keywordValue, refuseKeyword } from "../reading/schema-reader.ts";
import { acceptsText } from "../../pattern/automaton.ts";
import type { NameClass } from "./name-classes.ts";
import { namesTrie } from "../value-trie.ts";

export interface NameRule {
  allows(name: string): boolean;
  /** The quoted names of a class that are allowed and not declared. */
  otherNames(names: Pick<NameClass, "names" | "key">): Compiled;
}

export function compilePropertyNames(facts: Facts, context: CompileContext, declared: readonly string[]): NameRule {
  const nodes = facts.nodes.flatMap((node) =>
    keywordValue(node, "propertyNames") === undefined ? [] : [node.document.child(node, "propertyNames")],
  );
  const alternatives = nodes.length === 0 ? [{ ...readFacts([]), nodes: facts.nodes }] : context.alternatives(nodes);
  const [only] = alternatives;
  if (only === undefined || alternatives.length > 1) {
    return refuseKeyword(nodeWith(facts, "propertyNames"), "propertyNames", "it has more than one alternative");
  }
  // A name is a string: a schema that leaves no string allows no property.
  const isPossible = only.contradiction === undefined && only.types.has("string");
  const { maxAutomatonStates } = context.writer.limits;
  const listed = only.values?.filter((value) => typeof value === "string");
  const satisfies = (name: string): boolean => stringSatisfies(name, only, maxAutomatonStates);
  return {
    allows: (name) => nodes.length === 0 || (isPossible && (listed?.includes(name) ?? true) && satisfies(name)),
    otherNames: ({ names, key }) => {
      const refuseAll: Compiled = {
        contradiction: {
          node: nodeWith(facts, "propertyNames"),
          keyword: "propertyNames",
          reason: "no name is allowed",
        },
      };
      if (!isPossible) return refuseAll;
      if (listed === undefined) {
        const within = names === undefined ? undefined : { automaton: names, key };
        return compileName(only, context, { except: declared, within });
      }
      const isIn = (name: string): boolean => names === undefined || acceptsText(names, name);
      const others = listed.filter((name) => !declared.includes(name) && satisfies(name) && isIn(name));
      return others.length === 0 ? refuseAll : compiled(namesTrie(others, context.writer));
    },
  };
}
