// Guides a chat's answer: what constrains its tokens, where that begins, and how long the model may think before.
import { ServerError } from "../../../domain/errors.ts";
import type {
  CallTrigger,
  ChatFamily,
  ChatPlan,
  FreePart,
  GrammarStart,
  PlannedGrammar,
  ReasoningMarkers,
} from "../chat/types.ts";
import type { SequenceRequest } from "../engine/sequence.ts";
import type { NativeGrammarState } from "../native/binding.ts";
import { bannedInside, bannedUnder, type ControlText } from "../guided/banned-tokens.ts";
import { FreePartGate, freePartGrammar } from "../guided/gates/free-part-gate.ts";
import { acceptText, type GateParts } from "../guided/gates/open-grammar.ts";
import { GatePair, ThinkingGate } from "../guided/gates/thinking-gate.ts";
import { TriggerGate } from "../guided/gates/trigger-gate.ts";
import type { MarkupTokens } from "../tokens/markup-tokens.ts";
import type { TextModel } from "./text-model.ts";

/** What guides one choice. */
export type Guide = Pick<SequenceRequest, "grammar" | "gate">;

export interface GuideQuestion {
  readonly plan: ChatPlan;
  readonly markup: MarkupTokens;
  /** The source of the model's template. */
  readonly template: string;
  /** Tokens that the model may think; `undefined` = no limit. */
  readonly budget: number | undefined;
  /** Index of the request's last message, for errors. */
  readonly lastMessage: number;
  readonly signal: AbortSignal;
  /** Takes what is not enforced of the schemas. */
  readonly warnings: string[];
}

/**
 * Compiles the grammar, or refuses it, before the request is accepted. The function returned makes a fresh guide for each choice.
 * @throws ServerError as the compiler does; `invalid_value` for a last message that is no beginning of what the grammar allows
 */
export async function guideChat(model: TextModel, question: GuideQuestion): Promise<() => Guide> {
  const { plan, markup, signal } = question;
  const { family, grammar: planned } = plan;
  const { native, vocabulary, endTokens } = model;
  const controlTokens = findControlTokens(model, family);
  const knows = createKnowledge(model, question.template);
  const thinking = guideThinking(
    model,
    question,
    family.reasoning.filter(({ open }) => knows(open)),
  );
  if (planned === null) return thinking;
  const { grammar, ...compiled } = await model.grammars.compile(
    { type: "planned", planned, markup: markup.all },
    signal,
  );
  question.warnings.push(...compiled.warnings);
  const callers = callersGrammar(planned);
  const isCallers = callers !== undefined;
  const openings = isCallers ? bannedOpenings(model, { callers, family }) : [];
  const banned = [...bannedUnder(grammar, { controlTokens, callers }), ...openings];
  const parts: GateParts = { native, vocabulary, markup, grammar, banned };
  const start = withPossibleWays(plan.grammarStart, knows);
  switch (start.when) {
    case "immediately": {
      const create = model.stateFactory({ text: grammar, isCallers });
      const createRead = (): NativeGrammarState => readPrefilled(create(), { model, question });
      let first: NativeGrammarState | undefined = createRead();
      return () => {
        const state = first ?? createRead();
        first = undefined;
        return { grammar: { state, banned } };
      };
    }
    case "after-trigger": {
      model.stateFactory({ text: grammar, isCallers });
      const { triggers } = start;
      const begun = findTrigger(plan.prefilled, triggers);
      if (begun !== undefined) {
        const readBegun = (): NativeGrammarState | undefined => {
          const state = native.createGrammarState(grammar);
          const text = `${begun.trigger.assumed ?? ""}${plan.prefilled.slice(begun.offset)}`;
          return acceptText({ native, vocabulary, markup, state }, text) === undefined ? state : undefined;
        };
        // What only resembles a call's beginning is text, behind which a call may still begin.
        if (readBegun() !== undefined) return () => ({ grammar: { state: readBegun() as NativeGrammarState, banned } });
      }
      const startsInReasoning = plan.openReasoning !== undefined;
      const options = { triggers, reasoning: family.reasoning, startsInReasoning };
      return () => {
        const gate = new TriggerGate(parts, options);
        const first = thinking();
        return { ...first, gate: first.gate === undefined ? gate : new GatePair(first.gate, gate) };
      };
    }
    case "after-free-part": {
      const free = freePartGrammar(grammar, { free: start, markup });
      const create = model.stateFactory({ text: free?.grammar ?? grammar, isCallers, rootRule: free?.rootRule });
      const inside = [...endTokens, ...bannedInside(start, { controlTokens, family })];
      const before = free === undefined ? [] : bannedUnder(free.grammar, { controlTokens, callers });
      return () => {
        const state = free === undefined ? undefined : create();
        const options = { free: start, bannedInside: inside, budget: question.budget, start: state };
        const gate = new FreePartGate(parts, options);
        return { grammar: gate.first(before), gate };
      };
    }
  }
}

/** Guides an answer whose text is free: by nothing, unless there is a limit on its reasoning. */
function guideThinking(
  { native, vocabulary, specialTokens }: TextModel,
  { plan, markup, budget }: GuideQuestion,
  reasoning: readonly ReasoningMarkers[],
): () => Guide {
  const { family, openReasoning, prefilled } = plan;
  if (budget === undefined || prefilled !== "" || plan.parser.startsInText === true) return () => ({});
  if (reasoning.length === 0 && openReasoning === undefined) return () => ({});
  const openTokens = specialTokens
    .filter(({ text }) => reasoning.some(({ open }) => open === text))
    .map(({ id }) => id);
  return () => {
    const gate = new ThinkingGate({ native, vocabulary, markup, reasoning, family, openReasoning, openTokens, budget });
    const grammar = gate.first();
    return { ...(grammar === undefined ? {} : { grammar }), gate };
  };
}

/**
 * Advances a grammar over the part of the answer that the prompt holds.
 * @throws ServerError `invalid_value` where that part is no beginning of what the grammar allows
 */
function readPrefilled(
  state: NativeGrammarState,
  { model, question }: { readonly model: TextModel; readonly question: GuideQuestion },
): NativeGrammarState {
  const { plan, markup, lastMessage } = question;
  const { native, vocabulary } = model;
  const offset = acceptText({ native, vocabulary, markup, state }, plan.prefilled);
  if (offset === undefined) return state;
  const constraint = plan.grammar?.type === "tool-calls" ? "{toolChoice}" : "{constraint}";
  const shown = JSON.stringify(plan.prefilled.slice(offset, offset + 20));
  throw new ServerError("invalid_value", {
    message:
      `The last message cannot be continued: it is not the beginning of an answer that ${constraint} allows ` +
      `(from character ${offset} on, ${shown}). Please correct it, or leave it out.`,
    param: `messages[${lastMessage}].content`,
  });
}

/** The first trigger of a call in the part of the answer that the prompt holds. */
function findTrigger(
  text: string,
  triggers: readonly CallTrigger[],
): { readonly offset: number; readonly trigger: CallTrigger } | undefined {
  let best: { offset: number; trigger: CallTrigger } | undefined;
  for (const trigger of triggers) {
    const offset = text.indexOf(trigger.text);
    if (offset === -1 || (trigger.atStart === true && offset > 0)) continue;
    if (best === undefined || offset < best.offset) best = { offset, trigger };
  }
  return best;
}

/**
 * Leaves out ways to reason that this model does not know. Not every model of a family reasons: one whose template and vocabulary
 * have no `<think>` could write it by accident, and the answer that the grammar enforces would never begin.
 */
function withPossibleWays(start: GrammarStart, knows: (text: string) => boolean): GrammarStart {
  if (start.when !== "after-free-part") return start;
  const ways: FreePart["ways"] = start.ways.filter(({ open }) => open === "" || knows(open));
  return ways.length === 0 ? { when: "immediately" } : { ...start, ways };
}

/** Tells whether the model knows a piece of markup: its template writes it, or its parts are tokens. */
function createKnowledge({ specialTokens }: TextModel, template: string): (text: string) => boolean {
  const texts = new Set(specialTokens.map(({ text }) => text));
  return (text) => {
    const marks = text.match(/<[^<>]+>|\[[^[\]]+\]/g) ?? [];
    return template.includes(text) || (marks.length > 0 && marks.every((mark) => texts.has(mark)));
  };
}

/**
 * Tokens that no text may hold. llama.cpp makes user-defined tokens of the marks between Harmony's messages; a text that held one
 * would end there.
 */
function findControlTokens(model: TextModel, { channels, keepTokens }: ChatFamily): readonly ControlText[] {
  if (channels === undefined) return model.controlTokens;
  const marks = new Set(keepTokens);
  const isMark = ({ id, text }: ControlText): boolean => marks.has(text) && !model.vocabulary.isEndOfGeneration(id);
  return [...model.controlTokens, ...model.specialTokens.filter((token) => !token.isControl && isMark(token))];
}

/** Tokens that would open reasoning where only the answer may come: a caller's grammar may allow their characters. */
function bannedOpenings(
  { specialTokens }: TextModel,
  { callers, family }: { readonly callers: string; readonly family: ChatFamily },
): number[] {
  return specialTokens
    .filter(({ text }) => family.reasoning.some(({ open }) => open === text) && !callers.includes(text))
    .map(({ id }) => id);
}

function callersGrammar(planned: PlannedGrammar): string | undefined {
  const text = planned.type === "headed-text" ? planned.text : planned;
  return text.type === "gbnf" ? text.grammar : undefined;
}
