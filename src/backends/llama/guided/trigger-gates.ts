// Gates (see `GrammarGate`) for grammars that become active in the middle of an answer: with a call's first characters, or after the
// reasoning. That place may lie inside a token; the grammar then gets the token's first part as a literal before its root rule.
import { Utf8Assembler } from "../../../util/utf8-assembler.ts";
import type { NativeModelHandle } from "../native/model.ts";
import type { CallTrigger, FreePart, ReasoningMarkers } from "../chat/types.ts";
import { gbnfLiteral } from "./gbnf-text.ts";
import type { GrammarGate, ActiveGrammar } from "../engine/sequence.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

export interface GateParts {
  readonly native: NativeModelHandle;
  readonly vocabulary: Vocabulary;
  /** GBNF with the start rule `root`. */
  readonly grammar: string;
  /** Tokens that are banned while the grammar is active. */
  readonly banned: readonly number[];
}

type Opening = { readonly grammar: ActiveGrammar; readonly again: boolean };

const startRule = "hearth-start";

/** The generated tokens as text, control tokens included, with the place where each token begins. */
class TokenTrace {
  readonly #vocabulary: Vocabulary;
  readonly #assembler = new Utf8Assembler();
  readonly tokens: number[] = [];
  readonly starts: number[] = [];
  text = "";

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  push(token: number): void {
    this.tokens.push(token);
    this.starts.push(this.text.length);
    this.text += this.#assembler.push(this.#vocabulary.piece(token).bytes);
  }

  /** Index of the token in which the character at `offset` stands. */
  tokenAt(offset: number): number {
    let index = this.starts.length - 1;
    while (index > 0 && (this.starts[index] as number) > offset) index -= 1;
    return index;
  }
}

export interface TriggerOptions {
  readonly triggers: readonly CallTrigger[];
  /** A trigger inside reasoning does not count: a model may think about a call without making one. */
  readonly reasoning: readonly ReasoningMarkers[];
  readonly startsInReasoning: boolean;
}

/** Makes its grammar active as soon as a trigger is complete; the grammar covers the answer from the trigger's first character on. */
export class TriggerGate implements GrammarGate {
  readonly #parts: GateParts;
  readonly #options: TriggerOptions;
  readonly #trace: TokenTrace;
  #searchedTo = 0;
  settled = false;

  constructor(parts: GateParts, options: TriggerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#trace = new TokenTrace(parts.vocabulary);
  }

  next(token: number): Opening | undefined {
    this.#trace.push(token);
    const found = this.#find();
    if (found === undefined) return undefined;
    this.settled = true;
    return openAt(this.#parts, { trace: this.#trace, offset: found.offset, assumed: found.trigger.assumed ?? "" });
  }

  #find(): { readonly offset: number; readonly trigger: CallTrigger } | undefined {
    const { text } = this.#trace;
    const { triggers } = this.#options;
    const longest = Math.max(...triggers.map((trigger) => trigger.text.length));
    const from = Math.max(0, this.#searchedTo - longest + 1);
    this.#searchedTo = text.length;
    let best: { offset: number; trigger: CallTrigger } | undefined;
    for (const trigger of triggers) {
      const offset = trigger.atStart === true ? startOffset(text, trigger.text) : text.indexOf(trigger.text, from);
      if (offset !== -1 && (best === undefined || offset < best.offset)) best = { offset, trigger };
    }
    return best === undefined || this.#isReasoning(text.slice(0, best.offset)) ? undefined : best;
  }

  #isReasoning(before: string): boolean {
    const { reasoning, startsInReasoning } = this.#options;
    const opened = Math.max(startsInReasoning ? 0 : -1, ...reasoning.map(({ open }) => before.lastIndexOf(open)));
    return opened > Math.max(-1, ...reasoning.map(({ close }) => before.lastIndexOf(close)));
  }
}

/**
 * Makes its grammar active behind a free part. Where the answer may begin without one, {@link freePartGrammar} is active from the
 * first token on.
 */
export class FreePartGate implements GrammarGate {
  readonly #parts: GateParts;
  readonly #free: FreePart;
  readonly #trace: TokenTrace;
  #isFree: boolean;
  settled = false;

  constructor(parts: GateParts, free: FreePart) {
    this.#parts = parts;
    this.#free = free;
    this.#trace = new TokenTrace(parts.vocabulary);
    this.#isFree = free.opens.length === 0;
  }

  next(token: number): Opening | undefined {
    const trace = this.#trace;
    trace.push(token);
    if (!this.#isFree) {
      const text = trace.text.trimStart();
      this.#isFree = this.#free.opens.some((open) => text.startsWith(open));
      if (!this.#isFree) {
        this.settled = !this.#free.opens.some((open) => open.startsWith(text));
        return undefined;
      }
    }
    const end = firstEnd(trace.text, this.#free.ends);
    if (end === undefined) return undefined;
    this.settled = true;
    const spaced = { ...this.#parts, grammar: `${this.#parts.grammar}\nhearth-spaced ::= [ \\t\\r\\n]{0,16} root` };
    return openAt(spaced, { trace, offset: end, assumed: "", root: "hearth-spaced" });
  }
}

/**
 * A grammar for the answer from the first token on: a free part, or `grammar` at once. `undefined` where the prompt has opened the
 * free part.
 */
export function freePartGrammar(
  grammar: string,
  { opens }: FreePart,
): { grammar: string; rootRule: string } | undefined {
  if (opens.length === 0) return undefined;
  const free = `[ \\t\\r\\n]{0,16} ( ${opens.map(gbnfLiteral).join(" | ")} ) [^\\x00]*`;
  return { grammar: `${grammar}\n${startRule} ::= root | ${free}`, rootRule: startRule };
}

/**
 * The grammar from the character at `offset` on, which has accepted what was generated since then. A last token that it does not
 * allow is to be sampled again; where it does not allow an earlier one, it does not become active (`undefined`).
 */
function openAt(
  { native, vocabulary, grammar, banned }: GateParts,
  { trace, offset, assumed, root = "root" }: { trace: TokenTrace; offset: number; assumed: string; root?: string },
): Opening | undefined {
  if (offset >= trace.text.length) {
    return { grammar: { state: native.createGrammarState(grammar, root), banned }, again: false };
  }
  const first = trace.tokenAt(offset);
  const before = trace.text.slice(trace.starts[first], offset);
  if (before !== "" && assumed !== "") return undefined;
  const withStart = `${grammar}\n${startRule} ::= ${before === "" ? "" : `${gbnfLiteral(before)} `}${root}`;
  const state = native.createGrammarState(withStart, startRule);
  const earlier = [...vocabulary.tokenize(assumed, { parseSpecial: true }), ...trace.tokens.slice(first, -1)];
  for (const token of earlier) {
    if (!native.grammarAllows(state, token)) return undefined;
    native.grammarAccept(state, token);
  }
  const last = trace.tokens.at(-1) as number;
  if (!native.grammarAllows(state, last)) return { grammar: { state, banned }, again: true };
  native.grammarAccept(state, last);
  return { grammar: { state, banned }, again: false };
}

function startOffset(text: string, wanted: string): number {
  const offset = text.length - text.trimStart().length;
  return text.startsWith(wanted, offset) ? offset : -1;
}

/** Offset behind the end text that is complete first. */
function firstEnd(text: string, ends: readonly string[]): number | undefined {
  let best: number | undefined;
  for (const end of ends) {
    const index = text.indexOf(end);
    if (index !== -1 && (best === undefined || index + end.length < best)) best = index + end.length;
  }
  return best;
}
