// Analyses a grammar before it is used: which rules may be empty, which match any finite text, which reach themselves without
// consuming text, and in how many ways a rule can begin.
import type { GbnfAlternatives, GbnfElement, GbnfGrammar, GbnfSequence } from "./gbnf-tree.ts";

/** Names of rules that match the empty text. */
export function emptyRules(grammar: GbnfGrammar): ReadonlySet<string> {
  return leastFixpoint(grammar, (element, known) => {
    switch (element.kind) {
      case "literal":
        return element.codePoints.length === 0;
      case "class":
        return false;
      case "reference":
        return known.has(element.name);
      case "group":
      case "repeat":
        return "recurse";
    }
  });
}

/** Names of rules that match at least one finite text. */
export function finiteRules(grammar: GbnfGrammar): ReadonlySet<string> {
  return leastFixpoint(grammar, (element, known) => {
    switch (element.kind) {
      case "literal":
        return true;
      case "class":
        return !isEmptyClass(element);
      case "reference":
        return known.has(element.name);
      case "group":
      case "repeat":
        return "recurse";
    }
  });
}

/** Grows a set of rule names until nothing changes: a rule is in it where all elements of one of its alternatives hold. */
function leastFixpoint(
  grammar: GbnfGrammar,
  holdsFor: (element: GbnfElement, known: ReadonlySet<string>) => boolean | "recurse",
): ReadonlySet<string> {
  const known = new Set<string>();
  const users = new Map<string, Set<string>>();
  for (const { name, alternatives } of grammar.rules.values()) {
    forEachReference(alternatives, (used) => users.set(used, (users.get(used) ?? new Set()).add(name)));
  }
  const holdsAny = (alternatives: GbnfAlternatives): boolean => alternatives.some((sequence) => sequence.every(holds));
  const holds = (element: GbnfElement): boolean => {
    const answer = holdsFor(element, known);
    if (answer !== "recurse") return answer;
    if (element.kind === "group") return holdsAny(element.alternatives);
    return element.kind === "repeat" && (element.min === 0 || holds(element.item));
  };
  const todo = [...grammar.rules.keys()];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const rule = grammar.rules.get(name);
    if (known.has(name) || rule === undefined || !holdsAny(rule.alternatives)) continue;
    known.add(name);
    todo.push(...(users.get(name) ?? []));
  }
  return known;
}

export function forEachReference(alternatives: GbnfAlternatives, visit: (name: string, offset: number) => void): void {
  const visitElement = (element: GbnfElement): void => {
    if (element.kind === "reference") visit(element.name, element.offset);
    else if (element.kind === "group") forEachReference(element.alternatives, visit);
    else if (element.kind === "repeat") visitElement(element.item);
  };
  for (const sequence of alternatives) for (const element of sequence) visitElement(element);
}

/** Names of rules on a cycle of references, or on a path from one cycle to another. */
export function recursiveRules(grammar: GbnfGrammar): ReadonlySet<string> {
  const uses = new Map<string, ReadonlySet<string>>();
  const usedBy = new Map<string, Set<string>>();
  for (const { name, alternatives } of grammar.rules.values()) {
    const used = new Set<string>();
    forEachReference(alternatives, (reference) => used.add(reference));
    uses.set(name, used);
    for (const one of used) usedBy.set(one, (usedBy.get(one) ?? new Set()).add(name));
  }
  const left = new Set(grammar.rules.keys());
  for (const [forward, backward] of [
    [uses, usedBy],
    [usedBy, uses],
  ] as const) {
    const todo = [...left];
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (!left.has(name) || [...(forward.get(name) ?? [])].some((one) => left.has(one))) continue;
      left.delete(name);
      todo.push(...(backward.get(name) ?? []));
    }
  }
  return left;
}

/** The elements with which a text of a rule may begin. */
export interface LeftEdge {
  /** Rules at the edge, each as often as it is there. */
  readonly references: readonly string[];
  /** Classes and literals at the edge. */
  readonly terminals: number;
}

/** The left edge of every rule; beyond an element that may be empty the next one is at the edge too. */
export function leftEdges(grammar: GbnfGrammar, empty: ReadonlySet<string>): ReadonlyMap<string, LeftEdge> {
  const edges = new Map<string, LeftEdge>();
  for (const { name, alternatives } of grammar.rules.values()) {
    const references: string[] = [];
    let terminals = 0;
    const visitSequence = (sequence: GbnfSequence): boolean => {
      for (const element of sequence) if (!visitElement(element)) return false;
      return true;
    };
    /** True where the element may be empty. */
    const visitElement = (element: GbnfElement): boolean => {
      switch (element.kind) {
        case "literal":
          if (element.codePoints.length > 0) terminals += 1;
          return element.codePoints.length === 0;
        case "class":
          terminals += 1;
          return false;
        case "reference":
          references.push(element.name);
          return empty.has(element.name);
        case "group":
          return element.alternatives.map(visitSequence).includes(true);
        case "repeat": {
          const isItemEmpty = visitElement(element.item);
          // Copies of an item that may be empty are all at the edge.
          if (isItemEmpty) terminals += (element.max ?? element.min) * 2;
          return isItemEmpty || element.min === 0;
        }
      }
    };
    for (const sequence of alternatives) visitSequence(sequence);
    edges.set(name, { references, terminals });
  }
  return edges;
}

export type EdgeWalk =
  | { readonly kind: "recursive"; readonly name: string }
  | { readonly kind: "walked"; readonly widest: number; readonly widestRule: string; readonly deepest: number };

/**
 * Follows the left edges of all rules at once. "recursive" names a rule that reaches itself without consuming text; else
 * `widest` bounds the ways in which any rule can begin, and `deepest` the rules nested at an edge.
 */
export function walkLeftEdges(edges: ReadonlyMap<string, LeftEdge>): EdgeWalk {
  const waiting = new Map<string, number>();
  const users = new Map<string, string[]>();
  for (const [name, { references }] of edges) {
    waiting.set(name, references.length);
    for (const used of references) users.set(used, [...(users.get(used) ?? []), name]);
  }
  const ways = new Map<string, { width: number; depth: number }>();
  const ready = [...edges.keys()].filter((name) => waiting.get(name) === 0);
  let widest = 0;
  let widestRule = "";
  let deepest = 0;
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    const edge = edges.get(name);
    const below = (edge?.references ?? []).map((used) => ways.get(used) ?? { width: 0, depth: 0 });
    const width = below.reduce((sum, one) => sum + one.width + 1, edge?.terminals ?? 0);
    const depth = below.reduce((most, one) => Math.max(most, one.depth), 0) + 1;
    ways.set(name, { width, depth });
    if (width > widest) [widest, widestRule] = [width, name];
    deepest = Math.max(deepest, depth);
    for (const user of users.get(name) ?? []) {
      const left = (waiting.get(user) ?? 0) - 1;
      waiting.set(user, left);
      if (left === 0) ready.push(user);
    }
  }
  if (ways.size === edges.size) return { kind: "walked", widest, widestRule, deepest };
  // Every rule that is left reaches the cycle; following edges among them must come back to one already seen.
  const seen = new Set<string>();
  let name = [...edges.keys()].find((one) => !ways.has(one)) ?? "";
  while (!seen.has(name)) {
    seen.add(name);
    name = edges.get(name)?.references.find((used) => edges.has(used) && !ways.has(used)) ?? name;
  }
  return { kind: "recursive", name };
}

function isEmptyClass(element: GbnfElement & { readonly kind: "class" }): boolean {
  if (!element.isNegative) return false;
  const sorted = [...element.ranges].sort((left, right) => left[0] - right[0]);
  let next = 0;
  for (const [low, high] of sorted) {
    if (low > next) return false;
    next = Math.max(next, high + 1);
  }
  return next > 0x10ffff;
}
