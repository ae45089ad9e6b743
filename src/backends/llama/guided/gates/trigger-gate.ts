// The gate (see `GrammarGate`) of a grammar that becomes active with a call's first characters. That place may lie inside a token; the
// grammar then gets the token's first part as a literal before its root rule.
import type { CallTrigger, ReasoningMarkers } from "../../chat/types.ts";
import type { GrammarGate } from "../../engine/sequence.ts";
import { openAt, type GateParts, type Opening } from "./open-grammar.ts";
import { TokenTrace } from "./token-trace.ts";

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
    const { markup } = parts;
    this.#options = {
      ...options,
      triggers: options.triggers.map((trigger) => ({ ...trigger, text: markup.sign(trigger.text) })),
      reasoning: markup.signAll(options.reasoning),
    };
    this.#trace = new TokenTrace(parts.vocabulary, parts.markup);
  }

  next(token: number): Opening | undefined {
    this.#trace.push(token);
    const found = this.#find();
    if (found === undefined) return undefined;
    const { offset, trigger } = found;
    const opening = openAt(this.#parts, { trace: this.#trace, offset, assumed: trigger.assumed ?? "" });
    // A text that only resembles a call's beginning settles nothing: the next trigger may begin one.
    this.settled = opening !== undefined;
    return opening;
  }

  #find(): { readonly offset: number; readonly trigger: CallTrigger } | undefined {
    const { text } = this.#trace;
    let best: { offset: number; trigger: CallTrigger } | undefined;
    for (const trigger of this.#options.triggers) {
      // A trigger that was complete before this token has been asked about already.
      const from = Math.max(0, this.#searchedTo - trigger.text.length + 1);
      const offset = trigger.atStart === true ? startOffset(text, trigger.text) : text.indexOf(trigger.text, from);
      if (offset >= from && (best === undefined || offset < best.offset)) best = { offset, trigger };
    }
    this.#searchedTo = text.length;
    return best === undefined || this.#isReasoning(text.slice(0, best.offset)) ? undefined : best;
  }

  #isReasoning(before: string): boolean {
    const { reasoning, startsInReasoning } = this.#options;
    const opened = Math.max(startsInReasoning ? 0 : -1, ...reasoning.map(({ open }) => before.lastIndexOf(open)));
    return opened > Math.max(-1, ...reasoning.map(({ close }) => before.lastIndexOf(close)));
  }
}

function startOffset(text: string, wanted: string): number {
  const offset = text.length - text.trimStart().length;
  return text.startsWith(wanted, offset) ? offset : -1;
}
