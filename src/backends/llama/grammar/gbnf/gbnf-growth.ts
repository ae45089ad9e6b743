// Runs a grammar the way llama.cpp does, on texts chosen to keep as many derivations alive as possible, and counts them. llama.cpp
// keeps a list of stacks and compares each new one with all others, so its time is quadratic in the number measured here.
import { recursiveRules } from "./gbnf-analysis.ts";
import type { GbnfAlternatives, GbnfElement, GbnfGrammar, GbnfSequence } from "./gbnf-tree.ts";

/** What a derivation has yet to match: one sequence from a position on, then `next`. Equal remainders are the same object. */
interface Rest {
  /** How many nested remainders, this one included, belong to rules that contain themselves. */
  readonly depth: number;
  readonly sequence: GbnfSequence;
  readonly at: number;
  readonly next: Rest | undefined;
}

const MAX_CHARACTERS = 256;
const CANDIDATES_PER_STEP = 6;
const MAX_UNFOLDINGS = { "deepest nesting": 300_000, "most derivations": 60_000 } as const;

/**
 * How the next character is chosen: for the most derivations, or for the deepest nesting. Derivations multiply without end only
 * through nesting, and the first strategy alone may miss it (among the digits of a number, say).
 */
type Strategy = "most derivations" | "deepest nesting";

/** The most derivations alive at once on any of the texts tried; stops early above `maxWays`. */
export function measureGrowth(grammar: GbnfGrammar, { maxWays }: { readonly maxWays: number }): number {
  const runner = new GrowthRunner(grammar, maxWays);
  const deepest = runner.run("deepest nesting");
  return deepest > maxWays ? deepest : Math.max(deepest, runner.run("most derivations"));
}

class GrowthRunner {
  readonly #grammar: GbnfGrammar;
  readonly #maxWays: number;
  readonly #recursive: ReadonlySet<GbnfSequence>;
  readonly #sequenceIds = new Map<GbnfSequence, number>();
  readonly #rests = new Map<string, Rest>();
  #unfoldings = 0;
  readonly #ids = new Map<Rest, number>();

  constructor(grammar: GbnfGrammar, maxWays: number) {
    this.#grammar = grammar;
    this.#maxWays = maxWays;
    this.#recursive = recursiveSequences(grammar);
  }

  /** Ends after a bounded amount of work: what multiplies has shown by then, even in a large grammar. */
  run(strategy: Strategy): number {
    this.#unfoldings = 0;
    let alive: ReadonlySet<Rest> = this.#expand(
      this.#alternatives(this.#grammar.rules.get("root")?.alternatives ?? [], undefined),
    );
    let most = alive.size;
    for (let step = 0; step < MAX_CHARACTERS && most <= this.#maxWays && alive.size > 0; step += 1) {
      let best: ReadonlySet<Rest> = new Set();
      for (const codePoint of this.#candidates(alive, strategy)) {
        if (this.#unfoldings > MAX_UNFOLDINGS[strategy]) return most;
        const next = this.#expand([...alive].flatMap((rest) => this.#accept(rest, codePoint)));
        most = Math.max(most, next.size);
        if (next.size > best.size) best = next;
      }
      alive = best;
    }
    return most;
  }

  /** The characters on which the most live derivations agree, or the one that continues the deepest of them. */
  #candidates(alive: ReadonlySet<Rest>, strategy: Strategy): readonly number[] {
    const votes = new Map<number, { count: number; depth: number }>();
    for (const { sequence, at, depth } of alive) {
      // Literals lead on, while classes are mostly repeated: indentation would use up the whole text.
      const reach = depth + (sequence[at]?.kind === "literal" ? 0.5 : 0);
      for (const codePoint of firstCharacters(sequence[at])) {
        const vote = votes.get(codePoint) ?? { count: 0, depth: 0 };
        votes.set(codePoint, { count: vote.count + 1, depth: Math.max(vote.depth, reach) });
      }
    }
    const ranked = [...votes].sort(([, left], [, right]) => {
      const byDepth = strategy === "deepest nesting" ? right.depth - left.depth : 0;
      return byDepth === 0 ? right.count - left.count : byDepth;
    });
    return ranked.slice(0, strategy === "deepest nesting" ? 1 : CANDIDATES_PER_STEP).map(([codePoint]) => codePoint);
  }

  #accept(rest: Rest, codePoint: number): Rest[] {
    const element = rest.sequence[rest.at];
    if (element?.kind === "class") {
      const isIn = element.ranges.some(([low, high]) => low <= codePoint && codePoint <= high);
      return isIn === element.isNegative ? [] : this.#after(rest);
    }
    if (element?.kind !== "literal" || element.codePoints[0] !== codePoint) return [];
    if (element.codePoints.length === 1) return this.#after(rest);
    const remainder = this.#remainder(element);
    const after = this.#rest(rest.sequence, rest.at + 1, rest.next);
    return [this.#rest(remainder, 0, after)].flatMap((one) => (one === undefined ? [] : [one]));
  }

  #after(rest: Rest): Rest[] {
    const next = this.#rest(rest.sequence, rest.at + 1, rest.next);
    return next === undefined ? [END] : [next];
  }

  /** Replaces references, groups and repetitions by what they stand for, until every derivation begins with a character. */
  #expand(start: readonly Rest[]): Set<Rest> {
    const done = new Set<Rest>();
    const seen = new Set<Rest>(start);
    const todo = [...seen];
    for (let rest = todo.pop(); rest !== undefined && seen.size <= this.#maxWays * 8; rest = todo.pop()) {
      const element = rest.sequence[rest.at];
      if (
        element === undefined ||
        element.kind === "class" ||
        (element.kind === "literal" && element.codePoints.length > 0)
      ) {
        done.add(rest);
        continue;
      }
      for (const next of this.#unfold(element, rest)) {
        if (seen.has(next)) continue;
        seen.add(next);
        todo.push(next);
      }
    }
    return done;
  }

  #unfold(element: GbnfElement, rest: Rest): Rest[] {
    const after = this.#rest(rest.sequence, rest.at + 1, rest.next);
    switch (element.kind) {
      case "literal":
      case "class":
        return after === undefined ? [END] : [after];
      case "reference":
        return this.#alternatives(this.#grammar.rules.get(element.name)?.alternatives ?? [], after);
      case "group":
        return this.#alternatives(element.alternatives, after);
      case "repeat": {
        const { item, min, max } = element;
        if (max === 0) return after === undefined ? [END] : [after];
        const fewer: GbnfElement = {
          kind: "repeat",
          item,
          min: Math.max(0, min - 1),
          max: max === undefined ? undefined : max - 1,
        };
        const again = this.#alternatives([this.#repetition(element, fewer)], after);
        return min > 0 ? again : [...again, after ?? END];
      }
    }
  }

  readonly #repetitions = new Map<GbnfElement, GbnfSequence>();

  /** One copy of the item and what is left of the repetition: always the same array for the same repetition. */
  #repetition(element: GbnfElement & { readonly kind: "repeat" }, fewer: GbnfElement): GbnfSequence {
    const known = this.#repetitions.get(element);
    if (known !== undefined) return known;
    const isSame = element.min === 0 && element.max === undefined;
    const sequence: GbnfSequence = [element.item, isSame ? element : fewer];
    this.#repetitions.set(element, sequence);
    return sequence;
  }

  readonly #remainders = new Map<GbnfElement, GbnfSequence>();

  #remainder(element: GbnfElement & { readonly kind: "literal" }): GbnfSequence {
    let sequence = this.#remainders.get(element);
    if (sequence === undefined) {
      sequence = [{ kind: "literal", codePoints: element.codePoints.slice(1) }];
      this.#remainders.set(element, sequence);
    }
    return sequence;
  }

  #alternatives(alternatives: GbnfAlternatives, next: Rest | undefined): Rest[] {
    return alternatives.map((sequence) => this.#rest(sequence, 0, next) ?? END);
  }

  /** `undefined` is the empty remainder. A finished sequence is left out, as llama.cpp does, so tail calls do not pile up. */
  #rest(sequence: GbnfSequence, at: number, next: Rest | undefined): Rest | undefined {
    if (at >= sequence.length) return next;
    let sequenceId = this.#sequenceIds.get(sequence);
    if (sequenceId === undefined) {
      sequenceId = this.#sequenceIds.size;
      this.#sequenceIds.set(sequence, sequenceId);
    }
    const key = `${sequenceId},${at},${next === undefined ? "" : this.#ids.get(next)}`;
    const known = this.#rests.get(key);
    if (known !== undefined) return known;
    const rest: Rest = { sequence, at, next, depth: (this.#recursive.has(sequence) ? 1 : 0) + (next?.depth ?? 0) };
    this.#rests.set(key, rest);
    this.#ids.set(rest, this.#ids.size);
    return rest;
  }
}

/** The sequences of the rules that {@link recursiveRules} names. */
function recursiveSequences(grammar: GbnfGrammar): ReadonlySet<GbnfSequence> {
  const recursive = new Set<GbnfSequence>();
  const addAll = (alternatives: GbnfAlternatives): void => {
    for (const sequence of alternatives) {
      recursive.add(sequence);
      for (const element of sequence) addElement(element);
    }
  };
  const addElement = (element: GbnfElement): void => {
    if (element.kind === "group") addAll(element.alternatives);
    else if (element.kind === "repeat") addElement(element.item);
  };
  for (const name of recursiveRules(grammar)) addAll(grammar.rules.get(name)?.alternatives ?? []);
  return recursive;
}

/** A few characters with which an element can begin. */
function firstCharacters(element: GbnfElement | undefined): readonly number[] {
  if (element?.kind === "literal") return element.codePoints.slice(0, 1);
  if (element?.kind !== "class") return [];
  return element.isNegative ? [0x61] : element.ranges.slice(0, 8).map(([low]) => low);
}

/** The remainder of a complete derivation. */
const END: Rest = { sequence: [], at: 0, next: undefined, depth: 0 };
