// A chat request of the domain. Each dialect maps its own spelling of a request to this one.
import type { WrittenOrder } from "../util/written-order.ts";
import type { JsonSchema, OutputConstraint, OutputLimits, SamplingOptions } from "./sampling.ts";

export type ContentPart =
  | { readonly type: "text"; readonly text: string }
  /** `url` is a data: URL or an address. A backend without vision refuses the part by name. */
  | { readonly type: "image"; readonly url: string; readonly detail: string }
  | { readonly type: "audio"; readonly base64: string; readonly format: string }
  | { readonly type: "file"; readonly name: string };

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** The arguments as the JSON text that the model wrote. */
  readonly arguments: string;
}

/** `developer` instructions come from the application rather than from its user; the renderer decides what a template makes of them. */
export type ChatMessage =
  | {
      readonly role: "system" | "developer" | "user";
      readonly content: readonly ContentPart[];
      readonly name?: string;
    }
  | {
      readonly role: "assistant";
      /** `null` = no text, only tool calls. */
      readonly content: readonly ContentPart[] | null;
      readonly reasoning?: string;
      readonly refusal?: string;
      readonly toolCalls: readonly ToolCall[];
      readonly name?: string;
    }
  | {
      readonly role: "tool";
      readonly content: readonly ContentPart[];
      readonly toolCallId: string;
      readonly name?: string;
    };

export interface ToolDefinition {
  readonly name: string;
  readonly description?: string;
  /** JSON schema of the arguments; an object without properties where the caller gave none. */
  readonly parameters: JsonSchema;
  /** Of the keys in `parameters`. */
  readonly order?: WrittenOrder;
  /** The arguments must match `parameters` also under the choice `auto`, once a call has begun. */
  readonly strict: boolean;
}

export type ToolChoice =
  | { readonly type: "none" }
  | { readonly type: "auto" }
  | { readonly type: "required" }
  | { readonly type: "named"; readonly name: string }
  | { readonly type: "allowed"; readonly mode: "auto" | "required"; readonly names: readonly string[] };

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice;
  readonly parallelToolCalls: boolean;
  readonly constraint: OutputConstraint;
  readonly sampling: SamplingOptions;
  readonly limits: OutputLimits;
  /** Number of choices to generate. */
  readonly n: number;
  /** `null` = no log-probabilities; else how many alternatives per token, 0..20. */
  readonly topLogprobs: number | null;
  readonly reasoningEffort?: string;
  /** Tokens of reasoning after which it is closed; 0 = none at all. Left out = by the effort, else the model's default. */
  readonly reasoningBudget?: number | "unlimited";
  /** What the answer is to be drawn from, for templates that show it. */
  readonly documents?: readonly Readonly<Record<string, unknown>>[];
  /** Variables for the template; they win over those of the model's configuration. */
  readonly templateKwargs: Readonly<Record<string, unknown>>;
  /** Text that the caller expects in the answer: a hint for speculative decoding. */
  readonly prediction?: string;
  /** Append the header of an assistant turn; false continues the last message (`continue_final_message`). */
  readonly addGenerationPrompt: boolean;
}
