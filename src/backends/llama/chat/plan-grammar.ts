// Plans what the answer of a chat has to look like, and from where on. Pure.
import type { ChatRequest, ToolDefinition } from "../../../domain/chat.ts";
import type { Beginning } from "./prefilled.ts";
import type {
  CallGrammar,
  CallTrigger,
  ChatFamily,
  GrammarStart,
  PlannedGrammar,
  ReasoningMarkers,
  SchemaPlace,
  TextGrammar,
} from "./types.ts";

export interface GrammarContext {
  readonly callable: readonly ToolDefinition[];
  readonly mustCall: boolean;
  readonly family: ChatFamily;
  readonly beginning: Beginning;
  readonly mayThink: boolean;
  /** The prompt ends with the header of a text, or inside one. */
  readonly startsInText: boolean;
}

/**
 * 1. A call that must be made: the tools' grammar, after the reasoning if the model reasons.
 * 2. `response_format`, or a caller's grammar: it holds after the reasoning, so that the model thinks freely and the answer is exact.
 *    Beside tools that may be called the grammar is "a call, or the text".
 * 3. `auto` with a strict tool: a lazy grammar, from a call's first characters on.
 */
export function planGrammar(
  request: ChatRequest,
  context: GrammarContext,
): { readonly grammar: PlannedGrammar | null; readonly grammarStart: GrammarStart } {
  const { callable, mustCall, family, beginning } = context;
  const parallel = request.parallelToolCalls && request.toolChoice.type !== "named";
  const places = callable.map((tool) => placeOf(request.tools.indexOf(tool)));
  const calls: CallGrammar = { type: "tool-calls", tools: callable, places, parallel, shape: family.formatShape };
  if (mustCall) return { grammar: calls, grammarStart: afterReasoning(context) };
  const text = textGrammar(request);
  if (text !== null) {
    const { textOpen = "" } = family;
    // A text that is continued stands behind its header already, where a call is no longer possible.
    const isHeaded = textOpen === "" || context.startsInText || beginning.text !== "";
    const either = callable.length > 0 && (textOpen === "" || !isHeaded);
    const grammar: PlannedGrammar = either
      ? { type: "calls-or-text", calls, textOpen, text }
      : isHeaded
        ? text
        : { type: "headed-text", textOpen, text };
    return { grammar, grammarStart: afterReasoning(context) };
  }
  if (callable.some((tool) => tool.strict)) {
    return {
      grammar: { ...calls, shape: family.lazyShape ?? family.formatShape },
      grammarStart: {
        when: "after-trigger",
        triggers: family.triggers.flatMap((trigger) => expandTrigger(trigger, callable)),
      },
    };
  }
  return { grammar: null, grammarStart: { when: "immediately" } };
}

/** The text that ends reasoning for a model that has not ended it. Models write a closing tag on a line of its own. */
export function closingText({ close }: ReasoningMarkers): string {
  return close.startsWith("</") ? `\n${close}` : close;
}

/** The place of a tool's schema in the request: `index` is among all its tools, of which only some may be callable. */
function placeOf(index: number): SchemaPlace {
  const param = `tools[${index}].parameters`;
  return { param, path: `{/${param}}` };
}

function textGrammar({ constraint }: ChatRequest): TextGrammar | null {
  switch (constraint.type) {
    case "text":
      return null;
    case "json-object":
      return { type: "json-object" };
    case "json-schema":
      return { type: "json-schema", schema: constraint.schema, strict: constraint.strict, order: constraint.order };
    case "grammar":
      return { type: "gbnf", grammar: constraint.grammar };
  }
}

/** The grammar begins behind reasoning where the model may still reason, else at once. */
function afterReasoning({ family, beginning, mayThink, startsInText }: GrammarContext): GrammarStart {
  const { openReasoning, hasThought } = beginning;
  const { reasoning, afterReasoning: between = "" } = family;
  if (openReasoning !== undefined) {
    const ends = reasoning.map(({ close }) => close);
    return { when: "after-free-part", ways: [{ open: "", ends, closing: closingText(openReasoning) }], between };
  }
  if (hasThought || startsInText || !mayThink || reasoning.length === 0) return { when: "immediately" };
  const ways = reasoning.map((markers) => ({
    open: markers.open,
    ends: [markers.close],
    closing: closingText(markers),
  }));
  return { when: "after-free-part", ways, between };
}

function expandTrigger(trigger: CallTrigger, tools: readonly ToolDefinition[]): CallTrigger[] {
  if (!trigger.text.includes("{name}")) return [trigger];
  return tools.map((tool) => ({ ...trigger, text: trigger.text.replace("{name}", () => tool.name) }));
}
