// What a chat template supports, for callers' messages to be put in that form. No implementation.

/** Names under which published templates know tools. */
export const TOOL_VARIABLES = ["tools", "functions", "available_tools", "xml_tools"] as const;

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
  /** Documents, as the variable `documents`, are shown to the model. */
  readonly documents: boolean;
  /** Calls of earlier assistant turns are shown. */
  readonly toolCalls: boolean;
  /** What a turn says is shown with its calls, and before them. */
  readonly textBesideCalls: boolean;
  /** More than one call of one turn is shown. */
  readonly parallelToolCalls: boolean;
  /** Results of tools are shown. */
  readonly toolRole: boolean;
  /** Results belong to the turn that called, as its `tool_responses`: the template writes them otherwise there. */
  readonly responsesInTurn: boolean;
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

/**
 * `nine-characters`: letters and digits (Mistral's older templates). `numbered`: `functions.name:0`, the number counting all calls of
 * the conversation (Kimi K2); `numbered-per-turn`: the number begins anew with each turn, since the template makes the calls' ids so.
 */
export type CallIdForm = "any" | "nine-characters" | "numbered" | "numbered-per-turn";

/** What a template that takes tools as text gets where there are none. */
export const NO_TOOLS_TEXT = "[]";
