// Finds out which messages a chat template supports, by rendering small conversations and looking for their words in the output.
// Reading a template's source would be guessing; what it prints is what the model sees.
import { TemplateRaisedError, TemplateRunError, type CompiledTemplate } from "../compiled-template.ts";
import { probeTools, type Conversation, type Render } from "./probe-tools.ts";
import { NO_TOOLS_TEXT, TOOL_VARIABLES, type TemplateCapabilities } from "./template-capabilities.ts";

const USER = { role: "user", content: "probe_user" };
/** With the fields that published templates know. */
const DOCUMENTS = [{ doc_id: "0", title: "probe_title", text: "probe_document", snippet: "probe_document" }];

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
    documents: shows({ messages: [user], documents: DOCUMENTS }, "probe_document"),
    ...probeReasoning(template.source),
  };
}

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

function probeReasoning(source: string): Pick<TemplateCapabilities, "reasoningField" | "contentOrReasoning"> {
  const thinking = /\.thinking\b|["']thinking["']\s*(?:\]|in\b)/.test(source) && !source.includes("reasoning_content");
  return {
    reasoningField: thinking ? "thinking" : "reasoning_content",
    contentOrReasoning: source.includes("Cannot pass both content and thinking"),
  };
}
