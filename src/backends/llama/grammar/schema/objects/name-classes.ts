// Sorts the names that a schema does not declare by the patterns that they match: names that match the same ones have the same schemas.
import {
  acceptsText,
  ALL_TEXTS,
  AutomatonTooLargeError,
  complementAutomaton,
  intersectAutomata,
  type Automaton,
} from "../../pattern/automaton.ts";
import { nodePattern } from "../compile-string.ts";
import type { SchemaNode } from "../reading/schema-document.ts";
import { keywordValue, readMap, waiveKeyword } from "../reading/schema-reader.ts";

/** Beyond this, the classes would double with every further pattern. */
const MAX_PATTERNS = 6;

/** One pattern of `patternProperties`, as it stands in one schema or in several. */
interface NamePattern {
  readonly source: string;
  readonly node: SchemaNode;
  readonly automaton: Automaton;
}

/** Names that are not declared and match the same patterns. */
export interface NameClass {
  /** `undefined` = every name. */
  readonly names: Automaton | undefined;
  /** Tells the class from others of the same schemas. */
  readonly key: string;
  /** The patterns are those of some schema. */
  readonly isMatched: boolean;
  /** What must hold for the values. */
  readonly nodes: readonly SchemaNode[];
}

export class NamePatterns {
  readonly #nodes: readonly SchemaNode[];
  readonly #patterns: readonly NamePattern[];
  readonly #maxStates: number;

  /** @throws SchemaNotEnforceableError for a pattern that no automaton can be built of, in a strict schema */
  constructor(nodes: readonly SchemaNode[], { maxStates }: { readonly maxStates: number }) {
    this.#nodes = nodes;
    this.#maxStates = maxStates;
    this.#patterns = readPatterns(nodes, maxStates);
  }

  matches(name: string): boolean {
    return this.#patterns.some(({ automaton }) => acceptsText(automaton, name));
  }

  /** What one schema says of the value under a name that it does not declare. */
  schemasOf(name: string, node: SchemaNode): readonly SchemaNode[] {
    return this.#schemasOf(node, (pattern) => acceptsText(pattern.automaton, name));
  }

  /** What one schema's patterns say of the value under a name. */
  patternedOf(name: string, node: SchemaNode): readonly SchemaNode[] {
    return this.#matching(node, (pattern) => acceptsText(pattern.automaton, name));
  }

  /** Of `n` patterns at most 2^n classes, less those that no name is in. */
  classes(): readonly NameClass[] {
    let classes: { readonly names: Automaton | undefined; readonly matched: readonly NamePattern[] }[] = [
      { names: undefined, matched: [] },
    ];
    for (const pattern of this.#patterns) {
      classes = classes.flatMap(({ names, matched }) => [
        { names: this.#both(names, pattern, pattern.automaton), matched: [...matched, pattern] },
        { names: this.#both(names, pattern, complementAutomaton(pattern.automaton)), matched },
      ]);
      classes = classes.filter(({ names }) => names?.states.length !== 0);
    }
    return classes.map(({ names, matched }) => ({
      names,
      key: JSON.stringify([this.#patterns.map(({ source }) => source), matched.map(({ source }) => source)]),
      isMatched: matched.length > 0,
      nodes: this.#nodes.flatMap((node) => this.#schemasOf(node, (pattern) => matched.includes(pattern))),
    }));
  }

  #both(names: Automaton | undefined, { node }: NamePattern, others: Automaton): Automaton {
    try {
      return names === undefined ? others : intersectAutomata(names, others, this.#maxStates);
    } catch (error) {
      if (!(error instanceof AutomatonTooLargeError)) throw error;
      waiveKeyword(node, "patternProperties", `its patterns together need ${error.message}`);
      return names ?? ALL_TEXTS;
    }
  }

  #matching(node: SchemaNode, isMatch: (pattern: NamePattern) => boolean): SchemaNode[] {
    const own = readMap(node, "patternProperties") ?? {};
    return this.#patterns
      .filter((pattern) => Object.hasOwn(own, pattern.source) && isMatch(pattern))
      .map(({ source }) => node.document.child(node, "patternProperties", source));
  }

  #schemasOf(node: SchemaNode, isMatch: (pattern: NamePattern) => boolean): readonly SchemaNode[] {
    const matching = this.#matching(node, isMatch);
    if (matching.length > 0 || keywordValue(node, "additionalProperties") === undefined) return matching;
    return [node.document.child(node, "additionalProperties")];
  }
}

function readPatterns(nodes: readonly SchemaNode[], maxStates: number): readonly NamePattern[] {
  const patterns = new Map<string, NamePattern>();
  for (const node of nodes) {
    for (const source of Object.keys(readMap(node, "patternProperties") ?? {})) {
      if (patterns.has(source)) continue;
      const automaton = nodePattern(node, { keyword: "patternProperties", source, maxStates });
      if (automaton === undefined) continue;
      patterns.set(source, { source, node, automaton });
      if (patterns.size <= MAX_PATTERNS) continue;
      waiveKeyword(node, "patternProperties", `more than ${MAX_PATTERNS} patterns of names are not told apart`);
      return [];
    }
  }
  return [...patterns.values()];
}
