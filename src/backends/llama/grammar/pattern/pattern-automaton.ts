// Turns a regular expression into an automaton: Thompson's construction, then the subset construction, with every size bounded.
import {
  AutomatonTooLargeError,
  complementAutomaton,
  exploreAutomaton,
  intersectAutomata,
  type Automaton,
} from "./automaton.ts";
import { ALL_CODE_POINTS, type CodePointSet } from "./code-point-set.ts";
import { parsePattern, PatternNotSupportedError, type PatternNode } from "./pattern-syntax.ts";

const MAX_NFA_STATES = 10_000;
const MAX_STEPS = 500_000;

/**
 * Accepts the strings in which `source` matches somewhere, as JSON Schema's `pattern` does; with `whole`, those that it matches as a
 * whole. Assertions may stand where they concern the whole string: `^` first, `$` last, lookahead right after `^`.
 * @throws PatternNotSupportedError for other constructs, AutomatonTooLargeError past `maxStates`
 */
export function patternAutomaton(
  source: string,
  { maxStates, whole = false }: { readonly maxStates: number; readonly whole?: boolean },
): Automaton {
  return automatonOf(parsePattern(source), { maxStates, whole });
}

interface Branch {
  readonly anchoredStart: boolean;
  readonly anchoredEnd: boolean;
  readonly lookaheads: readonly (PatternNode & { readonly kind: "lookahead" })[];
  readonly body: readonly PatternNode[];
}

function automatonOf(
  tree: PatternNode,
  { maxStates, whole }: { readonly maxStates: number; readonly whole: boolean },
): Automaton {
  const branches = branchesOf(tree, {
    anchoredStart: whole,
    anchoredEnd: whole,
    lookaheads: [],
    body: [],
  });
  const nfa = new Nfa();
  for (const { anchoredStart, anchoredEnd, body } of branches) {
    let at = nfa.start;
    if (!anchoredStart) {
      at = nfa.addState();
      nfa.addSkip(nfa.start, at);
      nfa.addEdge(at, ALL_CODE_POINTS, at);
    }
    for (const item of body) at = nfa.add(item, at);
    nfa.addSkip(at, anchoredEnd ? nfa.end : nfa.endFreely);
  }
  let automaton = nfa.toAutomaton(maxStates);
  const lookaheads = branches.flatMap((branch) => branch.lookaheads);
  if (lookaheads.length > 0 && branches.length > 1) {
    throw new PatternNotSupportedError("it uses lookahead beside alternatives");
  }
  for (const { item, negative } of lookaheads) {
    const ahead = automatonOf({ kind: "sequence", items: [{ kind: "start" }, item] }, { maxStates, whole: false });
    automaton = intersectAutomata(automaton, negative ? complementAutomaton(ahead) : ahead, maxStates);
  }
  return automaton;
}

/** Takes assertions off both ends, descending into a group only where it is the whole expression. */
function branchesOf(tree: PatternNode, outer: Branch): Branch[] {
  if (tree.kind === "choice" && mentionsAssertion(tree)) {
    return tree.options.flatMap((option) => branchesOf(option, outer));
  }
  let items: readonly PatternNode[] = tree.kind === "sequence" ? tree.items : [tree];
  let { anchoredStart, anchoredEnd } = outer;
  const lookaheads = [...outer.lookaheads];
  for (;;) {
    const first = items[0];
    if (first?.kind === "start") anchoredStart = true;
    else if (first?.kind === "lookahead" && anchoredStart) lookaheads.push(first);
    else break;
    items = items.slice(1);
  }
  while (items.at(-1)?.kind === "end") {
    anchoredEnd = true;
    items = items.slice(0, -1);
  }
  const only = items[0];
  if (items.length === 1 && only !== undefined && only.kind !== "repeat" && mentionsAssertion(only)) {
    if (only.kind === "lookahead") throw new PatternNotSupportedError("it uses lookahead that does not follow ^");
    return branchesOf(only, { anchoredStart, anchoredEnd, lookaheads, body: [] });
  }
  if (items.some(mentionsAssertion))
    throw new PatternNotSupportedError("it uses ^, $ or lookahead inside the expression");
  return [{ anchoredStart, anchoredEnd, lookaheads, body: items }];
}

function mentionsAssertion(node: PatternNode): boolean {
  switch (node.kind) {
    case "set":
      return false;
    case "sequence":
      return node.items.some(mentionsAssertion);
    case "choice":
      return node.options.some(mentionsAssertion);
    case "repeat":
      return mentionsAssertion(node.item);
    case "start":
    case "end":
    case "lookahead":
      return true;
  }
}

/** A non-deterministic automaton with empty transitions (skips), for one conversion. */
class Nfa {
  readonly #skips: number[][] = [];
  readonly #edges: { readonly set: CodePointSet; readonly to: number }[][] = [];
  readonly start = this.addState();
  readonly end = this.addState();
  #steps = 0;
  /** Accepts, whatever the rest of the string is. */
  readonly endFreely = this.addState();

  addState(): number {
    if (this.#edges.length >= MAX_NFA_STATES) throw new AutomatonTooLargeError("the pattern repeats too much");
    this.#edges.push([]);
    return this.#skips.push([]) - 1;
  }

  addSkip(from: number, to: number): void {
    this.#skips[from]?.push(to);
  }

  addEdge(from: number, set: CodePointSet, to: number): void {
    this.#edges[from]?.push({ set, to });
  }

  /** Adds states that match `node` from state `from` on; returns the state behind it. */
  add(node: PatternNode, from: number): number {
    this.#step();
    switch (node.kind) {
      case "set": {
        const to = this.addState();
        this.addEdge(from, node.set, to);
        return to;
      }
      case "sequence":
        return node.items.reduce((at, item) => this.add(item, at), from);
      case "choice": {
        const to = this.addState();
        for (const option of node.options) this.addSkip(this.add(option, from), to);
        return to;
      }
      case "repeat":
        return this.#addRepeat(node, from);
      case "start":
      case "end":
      case "lookahead":
        throw new PatternNotSupportedError("it uses ^, $ or lookahead inside the expression");
    }
  }

  #addRepeat({ item, min, max }: PatternNode & { readonly kind: "repeat" }, from: number): number {
    let at = from;
    for (let count = 0; count < min; count += 1) at = this.add(item, at);
    if (max === undefined) {
      const loop = this.addState();
      this.addSkip(at, loop);
      this.addSkip(this.add(item, loop), loop);
      return loop;
    }
    const to = this.addState();
    this.addSkip(at, to);
    for (let count = min; count < max; count += 1) {
      at = this.add(item, at);
      this.addSkip(at, to);
    }
    return to;
  }

  toAutomaton(maxStates: number): Automaton {
    return exploreAutomaton<readonly number[]>(this.#close([this.start]), {
      name: (states) => states.join(","),
      maxStates,
      visit: (states) => {
        if (states.includes(this.endFreely)) {
          const edges = ALL_CODE_POINTS.map(([low, high]) => ({ low, high, to: [this.endFreely] }));
          return { accepting: true, edges };
        }
        return { accepting: states.includes(this.end), edges: this.#edgesFrom(states) };
      },
    });
  }

  /** Cuts the code points at every border of every class, so that within one piece all characters lead to the same states. */
  #edgesFrom(states: readonly number[]): { low: number; high: number; to: readonly number[] }[] {
    const edges = states.flatMap((state) => this.#edges[state] ?? []);
    const borders = [...new Set(edges.flatMap(({ set }) => set.flatMap(([low, high]) => [low, high + 1])))];
    borders.sort((left, right) => left - right);
    const positions = new Map(borders.map((border, at) => [border, at]));
    const targets: Set<number>[] = borders.map(() => new Set());
    for (const { set, to } of edges) {
      for (const [low, high] of set) {
        for (let at = positions.get(low) ?? 0; at < (positions.get(high + 1) ?? 0); at += 1) {
          targets[at]?.add(to);
          this.#step();
        }
      }
    }
    return targets.flatMap((to, at) => {
      if (to.size === 0) return [];
      return [{ low: borders[at] ?? 0, high: (borders[at + 1] ?? 0) - 1, to: this.#close([...to]) }];
    });
  }

  /** All states reachable by skips, sorted; nothing but `endFreely` where that is among them, since the rest no longer matters. */
  #close(from: readonly number[]): readonly number[] {
    const seen = new Set(from);
    for (const state of seen) {
      this.#step();
      for (const to of this.#skips[state] ?? []) {
        seen.add(to);
        this.#step();
      }
    }
    return seen.has(this.endFreely) ? [this.endFreely] : [...seen].sort((left, right) => left - right);
  }

  // A pattern such as `(){1000000000}` grows no state, and `(.{0,99}){0,99}` few but large sets: time is bounded apart from size.
  #step(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new AutomatonTooLargeError("the pattern is too ambiguous or repeats too much");
  }
}
