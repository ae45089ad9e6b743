// The gate (see `GrammarGate`) of a grammar that begins behind reasoning. The reasoning is free, but for three things: the answer does
// not end in it, it holds no markup of other parts, and it is closed when its budget is used up.
import type { NativeGrammarState } from "../../native/binding.ts";
import type { FreePart, FreePartWay } from "../../chat/types.ts";
import type { ActiveGrammar, GrammarGate } from "../../engine/sequence.ts";
import type { MarkupTokens } from "../../tokens/markup-tokens.ts";
import { gbnfMarkup } from "../gbnf-text.ts";
import { openAt, startRule, type GateParts, type Opening } from "./open-grammar.ts";
import { TokenTrace } from "./token-trace.ts";

export interface FreePartOptions {
  readonly free: FreePart;
  /** Tokens that are banned in the free part: those that end the answer, and markup. */
  readonly bannedInside: readonly number[];
  /** Tokens that the free part may have; `undefined` = no limit. */
  readonly budget: number | undefined;
  /** The state of {@link freePartGrammar}, where the free part may be left out. */
  readonly start: NativeGrammarState | undefined;
}

/**
 * Makes its grammar active behind a free part. Where the answer may begin without one, {@link freePartGrammar} is active from the
 * first token on.
 */
export class FreePartGate implements GrammarGate {
  readonly #parts: GateParts;
  readonly #options: FreePartOptions;
  /** The ways as the trace shows them. */
  readonly #ways: readonly FreePartWay[];
  readonly #trace: TokenTrace;
  /** The way in which the free part has begun. */
  #way: FreePartWay | undefined;
  #searchedTo = 0;
  #left: number;
  /** Tokens of the closing text that are still to come. */
  #closing: number[] = [];
  /** The grammar is active, and what stands before its text is still to come. */
  #header: { readonly state: NativeGrammarState | undefined; readonly from: number } | undefined;
  settled = false;

  constructor(parts: GateParts, options: FreePartOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#trace = new TokenTrace(parts.vocabulary, parts.markup);
    this.#ways = options.free.ways.map((way) => ({
      ...way,
      open: parts.markup.sign(way.open),
      ends: way.ends.map((end) => parts.markup.sign(end)),
    }));
    this.#way = this.#ways.find(({ open }) => open === "");
    this.#left = options.budget ?? Infinity;
  }

  /** What constrains the answer's first token; to be asked once. */
  first(bannedBefore: readonly number[]): ActiveGrammar {
    const { start } = this.#options;
    if (this.#way !== undefined) return this.#inside(this.#way);
    return { ...(start === undefined ? {} : { state: start }), banned: bannedBefore };
  }

  next(token: number): Opening | undefined {
    this.#trace.push(token);
    if (this.#header !== undefined) return this.#readHeader(this.#header);
    const isNew = this.#way === undefined;
    if (this.#way === undefined) {
      const text = this.#trace.text.trimStart();
      this.#way = this.#ways.find(({ open }) => text.startsWith(open));
      if (this.#way === undefined) {
        return this.#ways.some(({ open }) => open.startsWith(text)) ? undefined : this.#stayOut();
      }
    }
    const way = this.#way;
    const end = this.#findEnd(way);
    if (end !== undefined) return this.#open(end);
    // The opening itself is no part of the budget.
    if (!isNew) this.#left -= 1;
    this.#closing.shift();
    const isChanged = isNew || this.#left <= 0;
    return isChanged ? { grammar: this.#inside(way), again: false } : undefined;
  }

  /** The answer has begun without a free part: what was banned for the sake of one alone no longer is, and the other way about. */
  #stayOut(): Opening | undefined {
    this.settled = true;
    const { start } = this.#options;
    return start === undefined ? undefined : { grammar: { state: start, banned: this.#parts.banned }, again: false };
  }

  #inside({ closing }: FreePartWay): ActiveGrammar {
    const banned = this.#options.bannedInside;
    if (this.#closing.length === 0 && this.#left <= 0) {
      this.#closing = this.#parts.vocabulary.tokenize(closing, { parseSpecial: true });
    }
    const [forced] = this.#closing;
    return forced === undefined ? { banned } : { banned, forced };
  }

  /** Offset behind the end text that is complete first. */
  #findEnd({ open, ends }: FreePartWay): number | undefined {
    const { text } = this.#trace;
    const longest = Math.max(...ends.map((end) => end.length));
    const begun = open === "" ? 0 : text.indexOf(open) + open.length;
    const from = Math.max(begun, this.#searchedTo - longest + 1);
    this.#searchedTo = text.length;
    let best: number | undefined;
    for (const end of ends) {
      const index = text.indexOf(end, from);
      if (index !== -1 && (best === undefined || index + end.length < best)) best = index + end.length;
    }
    return best;
  }

  #open(offset: number): Opening | undefined {
    const { grammar, markup, banned } = this.#parts;
    const { between, ways } = this.#options.free;
    const rule = `${spacedRule} ::= ${spacing(ways)} ${gbnfMarkup(between, markup)} root`;
    const needed = new Set(markup.split(between).map(({ token }) => token?.id));
    const parts = {
      ...this.#parts,
      grammar: `${grammar}\n${rule}`,
      banned: banned.filter((token) => !needed.has(token)),
    };
    const opening = openAt(parts, { trace: this.#trace, offset, assumed: "", root: spacedRule });
    this.settled = between === "";
    this.#header = { state: opening?.grammar?.state, from: offset };
    return opening;
  }

  /** Behind the header, its tokens are banned like all others that are no text. */
  #readHeader({
    state,
    from,
  }: {
    readonly state: NativeGrammarState | undefined;
    readonly from: number;
  }): Opening | undefined {
    const { markup, banned } = this.#parts;
    const header = markup.sign(this.#options.free.between);
    if (!this.#trace.text.slice(from).trimStart().startsWith(header)) return undefined;
    this.settled = true;
    return { grammar: { ...(state === undefined ? {} : { state }), banned }, again: false };
  }
}

const spacedRule = "hearth-spaced";

/** What models write behind reasoning: line breaks behind a tag, and behind a sentence a space or line breaks. It is no text of the answer. */
function spacing(ways: FreePart["ways"]): string {
  const isTag = (end: string): boolean => /[>\]]$/.test(end);
  return ways.every(({ ends }) => ends.every(isTag)) ? '"\\n"{0,2}' : '( " " | "\\n"{0,2} )';
}

/**
 * A grammar for the answer from the first token on: a free part, or `grammar` at once. `undefined` where the prompt has opened the
 * free part.
 */
export function freePartGrammar(
  grammar: string,
  { free: { ways }, markup }: { readonly free: FreePart; readonly markup: MarkupTokens },
): { grammar: string; rootRule: string } | undefined {
  if (ways.some(({ open }) => open === "")) return undefined;
  const opens = ways.map(({ open }) => gbnfMarkup(open, markup)).join(" | ");
  const free = `"\\n"{0,2} ( ${opens} ) [^\\x00]*`;
  return { grammar: `${grammar}\n${startRule} ::= root | ${free}`, rootRule: startRule };
}
