// Finds out which messages a chat template supports, by rendering small conversations and looking for their words in the output.
// Reading a template's source would be guessing; what it prints is what the model sees.
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
  /** Calls of earlier assistant turns are shown. */
  readonly toolCalls: boolean;
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
  /** Call ids must be nine letters and digits (Mistral's older templates). */
  readonly nineCharacterIds: boolean;
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

/** Never throws. `fixed` has the variables of every render, such as `bos_token`. */
export function probeTemplate(template: CompiledTemplate, fixed: Conversation): TemplateCapabilities {
  const render: Render = (variables) => {
    try {
      const all = { add_generation_prompt: true, ...fixed, ...variables };
      return template.run({ trusted: all }, { limits: { milliseconds: 2_000 } }).text;
    } catch (error) {
      if (error instanceof TemplateRaisedError || error instanceof TemplateRunError) return null;
      throw error;
    }
  };
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
    ...probeTools(render, { user, content }),
    ...probeReasoning(template.source),
  };
}

/** What stands where the system's words stood, when there are none. */
function hasDefaultSystem(alone: string | null, withSystem: string | null): boolean {
  const [before = "", after = ""] = withSystem?.split("probe_system") ?? [];
  if (alone === null || !alone.startsWith(before) || !alone.endsWith(after)) return false;
  return alone.length > before.length + after.length;
}

function probeTools(
  render: Render,
  { user, content }: { user: unknown; content: (text: string) => unknown },
): Pick<
  TemplateCapabilities,
  | "tools"
  | "toolsVariable"
  | "toolCalls"
  | "parallelToolCalls"
  | "toolRole"
  | "argumentsAs"
  | "emptyContent"
  | "nineCharacterIds"
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
    options: { as?: "object" | "string"; empty?: null | ""; calls?: number; result?: boolean; id?: string } = {},
  ): Conversation => {
    const { as = "object", empty = "", calls = 1, result = true, id = "call0000" } = options;
    const toolCalls = Array.from({ length: calls }, (_, index) => call(index, as, `${id}${index}`));
    const results = toolCalls.map((_, index) => ({
      role: "tool",
      content: content(`probe_result_${index}`),
      tool_call_id: `${id}${index}`,
      name: `probe_tool_${index}`,
    }));
    return {
      messages: [user, { role: "assistant", content: empty, tool_calls: toolCalls }, ...(result ? results : [])],
      tools: TOOLS,
    };
  };
  const usable = (output: string | null): output is string =>
    output !== null &&
    output.includes("probe_tool_0") &&
    output.includes("probe_value_0") &&
    !output.includes("[object ");
  const quotedTwice = (output: string): boolean => output.includes('\\"probe_value_0');

  const objects = [null, ""].map((empty) => render(conversation({ as: "object", empty: empty as null | "" })));
  const strings = [null, ""].map((empty) => render(conversation({ as: "string", empty: empty as null | "" })));
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
  return {
    tools: toolsVariable !== undefined,
    toolsVariable: toolsVariable ?? "tools",
    toolCalls: usable(full) || usable(render(conversation({ ...shape, result: false }))),
    parallelToolCalls: parallel !== null && parallel.includes("probe_value_1"),
    toolRole: full !== null && full.includes("probe_result_0"),
    argumentsAs,
    emptyContent: shape.empty,
    nineCharacterIds: full !== null && render(conversation({ ...shape, id: "call_0000000000" })) === null,
  };
}

function probeReasoning(source: string): Pick<TemplateCapabilities, "reasoningField" | "contentOrReasoning"> {
  const thinking = /\.thinking\b|["']thinking["']\s*(?:\]|in\b)/.test(source) && !source.includes("reasoning_content");
  return {
    reasoningField: thinking ? "thinking" : "reasoning_content",
    contentOrReasoning: source.includes("Cannot pass both content and thinking"),
  };
}
