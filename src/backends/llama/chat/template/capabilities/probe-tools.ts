// The part of probing that concerns tools, calls and results.
import { TOOL_VARIABLES, type CallIdForm, type TemplateCapabilities } from "./template-capabilities.ts";

export type Conversation = Readonly<Record<string, unknown>>;
/** What is printed; `null` where the template refuses. */
export type Render = (variables: Conversation) => string | null;

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

export interface ToolProbeOptions {
  readonly user: unknown;
  /** Content in the form that the template takes. */
  readonly content: (text: string) => unknown;
  readonly numbersCalls: boolean;
}

type ToolCapabilities = Pick<
  TemplateCapabilities,
  | "tools"
  | "toolsVariable"
  | "toolCalls"
  | "textBesideCalls"
  | "parallelToolCalls"
  | "toolRole"
  | "responsesInTurn"
  | "argumentsAs"
  | "emptyContent"
  | "callIds"
>;

interface Wanted {
  readonly as?: "object" | "string";
  /** The content beside calls. */
  readonly empty?: unknown;
  readonly calls?: number;
  readonly id?: string;
  /** Each call in a turn of its own; the calls as text; results inside the turn that calls; no results at all. */
  readonly form?: "apart" | "text" | "in turn" | "no results";
}

export function probeTools(render: Render, options: ToolProbeOptions): ToolCapabilities {
  const { user, content, numbersCalls } = options;
  const shown = (wanted: Wanted): string | null => render({ messages: conversation(wanted, options), tools: TOOLS });
  const objects = [null, ""].map((empty) => shown({ as: "object", empty }));
  const strings = [null, ""].map((empty) => shown({ as: "string", empty }));
  const isQuotedTwice = (output: string): boolean => output.includes('\\"probe_value_0');
  const argumentsAs =
    !objects.some(isUsable) && strings.some((output) => isUsable(output) && !isQuotedTwice(output))
      ? "string"
      : "object";
  const [withNull = null, withEmpty = null] = argumentsAs === "object" ? objects : strings;
  // A template that handles absent content itself gets it absent; one that fails on it, or prints a word for it, gets "".
  const takesNull = isUsable(withNull) && countNulls(withNull) <= countNulls(withEmpty);
  const emptyContent = isUsable(withNull) && (takesNull || !isUsable(withEmpty)) ? null : "";
  const shape = { as: argumentsAs, empty: emptyContent } as const;
  const full = shown(shape);
  const toolCalls = isUsable(full) || isUsable(shown({ ...shape, form: "no results" }));
  const inTurn = beforeResult(shown({ ...shape, form: "in turn" }));
  const toolsVariable = TOOL_VARIABLES.find((name) =>
    [[user], conversation(shape, options)].some((messages) =>
      /probe_tool(?!_)/.test(render({ messages, [name]: TOOLS }) ?? ""),
    ),
  );
  const callIdForm = (): CallIdForm => {
    if (numbersCalls) {
      const turns = shown({ ...shape, calls: 2, form: "apart" });
      return turns?.includes("probe_tool_1:0") === true ? "numbered-per-turn" : "numbered";
    }
    return full !== null && shown({ ...shape, id: "call_0000000000" }) === null ? "nine-characters" : "any";
  };
  return {
    tools: toolsVariable !== undefined,
    toolsVariable: toolsVariable ?? "tools",
    toolCalls,
    textBesideCalls: /probe_words[^]*probe_value_0/.test(shown({ ...shape, empty: content("probe_words") }) ?? ""),
    parallelToolCalls: shown({ ...shape, calls: 2 })?.includes("probe_value_1") === true,
    toolRole: showsResult(full) || (!toolCalls && showsResult(shown({ ...shape, form: "text" }))),
    responsesInTurn: inTurn !== undefined && inTurn !== beforeResult(full),
    argumentsAs,
    emptyContent,
    callIds: callIdForm(),
  };
}

/** Calls of one or several tools, and their results. */
function conversation(wanted: Wanted, { user, content, numbersCalls }: ToolProbeOptions): readonly unknown[] {
  const { as = "object", empty = "", calls = 1, id = "call0000", form } = wanted;
  const indexes = Array.from({ length: calls }, (_, index) => index);
  const idOf = (index: number): string => (numbersCalls ? `functions.probe_tool_${index}:${index}` : `${id}${index}`);
  const toolCalls = indexes.map((index) => {
    const value = `probe_value_${index}`;
    const made = as === "object" ? { probe_key: value } : `{"probe_key": "${value}"}`;
    return { id: idOf(index), type: "function", function: { name: `probe_tool_${index}`, arguments: made } };
  });
  const results = indexes.map((index) => ({
    role: "tool",
    content: content(`probe_result_${index}`),
    tool_call_id: idOf(index),
    name: `probe_tool_${index}`,
  }));
  const turn = (made: readonly unknown[]): object => ({ role: "assistant", content: empty, tool_calls: made });
  switch (form) {
    case "apart":
      return [user, ...toolCalls.flatMap((call, index) => [turn([call]), results[index]])];
    case "text":
      return [user, { role: "assistant", content: content("probe_text") }, ...results];
    case "in turn": {
      const responses = results.map(({ name, content: response }) => ({ name, response }));
      return [user, { ...turn(toolCalls), tool_responses: responses }];
    }
    case "no results":
      return [user, turn(toolCalls)];
    default:
      return [user, turn(toolCalls), ...results];
  }
}

function isUsable(output: string | null): output is string {
  return (
    output !== null &&
    output.includes("probe_tool_0") &&
    output.includes("probe_value_0") &&
    !output.includes("[object ")
  );
}

function countNulls(text: string | null): number {
  return text?.match(/None|null/g)?.length ?? 0;
}

function showsResult(output: string | null): boolean {
  return output?.includes("probe_result_0") === true;
}

/** What stands between a call and its result. */
function beforeResult(output: string | null): string | undefined {
  return /probe_value_0([^]*)probe_result_0/.exec(output ?? "")?.[1];
}
