// Finds out which messages a chat template supports, by rendering small conversations and looking for their words in the output.
// Reading a template's source would be guessing; what it prints is what the model sees.
import type { CallIdForm } from "./call-ids.ts";
import { TemplateRaisedError, TemplateRunError, type CompiledTemplate } from "./compiled-template.ts";

/** The messages that a template supports, for callers' messages to be put in that form. */
export interface TemplateCapabilities {
  /** Content as a plain string appears in the output. */
  readonly stringContent: boolean;
  /** Content as a list of `{ type: "text", text }` appears as text. */
  readonly partsContent: boolean;
  readonly systemRole: boolean;
  /** A second system message is accepted and shown. */
  readonly severalSystemMessages: boolean;
  /** The template names the role `developer` and shows its messages. */
  readonly developerRole: boolean;
  /** Without a system message the template writes one of its own. */
  readonly defaultSystem: boolean;
  /** Tool definitions are shown to the model. */
  readonly tools: boolean;
  /** The variable in which the template looks for them. */
  readonly toolsVariable: (typeof TOOL_VARIABLES)[number];
  /** A list, or the list as JSON text, which the template adds to a string of its own. */
  readonly toolsAs: "list" | "text";
  /** The template fails where the variable is missing. */
  readonly requiresTools: boolean;
  /** Calls of earlier assistant turns are shown. */
  readonly toolCalls: boolean;
  /** What a turn says is shown with its calls, and before them. */
  readonly textBesideCalls: boolean;
  /** More than one call of one turn is shown. */
  readonly parallelToolCalls: boolean;
  /** Results of tools are shown. */
  readonly toolRole: boolean;
  /** The form of the arguments of earlier calls: an object, or JSON text. */
  readonly argumentsAs: "object" | "string";
  /** The value of absent content beside calls. */
  readonly emptyContent: null | "";
  /** The field with the reasoning of earlier turns. */
  readonly reasoningField: "reasoning_content" | "thinking";
  /** Beside calls there may be content or reasoning, not both (gpt-oss). */
  readonly contentOrReasoning: boolean;
  readonly callIds: CallIdForm;
}

/** Names under which published templates know tools. */
const TOOL_VARIABLES = ["tools", "functions", "available_tools", "xml_tools"] as const;

type Conversation = Readonly<Record<string, unknown>>;
type Render = (variables: Conversation) => string | null;

const USER = { role: "user", content: "probe_user" };
const TOOLS = [
  {
    type: "function",
    function: {
      name: "probe_tool",
      description: "probe_description",
      parameters: {
        type: "object",
        properties: { probe_key: { type: "string", description: "probe_text" } },
        required: ["probe_key"],
      },
    },
  },
];

export interface ProbeOptions {
  /** Variables of every render, such as `bos_token`. */
  readonly fixed: Conversation;
  /** The family's calls are known by `functions.name:0`. */
  readonly numbersCalls: boolean;
}

/** Never throws. */
export function probeTemplate(template: CompiledTemplate, { fixed, numbersCalls }: ProbeOptions): TemplateCapabilities {
  let needed: Conversation = {};
  const render: Render = (variables) => {
    try {
      const all = { add_generation_prompt: true, ...fixed, ...needed, ...variables };
      return template.run({ trusted: all }, { limits: { milliseconds: 2_000 } }).text;
    } catch (error) {
      if (error instanceof TemplateRaisedError || error instanceof TemplateRunError) return null;
      throw error;
    }
  };
  const required = findRequired(render);
  if (required !== undefined) needed = { [required.name]: required.none };
  const shows = (variables: Conversation, ...words: string[]): boolean => {
    const output = render(variables);
    return output !== null && words.every((word) => output.includes(word));
  };

  const stringContent = shows({ messages: [USER] }, "probe_user");
  const asParts = render({ messages: [{ role: "user", content: [{ type: "text", text: "probe_user" }] }] });
  const partsContent = asParts !== null && asParts.includes("probe_user") && !/["']type["']|\[object /.test(asParts);
  const content = (text: string): unknown => (stringContent || !partsContent ? text : [{ type: "text", text }]);
  const user = { role: "user", content: content("probe_user") };
  const system = { role: "system", content: content("probe_system") };

  const systemRole = shows({ messages: [system, user] }, "probe_system");
  const severalSystemMessages =
    systemRole &&
    shows(
      { messages: [system, { role: "system", content: content("probe_second") }, user] },
      "probe_system",
      "probe_second",
    );
  const developerRole =
    /["']developer["']/.test(template.source) &&
    shows({ messages: [{ role: "developer", content: content("probe_developer") }, user] }, "probe_developer");
  return {
    stringContent: stringContent || !partsContent,
    partsContent,
    systemRole,
    severalSystemMessages,
    developerRole,
    defaultSystem: systemRole && hasDefaultSystem(render({ messages: [user] }), render({ messages: [system, user] })),
    ...probeTools(render, { user, content, numbersCalls }),
    ...(required?.none === NO_TOOLS_TEXT ? { tools: true, toolsVariable: required.name } : {}),
    toolsAs: required?.none === NO_TOOLS_TEXT ? "text" : "list",
    requiresTools: required !== undefined,
    ...probeReasoning(template.source),
  };
}

/** What a template that takes tools as text gets where there are none. */
export const NO_TOOLS_TEXT = "[]";

/** The variable without which the template fails, and what it takes where there are no tools. */
function findRequired(
  render: Render,
): { readonly name: TemplateCapabilities["toolsVariable"]; readonly none: unknown } | undefined {
  if (render({ messages: [USER] }) !== null) return undefined;
  const possible = TOOL_VARIABLES.flatMap((name) => [[], NO_TOOLS_TEXT].map((none) => ({ name, none })));
  return possible.find(({ name, none }) => render({ messages: [USER], [name]: none }) !== null);
}

/** What stands where the system's words stood, when there are none. */
function hasDefaultSystem(alone: string | null, withSystem: string | null): boolean {
  const [before = "", after = ""] = withSystem?.split("probe_system") ?? [];
  if (alone === null || !alone.startsWith(before) || !alone.endsWith(after)) return false;
  return alone.length > before.length + after.length;
}

function probeTools(
  render: Render,
  { user, content, numbersCalls }: { user: unknown; content: (text: string) => unknown; numbersCalls: boolean },
): Pick<
  TemplateCapabilities,
  | "tools"
  | "toolsVariable"
  | "toolCalls"
  | "textBesideCalls"
  | "parallelToolCalls"
  | "toolRole"
  | "argumentsAs"
  | "emptyContent"
  | "callIds"
> {
  const call = (index: number, as: "object" | "string", id: string): unknown => ({
    id,
    type: "function",
    function: {
      name: `probe_tool_${index}`,
      arguments: as === "object" ? { probe_key: `probe_value_${index}` } : `{"probe_key": "probe_value_${index}"}`,
    },
  });
  const conversation = (
    options: {
      as?: "object" | "string";
      empty?: unknown;
      calls?: number;
      result?: boolean;
      id?: string;
      /** Each call in a turn of its own. */
      apart?: boolean;
      /** The calls are text. */
      isText?: boolean;
    } = {},
  ): Conversation => {
    const {
      as = "object",
      empty = "",
      calls = 1,
      result = true,
      id = "call0000",
      apart = false,
      isText = false,
    } = options;
    const turn = (made: readonly unknown[]): unknown => ({ role: "assistant", content: empty, tool_calls: made });
    const idOf = (index: number): string => (numbersCalls ? `functions.probe_tool_${index}:${index}` : `${id}${index}`);
    const asText = { role: "assistant", content: content("probe_text") };
    const toolCalls = Array.from({ length: calls }, (_, index) => call(index, as, idOf(index)));
    const results = toolCalls.map((_, index) => ({
      role: "tool",
      content: content(`probe_result_${index}`),
      tool_call_id: idOf(index),
      name: `probe_tool_${index}`,
    }));
    const turns = apart
      ? toolCalls.flatMap((one, index) => [turn([one]), results[index]])
      : [isText ? asText : turn(toolCalls), ...(result ? results : [])];
    return { messages: [user, ...turns], tools: TOOLS };
  };
  const usable = (output: string | null): output is string =>
    output !== null &&
    output.includes("probe_tool_0") &&
    output.includes("probe_value_0") &&
    !output.includes("[object ");
  const quotedTwice = (output: string): boolean => output.includes('\\"probe_value_0');

  const objects = [null, ""].map((empty) => render(conversation({ as: "object", empty })));
  const strings = [null, ""].map((empty) => render(conversation({ as: "string", empty })));
  const argumentsAs =
    !objects.some(usable) && strings.some((output) => usable(output) && !quotedTwice(output)) ? "string" : "object";
  const [withNull, withEmpty] = (argumentsAs === "object" ? objects : strings) as [string | null, string | null];
  // A template that handles absent content itself gets it absent; one that fails on it, or prints a word for it, gets "".
  const countWords = (text: string | null): number => text?.match(/None|null/g)?.length ?? 0;
  const takesNull = usable(withNull) && countWords(withNull) <= countWords(withEmpty);
  const emptyContent = takesNull || !usable(withEmpty) ? null : "";
  const shape = { as: argumentsAs, empty: usable(withNull) ? emptyContent : "" } as const;
  const full = render(conversation(shape));
  const parallel = render(conversation({ ...shape, calls: 2 }));
  const toolsVariable = TOOL_VARIABLES.find((name) =>
    [[user], conversation(shape)["messages"]].some((messages) =>
      /probe_tool(?!_)/.test(render({ messages, [name]: TOOLS }) ?? ""),
    ),
  );
  const callIdForm = (): CallIdForm => {
    if (numbersCalls) {
      const turns = render(conversation({ ...shape, calls: 2, apart: true }));
      return turns?.includes("probe_tool_1:0") === true ? "numbered-per-turn" : "numbered";
    }
    const refusesLongIds = full !== null && render(conversation({ ...shape, id: "call_0000000000" })) === null;
    return refusesLongIds ? "nine-characters" : "any";
  };
  const toolCalls = usable(full) || usable(render(conversation({ ...shape, result: false })));
  const spoken = render(conversation({ ...shape, empty: content("probe_words") }));
  const showsResult = (output: string | null): boolean => output?.includes("probe_result_0") === true;
  return {
    tools: toolsVariable !== undefined,
    toolsVariable: toolsVariable ?? "tools",
    toolCalls,
    textBesideCalls: spoken !== null && /probe_words[^]*probe_value_0/.test(spoken),
    parallelToolCalls: parallel !== null && parallel.includes("probe_value_1"),
    toolRole: showsResult(full) || (!toolCalls && showsResult(render(conversation({ ...shape, isText: true })))),
    argumentsAs,
    emptyContent: shape.empty,
    callIds: callIdForm(),
  };
}

function probeReasoning(source: string): Pick<TemplateCapabilities, "reasoningField" | "contentOrReasoning"> {
  const thinking = /\.thinking\b|["']thinking["']\s*(?:\]|in\b)/.test(source) && !source.includes("reasoning_content");
  return {
    reasoningField: thinking ? "thinking" : "reasoning_content",
    contentOrReasoning: source.includes("Cannot pass both content and thinking"),
  };
}
