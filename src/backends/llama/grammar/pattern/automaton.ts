// Deterministic automata over code points. Patterns, formats and forbidden names become automata so that they can be intersected, and
// so that their grammar has one derivation at every character: llama.cpp's time grows with the number of derivations.
import { ALL_CODE_POINTS, codePointSet, complementSet, type CodePointRange } from "./code-point-set.ts";

export interface Edge {
  readonly low: number;
  readonly high: number;
  readonly to: number;
}

export interface State {
  readonly accepting: boolean;
  /** Sorted and disjoint; a code point on no edge is refused. */
  readonly edges: readonly Edge[];
}

/** State 0 is the start. An automaton without states accepts nothing. */
export interface Automaton {
  readonly states: readonly State[];
}

/** Thrown where an operation would need more states than it may have. */
export class AutomatonTooLargeError extends Error {
  override readonly name = "AutomatonTooLargeError";
}

export const EMPTY_AUTOMATON: Automaton = { states: [] };
/** Accepts every string. */
export const ALL_TEXTS: Automaton = {
  states: [{ accepting: true, edges: ALL_CODE_POINTS.map(([low, high]) => ({ low, high, to: 0 })) }],
};

/**
 * Builds an automaton whose states are keys, from a start key on: `visit` tells whether a key accepts and where it leads. Keys of one
 * name are one state. Unreachable states are never made, and those that lead to no accepting one are removed.
 * @throws AutomatonTooLargeError
 */
export function exploreAutomaton<Key>(
  start: Key,
  {
    name,
    visit,
    maxStates,
  }: {
    readonly name: (key: Key) => string;
    readonly visit: (key: Key) => {
      readonly accepting: boolean;
      readonly edges: readonly { readonly low: number; readonly high: number; readonly to: Key }[];
    };
    readonly maxStates: number;
  },
): Automaton {
  const keys: Key[] = [start];
  const indexes = new Map<string, number>([[name(start), 0]]);
  const states: State[] = [];
  for (let at = 0; at < keys.length; at += 1) {
    const { accepting, edges } = visit(keys[at] as Key);
    states.push({
      accepting,
      edges: edges.map(({ low, high, to }) => {
        const key = name(to);
        let index = indexes.get(key);
        if (index === undefined) {
          index = keys.length;
          if (index >= maxStates) throw new AutomatonTooLargeError(`more than ${maxStates} states`);
          indexes.set(key, index);
          keys.push(to);
        }
        return { low, high, to: index };
      }),
    });
  }
  return trimAutomaton({ states });
}

/** Accepts the strings that both accept. @throws AutomatonTooLargeError */
export function intersectAutomata(left: Automaton, right: Automaton, maxStates: number): Automaton {
  if (left.states.length === 0 || right.states.length === 0) return EMPTY_AUTOMATON;
  return exploreAutomaton<readonly [number, number]>([0, 0], {
    name: ([a, b]) => `${a},${b}`,
    maxStates,
    visit: ([a, b]) => {
      const one = left.states[a];
      const two = right.states[b];
      const edges: { low: number; high: number; to: readonly [number, number] }[] = [];
      for (let i = 0, j = 0; ;) {
        const x = one?.edges[i];
        const y = two?.edges[j];
        if (x === undefined || y === undefined) break;
        const low = Math.max(x.low, y.low);
        const high = Math.min(x.high, y.high);
        if (low <= high) edges.push({ low, high, to: [x.to, y.to] });
        if (x.high < y.high) i += 1;
        else j += 1;
      }
      return { accepting: one?.accepting === true && two?.accepting === true, edges };
    },
  });
}

/** Accepts the strings that `automaton` refuses. */
export function complementAutomaton(automaton: Automaton): Automaton {
  const sink = automaton.states.length;
  const states = [...automaton.states, { accepting: false, edges: [] }].map(({ accepting, edges }) => {
    const gaps = complementSet(codePointSet(edges.map(({ low, high }): CodePointRange => [low, high])));
    const completed = [...edges, ...gaps.map(([low, high]) => ({ low, high, to: sink }))];
    return { accepting: !accepting, edges: completed.sort((left, right) => left.low - right.low) };
  });
  return trimAutomaton({ states });
}

/** Accepts the strings of `automaton` of at least `min` and at most `max` code points. @throws AutomatonTooLargeError */
export function boundLength(
  automaton: Automaton,
  { min, max, maxStates }: { readonly min: number; readonly max: number | undefined; readonly maxStates: number },
): Automaton {
  if (automaton.states.length === 0) return automaton;
  const top = max ?? min;
  return exploreAutomaton<readonly [number, number]>([0, 0], {
    name: ([state, length]) => `${state},${length}`,
    maxStates,
    visit: ([index, length]) => {
      const state = automaton.states[index];
      if (state === undefined) return { accepting: false, edges: [] };
      const accepting = state.accepting && length >= min;
      if (max !== undefined && length >= max) return { accepting, edges: [] };
      return { accepting, edges: state.edges.map((edge) => ({ ...edge, to: [edge.to, Math.min(length + 1, top)] })) };
    },
  });
}

/** True where the automaton accepts this text. Takes one step per character, whatever the automaton. */
export function acceptsText(automaton: Automaton, text: string): boolean {
  let state = automaton.states[0];
  for (const char of text) {
    const codePoint = char.codePointAt(0) ?? 0;
    const edge = state?.edges.find(({ low, high }) => low <= codePoint && codePoint <= high);
    if (edge === undefined) return false;
    state = automaton.states[edge.to];
  }
  return state?.accepting === true;
}

/** Accepts every string except the given ones. Texts with half a surrogate pair are ignored: no accepted string has one. */
export function automatonExcept(texts: readonly string[]): Automaton {
  const children: Map<number, number>[] = [new Map()];
  const forbidden = new Set<number>();
  for (const text of texts.filter((one) => !/\p{Surrogate}/u.test(one))) {
    let at = 0;
    for (const char of text) {
      const codePoint = char.codePointAt(0) ?? 0;
      const known = children[at]?.get(codePoint);
      if (known === undefined) {
        children.push(new Map());
        children[at]?.set(codePoint, children.length - 1);
      }
      at = known ?? children.length - 1;
    }
    forbidden.add(at);
  }
  const states = children.map((edges) => ({
    accepting: false,
    edges: [...edges].map(([codePoint, to]) => ({ low: codePoint, high: codePoint, to })).sort((a, b) => a.low - b.low),
  }));
  return complementAutomaton({ states: states.map((state, at) => ({ ...state, accepting: forbidden.has(at) })) });
}

/** Every state from which all strings are accepted. */
export function universalStates(automaton: Automaton): ReadonlySet<number> {
  const universal = new Set(automaton.states.keys());
  for (let changed = true; changed;) {
    changed = false;
    for (const index of universal) {
      const state = automaton.states[index];
      const covered = codePointSet((state?.edges ?? []).map(({ low, high }): CodePointRange => [low, high]));
      const isTotal = covered.length === ALL_CODE_POINTS.length && complementSet(covered).length === 0;
      if (state?.accepting === true && isTotal && state.edges.every((edge) => universal.has(edge.to))) continue;
      universal.delete(index);
      changed = true;
    }
  }
  return universal;
}

/** Removes states that lead to no accepting one, so that no grammar written from it has a dead end. */
function trimAutomaton({ states }: Automaton): Automaton {
  const sources: number[][] = states.map(() => []);
  for (const [from, state] of states.entries()) for (const { to } of state.edges) sources[to]?.push(from);
  const alive = new Set<number>();
  const todo = [...states.keys()].filter((index) => states[index]?.accepting === true);
  for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
    if (alive.has(index)) continue;
    alive.add(index);
    todo.push(...(sources[index] ?? []));
  }
  if (!alive.has(0)) return EMPTY_AUTOMATON;
  const renamed = new Map([...states.keys()].filter((index) => alive.has(index)).map((index, at) => [index, at]));
  return {
    states: states
      .filter((_, index) => alive.has(index))
      .map(({ accepting, edges }) => ({
        accepting,
        edges: edges.flatMap((edge) => {
          const to = renamed.get(edge.to);
          return to === undefined ? [] : [{ ...edge, to }];
        }),
      })),
  };
}
