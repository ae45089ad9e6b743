// Writes an automaton over a string's characters as GBNF: for the string's JSON text, in which quotes, backslashes and control
// characters are escaped, or for the bare text, as it stands between tags.
import { universalStates, type Automaton, type Edge } from "./automaton.ts";
import {
  codePointSet,
  complementSet,
  intersectSets,
  setHas,
  toGbnfClass,
  type CodePointSet,
} from "./code-point-set.ts";
import { anyOfExpressions } from "../gbnf/gbnf-literal.ts";
import type { GrammarWriter } from "../gbnf/grammar-writer.ts";

const CONTROLS: CodePointSet = codePointSet([[0x00, 0x1f]]);
const MUST_ESCAPE: CodePointSet = codePointSet([
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]);
const RAW = complementSet(MUST_ESCAPE);
/** Escapes of one letter, by the letter (RFC 8259, section 7); `\/` is left out: `/` needs no escape. */
const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x08, "b"],
  [0x09, "t"],
  [0x0a, "n"],
  [0x0c, "f"],
  [0x0d, "r"],
  [0x22, '"'],
  [0x5c, "\\"],
]);

/**
 * An expression for the text behind the opening quote, up to and with the closing one. Each character has one spelling; in states
 * from which every string is accepted, any JSON escape is allowed. The automaton must accept something.
 */
export function stringTailFromAutomaton(automaton: Automaton, writer: GrammarWriter): string {
  return writeAutomaton(automaton, { writer, universal: universalStates(automaton), spell, end: '"\\""' });
}

/** An expression for the bare text. The automaton must accept something. */
export function bareTextFromAutomaton(automaton: Automaton, writer: GrammarWriter): string {
  const spellBare = (set: CodePointSet): string[] => [toGbnfClass(set)];
  return writeAutomaton(automaton, { writer, universal: new Set(), spell: spellBare, end: '""' });
}

interface Notation {
  readonly writer: GrammarWriter;
  /** States from which every string is accepted: they have a shared rule. */
  readonly universal: ReadonlySet<number>;
  /** Alternatives for one character of the set. */
  readonly spell: (set: CodePointSet) => string[];
  readonly end: string;
}

function writeAutomaton(automaton: Automaton, { writer, universal, spell, end }: Notation): string {
  const incoming = automaton.states.map(() => 0);
  for (const { edges } of automaton.states) {
    for (const to of new Set(edges.map((edge) => edge.to))) incoming[to] = (incoming[to] ?? 0) + 1;
  }
  const names = new Map<number, string>();
  const todo: number[] = [];
  const nameOf = (state: number): string => {
    if (universal.has(state)) return writer.shared("string-tail");
    let name = names.get(state);
    if (name === undefined) {
      name = writer.reserve("text");
      names.set(state, name);
      todo.push(state);
    }
    return name;
  };
  /** The body of a state; a run of states with one way in and one way out is written in line. */
  const bodyOf = (start: number): string => {
    const parts: string[] = [];
    for (let at = start; ;) {
      const state = automaton.states[at];
      const groups = groupByTarget(state?.edges ?? []);
      const [only] = groups;
      if (groups.length === 1 && only !== undefined && state?.accepting === false) {
        parts.push(anyOfExpressions(spell(only.set)));
        if (incoming[only.to] === 1 && only.to !== start && !universal.has(only.to)) {
          at = only.to;
          continue;
        }
        parts.push(nameOf(only.to));
      } else {
        const options = groups.map(({ set, to }) => `${anyOfExpressions(spell(set))} ${nameOf(to)}`);
        if (state?.accepting === true) options.push(end);
        parts.push(options.length === 1 || parts.length === 0 ? options.join(" | ") : `( ${options.join(" | ")} )`);
      }
      return parts.join(" ");
    }
  };
  const first = nameOf(0);
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) writer.define(nameOf(state), bodyOf(state));
  return first;
}

function groupByTarget(edges: readonly Edge[]): { readonly to: number; readonly set: CodePointSet }[] {
  const targets = new Map<number, [number, number][]>();
  for (const { low, high, to } of edges) targets.set(to, [...(targets.get(to) ?? []), [low, high]]);
  return [...targets].map(([to, ranges]) => ({ to, set: codePointSet(ranges) })).filter(({ set }) => set.length > 0);
}

/** The JSON spellings of the characters of a set, as alternatives that share no text. */
function spell(set: CodePointSet): string[] {
  const spellings: string[] = [];
  const raw = intersectSets(set, RAW);
  if (raw.length > 0) spellings.push(toGbnfClass(raw));
  const short = [...SHORT_ESCAPES].filter(([codePoint]) => setHas(set, codePoint)).map(([, letter]) => letter);
  if (short.length > 0) {
    spellings.push(
      `"\\\\" ${toGbnfClass(codePointSet(short.map((letter) => [letter.charCodeAt(0), letter.charCodeAt(0)])))}`,
    );
  }
  const shortSet = codePointSet([...SHORT_ESCAPES.keys()].map((codePoint) => [codePoint, codePoint]));
  const long = intersectSets(intersectSets(set, CONTROLS), complementSet(shortSet));
  for (const high of [0, 1]) {
    const digits = intersectSets(long, codePointSet([[high * 16, high * 16 + 15]])).flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, offset) => (from + offset - high * 16).toString(16).charCodeAt(0)),
    );
    if (digits.length > 0) {
      spellings.push(`"\\\\u00${high}" ${toGbnfClass(codePointSet(digits.map((digit) => [digit, digit])))}`);
    }
  }
  return spellings;
}
