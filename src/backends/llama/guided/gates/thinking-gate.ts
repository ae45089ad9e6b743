// The gate (see `GrammarGate`) of an answer whose text is free and whose reasoning has a budget. It watches for reasoning, closes it
// when the budget is used up, and keeps the model from opening another one in its place.
import type { ChatFamily, ReasoningMarkers } from "../../chat/types.ts";
import { closingText } from "../../chat/plan-grammar.ts";
import type { ActiveGrammar, GrammarGate } from "../../engine/sequence.ts";
import type { NativeModelHandle } from "../../native/model.ts";
import type { Vocabulary } from "../../tokens/vocabulary.ts";
import type { MarkupTokens } from "../../tokens/markup-tokens.ts";
import { gbnfMarkup } from "../gbnf-text.ts";
import type { Opening } from "./open-grammar.ts";
import { TokenTrace } from "./token-trace.ts";

export interface ThinkingOptions {
  readonly native: NativeModelHandle;
  readonly vocabulary: Vocabulary;
  readonly markup: MarkupTokens;
  /** The markers that the model knows. */
  readonly reasoning: readonly ReasoningMarkers[];
  readonly family: Pick<ChatFamily, "afterReasoning" | "channels">;
  /** The reasoning that the prompt ends in. */
  readonly openReasoning: ReasoningMarkers | undefined;
  /** Tokens that begin reasoning by themselves. */
  readonly openTokens: readonly number[];
  /** Tokens of reasoning, of all its parts together. */
  readonly budget: number;
}

type Phase = "outside" | "inside" | "closing" | "header";

export class ThinkingGate implements GrammarGate {
  readonly #options: ThinkingOptions;
  readonly #trace: TokenTrace;
  #phase: Phase = "outside";
  /** Those of the reasoning that has begun last. */
  #markers: ReasoningMarkers | undefined;
  #left: number;
  /** Where in the trace's text the current phase began. */
  #from = 0;
  #closing: number[] = [];
  settled = false;

  constructor(options: ThinkingOptions) {
    this.#options = options;
    this.#trace = new TokenTrace(options.vocabulary, options.markup);
    this.#left = options.budget;
    this.#markers = options.openReasoning;
    if (this.#markers !== undefined) this.#phase = "inside";
  }

  /** What constrains the answer's first token; `undefined` = nothing. To be asked once. */
  first(): ActiveGrammar | undefined {
    if (this.#phase === "outside") return this.#outside();
    return this.#left <= 0 ? this.#force() : undefined;
  }

  next(token: number): Opening | undefined {
    this.#trace.push(token);
    switch (this.#phase) {
      case "outside":
        return this.#watch();
      case "inside":
        return this.#think();
      case "closing":
        return this.#close();
      case "header":
        return this.#name();
    }
  }

  #watch(): Opening | undefined {
    const { reasoning, family, markup } = this.#options;
    const text = this.#trace.text.slice(this.#from);
    const start = text.trimStart();
    const anywhere = family.channels !== undefined;
    this.#markers = reasoning.find(({ open }) => {
      const opened = markup.sign(open);
      return anywhere ? text.includes(opened) : start.startsWith(opened);
    });
    if (this.#markers !== undefined) {
      this.#enter("inside");
      return this.#left > 0 ? { grammar: undefined, again: false } : { grammar: this.#force(), again: false };
    }
    if (anywhere || reasoning.some(({ open }) => markup.sign(open).startsWith(start))) return undefined;
    // Text has begun, in which nothing is reasoning any more.
    this.settled = true;
    return { grammar: undefined, again: false };
  }

  #think(): Opening | undefined {
    this.#left -= 1;
    const close = this.#options.markup.sign((this.#markers as ReasoningMarkers).close);
    const end = this.#trace.text.indexOf(close, this.#from);
    if (end !== -1) {
      this.#enter("outside", end + close.length);
      return { grammar: this.#outside(), again: false };
    }
    return this.#left > 0 ? undefined : { grammar: this.#force(), again: false };
  }

  #force(): ActiveGrammar {
    const { family, vocabulary } = this.#options;
    const { channels, afterReasoning = "" } = family;
    const header = channels === undefined ? "" : `${afterReasoning}${channels.open}`;
    const text = closingText(this.#markers as ReasoningMarkers) + header;
    this.#closing = vocabulary.tokenize(text, { parseSpecial: true });
    this.#enter("closing");
    return { banned: [], forced: this.#closing[0] as number };
  }

  #close(): Opening {
    this.#closing.shift();
    const [forced] = this.#closing;
    if (forced !== undefined) return { grammar: { banned: [], forced }, again: false };
    const { markup, native, family } = this.#options;
    const { channels } = family;
    if (channels === undefined) {
      this.#enter("outside");
      return { grammar: this.#outside(), again: false };
    }
    this.#enter("header");
    const names = channels.others.map((name) => gbnfMarkup(name, markup)).join(" | ");
    const state = native.createGrammarState(`root ::= ( ${names} ) [^\\x00]*`);
    return { grammar: { state, banned: [] }, again: false };
  }

  /** Waits for the name of the channel that takes the place of reasoning. */
  #name(): Opening | undefined {
    const text = this.#trace.text.slice(this.#from);
    const { markup, family } = this.#options;
    const others = family.channels?.others ?? [];
    if (!others.some((name) => text.startsWith(markup.sign(name)))) return undefined;
    this.#enter("outside");
    return { grammar: undefined, again: false };
  }

  /** Outside of reasoning no token may begin another one when the budget is used up. */
  #outside(): ActiveGrammar | undefined {
    const banned = this.#left > 0 || this.#options.family.channels !== undefined ? [] : this.#options.openTokens;
    return banned.length === 0 ? undefined : { banned };
  }

  #enter(phase: Phase, from = this.#trace.text.length): void {
    this.#phase = phase;
    this.#from = from;
  }
}

/** Asks two gates: the second one's grammar, once it is active, takes the place of all that the first would do. */
export class GatePair implements GrammarGate {
  readonly #first: GrammarGate;
  readonly #second: GrammarGate;
  settled = false;

  constructor(first: GrammarGate, second: GrammarGate) {
    this.#first = first;
    this.#second = second;
  }

  next(token: number): Opening | undefined {
    const opened = this.#second.settled ? undefined : this.#second.next(token);
    if (opened !== undefined) {
      this.settled = this.#second.settled;
      return opened;
    }
    const changed = this.#first.settled ? undefined : this.#first.next(token);
    this.settled = this.#first.settled && this.#second.settled;
    return changed;
  }
}
