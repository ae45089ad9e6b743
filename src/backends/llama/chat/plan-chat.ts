// Plans a chat request: the prompt, what the answer has to look like and from where on, and how to parse it. Pure:
// generate/chat.ts tokenises the prompt, compiles the grammar and submits both to the engine.
import type { ChatRequest, ToolDefinition } from "../../../domain/chat.ts";
import { ServerError } from "../../../domain/errors.ts";
import type { ChatTemplate } from "./template/chat-template.ts";
import { shownTools } from "./template/template-messages.ts";
import type {
  CallGrammar,
  CallTrigger,
  ChatFamily,
  ChatPlan,
  FreePart,
  GrammarStart,
  PlannedGrammar,
  RenderedPrompt,
  RenderOptions,
  SchemaPlace,
  TextGrammar,
} from "./types.ts";

/**
 * Plans one request.
 *
 * 1. The prompt is rendered; whether it ends inside reasoning is read off its end.
 * 2. Which tools may be called, and whether one must be.
 * 3. The grammar:
 *    3.1 a call that must be made: the tools' grammar, after the reasoning if the model reasons;
 *    3.2 `response_format`, or a caller's grammar: it holds after the reasoning, so that the model thinks freely and the answer
 *        is exact. Beside tools that may be called the grammar is "a call, or the text"; a caller's own grammar is refused there;
 *    3.3 `auto` with a strict tool: a lazy grammar, from a call's first characters on.
 *
 * @throws ServerError as rendering does; `invalid_value` for a named tool that is not there, and for a required call without a tool;
 *   `unsupported_value` for a caller's grammar beside callable tools
 */
export function planChat(request: ChatRequest, template: ChatTemplate, options: RenderOptions = {}): ChatPlan {
  const { family } = template;
  const constrained = request.constraint.type !== "text";
  const { callable, mustCall } = chooseTools(request);
  if (request.constraint.type === "grammar" && callable.length > 0) {
    throw new ServerError("unsupported_value", {
      message:
        'A grammar cannot be combined with tools that may be called; send {toolChoice} "none", or leave one out.',
      param: "constraint.grammar",
    });
  }
  const rendered = template.render(request, options);
  const headed =
    constrained && callable.length === 0 && request.addGenerationPrompt && family.opensTextInPrompt === true;
  const header = headed ? (family.textOpen ?? "") : "";
  const prompt = header === "" ? rendered : withHeader(rendered, header);
  const startsInReasoning = endsInReasoning(rendered.text, family);
  const { grammar, grammarStart } = planGrammar(request, { callable, mustCall, family, startsInReasoning });
  return {
    prompt,
    family,
    grammar,
    grammarStart,
    parser: {
      family,
      tools: callable,
      parallel: request.parallelToolCalls,
      startsInReasoning,
      ...(constrained ? { finalTextOnly: true } : {}),
      ...(header !== "" || startsInText(request, rendered, family) ? { startsInText: true } : {}),
    },
    stopTexts: family.stopTexts,
    keepTokens: family.keepTokens,
    startsInReasoning,
    request,
  };
}

/** The tools that may be called, and whether one must be. */
function chooseTools(request: ChatRequest): {
  readonly callable: readonly ToolDefinition[];
  readonly mustCall: boolean;
} {
  const { toolChoice } = request;
  const tools = shownTools(request);
  if (toolChoice.type === "none") return { callable: [], mustCall: false };
  if (toolChoice.type === "auto") return { callable: tools, mustCall: false };
  if (toolChoice.type === "named") {
    const callable = tools.filter((tool) => tool.name === toolChoice.name);
    if (callable.length > 0) return { callable, mustCall: true };
    throw new ServerError("invalid_value", {
      message: `{toolChoice} names the tool "${toolChoice.name}", which is not among the tools.`,
      param: "toolChoice",
    });
  }
  const mustCall = toolChoice.type === "required" || toolChoice.mode === "required";
  if (mustCall && tools.length === 0) {
    throw new ServerError("invalid_value", {
      message: "{toolChoice} requires a call, but there is no tool that may be called.",
      param: "toolChoice",
    });
  }
  return { callable: tools, mustCall };
}

interface GrammarContext {
  readonly callable: readonly ToolDefinition[];
  readonly mustCall: boolean;
  readonly family: ChatFamily;
  readonly startsInReasoning: boolean;
}

function planGrammar(
  request: ChatRequest,
  context: GrammarContext,
): { readonly grammar: PlannedGrammar | null; readonly grammarStart: GrammarStart } {
  const { callable, mustCall, family } = context;
  const parallel = request.parallelToolCalls && request.toolChoice.type !== "named";
  const places = callable.map((tool) => placeOf(request.tools.indexOf(tool)));
  const calls: CallGrammar = { type: "tool-calls", tools: callable, places, parallel, shape: family.formatShape };
  const text = textGrammar(request);
  const either = callable.length > 0 && text !== null && !mustCall;
  if (mustCall || either) {
    return {
      grammar: either ? { type: "calls-or-text", calls, textOpen: family.textOpen ?? "", text } : calls,
      grammarStart: afterFreePart(family.freeBeforeCall, context),
    };
  }
  if (text !== null) return { grammar: text, grammarStart: afterFreePart(family.freeBeforeText, context) };
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

/** The grammar begins behind the family's own free part, else behind its reasoning, else at once. */
function afterFreePart(own: FreePart | undefined, { family, startsInReasoning }: GrammarContext): GrammarStart {
  const ends = family.reasoning.map(({ close }) => close);
  if (startsInReasoning) return { when: "after-free-part", opens: [], ends: own?.ends ?? ends };
  if (own !== undefined) return { when: "after-free-part", ...own };
  if (family.reasoning.length === 0) return { when: "immediately" };
  return { when: "after-free-part", opens: family.reasoning.map(({ open }) => open), ends };
}

function expandTrigger(trigger: CallTrigger, tools: readonly ToolDefinition[]): CallTrigger[] {
  if (!trigger.text.includes("{name}")) return [trigger];
  return tools.map((tool) => ({ ...trigger, text: trigger.text.replace("{name}", () => tool.name) }));
}

/** True where the prompt ends with the text that opens reasoning, as the generation prompt of some models does. */
function endsInReasoning(prompt: string, family: ChatFamily): boolean {
  const end = prompt.trimEnd();
  return family.reasoning.some(({ open }) => end.endsWith(open));
}

/** True where the answer continues a text, so that no recipient or channel comes first. */
function startsInText(request: ChatRequest, prompt: RenderedPrompt, family: ChatFamily): boolean {
  if (family.parser === "markers") return false;
  if (family.parser === "recipient") return !prompt.text.endsWith(">>>");
  return !request.addGenerationPrompt && request.messages.at(-1)?.role === "assistant";
}

function withHeader(prompt: RenderedPrompt, header: string): RenderedPrompt {
  return { pieces: [...prompt.pieces, { kind: "special", text: header, cuts: [] }], text: prompt.text + header };
}
