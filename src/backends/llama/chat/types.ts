// The types of chats: what a family of models writes, what a rendered prompt is made of, what the output parser yields, and the plan
// of a request. No implementation.
import type { ToolDefinition } from "../../../domain/chat.ts";
import type { JsonSchema } from "../../../domain/sampling.ts";
import type { WrittenOrder } from "../../../util/written-order.ts";
import type { MarkupTokens } from "../tokens/markup-tokens.ts";
import type { ToolCallShape } from "./tool-call-shape.ts";

// --- prompts ---

/**
 * A stretch of the rendered prompt. `special` text may hold control tokens, which the template wrote: it is tokenised with special
 * tokens parsed. `plain` text may spell control tokens with callers' characters: it is tokenised without.
 */
export interface PromptPiece {
  readonly kind: "special" | "plain";
  readonly text: string;
  /**
   * Offsets into `text` (ascending, within it) where a caller's spelling of a control token has to be cut when the tokenizer
   * recognises user-defined tokens even without special parsing, as llama.cpp does. Empty for `special`.
   */
  readonly cuts: readonly number[];
}

/** A token of the vocabulary that callers must not be able to write. */
export interface ControlToken {
  readonly id: number;
  readonly text: string;
  /** The tokenizer drops white space to this side of the token (llama.cpp's LSTRIP and RSTRIP). @default false */
  readonly stripsLeft?: boolean;
  readonly stripsRight?: boolean;
}

/** How one piece of a prompt is to be tokenised. */
export interface PieceOptions {
  /** The text of a control token becomes that token. */
  readonly parseSpecial: boolean;
  /** Tokens of the prompt so far. */
  readonly used: number;
}

/** The model's tokenizer, as far as prompts need it. */
export interface PromptTokenizer {
  /** Adds no BOS and no EOS. */
  tokenize(text: string, options: PieceOptions): readonly number[] | Promise<readonly number[]>;
  readonly controlTokens: readonly ControlToken[];
  /** BOS goes before a prompt that does not begin with it already. */
  readonly addBos: boolean;
  /** Left out = the vocabulary has none. */
  readonly bosId?: number;
}

/** A chat rendered through a template. */
export interface RenderedPrompt {
  readonly pieces: readonly PromptPiece[];
  /** The whole text as the template and the callers wrote it; the pieces' texts concatenate to it. */
  readonly text: string;
  /** What was changed for the template to show the conversation, in words; empty = it was rendered as it was sent. */
  readonly adaptations: readonly string[];
}

export interface RenderOptions {
  /** The time that `strftime_now`, `date_string` and `datetime` give. @default the current time */
  readonly now?: Date;
}

// --- families ---

/** A pair of texts around reasoning. */
export interface ReasoningMarkers {
  readonly open: string;
  readonly close: string;
}

/** The output parser of a family: one for all that are described by markers, and one each for Harmony and Functionary v3.2. */
export type ParserKind = "markers" | "harmony" | "recipient";

/** A format of calls that the parser looks for. */
export interface CallSyntax {
  readonly shape: ToolCallShape;
  /** A call may begin anywhere in the text, or only as the first thing after reasoning and white space. */
  readonly where: "anywhere" | "at-start";
  /** Other spellings of `shape.open`, read but never written. */
  readonly otherOpens?: readonly string[];
}

/**
 * A text that begins a call: a lazy grammar covers the answer from its first character on.
 */
export interface CallTrigger {
  /** `{name}` stands for each tool's name. */
  readonly text: string;
  /** Counts only as the first text that is generated, white space aside. @default false */
  readonly atStart?: boolean;
  /** The end of the prompt that the grammar has to read before `text`. @default "" */
  readonly assumed?: string;
}

/** Reasoning before what a grammar constrains. */
export interface FreePart {
  /** The ways in which it may begin, in one of which the prompt may have begun it. */
  readonly ways: readonly FreePartWay[];
  /** Stands between its end and the grammar's text. */
  readonly between: string;
}

export interface FreePartWay {
  /** The text that begins it; empty = the prompt has begun it already. */
  readonly open: string;
  /** The texts that may end it. */
  readonly ends: readonly string[];
  /** What is written to end it when its budget is used up. */
  readonly closing: string;
}

/** A family of models that write in one format, as data. */
export interface ChatFamily {
  readonly name: string;
  /** The models, for people to read. */
  readonly models: string;
  /** True where a template belongs to the family. The first family to say so is taken (families/families.ts). */
  detect(template: string): boolean;
  readonly parser: ParserKind;
  /** The formats of calls that the parser tries, in this order. */
  readonly calls: readonly CallSyntax[];
  /** The format of calls that a grammar enforces, and in which tool-text.ts shows calls to the model. */
  readonly formatShape: ToolCallShape;
  /** The format that a lazy grammar enforces, which begins with a trigger. @default `formatShape` */
  readonly lazyShape?: ToolCallShape;
  readonly triggers: readonly CallTrigger[];
  readonly reasoning: readonly ReasoningMarkers[];
  /** Markup that the parser leaves out of the answer's text, such as `<|START_RESPONSE|>`. */
  readonly dropped: readonly string[];
  /** Texts that end the answer, beside the vocabulary's end-of-generation tokens. */
  readonly stopTexts: readonly string[];
  /** Markup between the parts of an answer, which the parser reads and a grammar of calls may need. */
  readonly keepTokens: readonly string[];
  /** The model calls tools without having closed its reasoning at times. @default false */
  readonly callsEndReasoning?: boolean;
  /** The header of the message that follows reasoning. @default "" */
  readonly afterReasoning?: string;
  /** Set where each message has a channel, so that reasoning may begin anywhere: a header's beginning, and how those of other channels go on. */
  readonly channels?: { readonly open: string; readonly others: readonly string[] };
  /** The header of an answer's text, which a grammar puts before a constrained text. @default "" */
  readonly textOpen?: string;
  /** Write `textOpen` after the prompt when the text is constrained, so that the text begins at once. @default false */
  readonly opensTextInPrompt?: boolean;
  /** The model's calls end its turn, so that it makes one at a time. @default false */
  readonly callsEndTurn?: boolean;
  /** What the template writes between a turn's text and its calls where they come as two messages, and what the model writes. */
  readonly sameTurn?: { readonly written: string; readonly meant: string };
  /** Names of tools that models call to say that they call none. */
  readonly ignoredNames?: readonly string[];
}

// --- output ---

/** An event of the parser. Calls are numbered from 0; pieces of `tool-call-delta` concatenate to the JSON arguments. */
export type ParsedEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "tool-call-start"; readonly index: number; readonly id: string; readonly name: string }
  | { readonly type: "tool-call-delta"; readonly index: number; readonly arguments: string };

export interface OutputParserOptions {
  readonly family: ChatFamily;
  /** Tools that may be called. Empty = no parsing of tools (`tool_choice: "none"`). */
  readonly tools: readonly ToolDefinition[];
  /** False: the answer ends with its first call; what follows is dropped and {@link OutputParser.done} turns true. */
  readonly parallel: boolean;
  /** The prompt ends inside reasoning. */
  readonly startsInReasoning: boolean;
  /** For constrained text: it goes on to the end, and of Harmony's channels only the final one is text. @default false */
  readonly finalTextOnly?: boolean;
  /** The prompt ends with the header of a text, so that no header or recipient comes first. @default false */
  readonly startsInText?: boolean;
  /** The family's markup that is tokens: their texts, signed, are that markup, and the same characters without a sign are text. @default none */
  readonly markup?: MarkupTokens;
  /** Makes the id of a call. @default `call_` and 24 random letters and digits */
  readonly createId?: (index: number) => string;
}

/**
 * Parses one choice's text as it arrives. However a text is split, its events are the same once neighbouring pieces of one kind are
 * joined. Never throws. What begins like a call and is none (an unknown name, say) is text, verbatim.
 */
export interface OutputParser {
  push(text: string): ParsedEvent[];
  /** `cutOff`: a limit on tokens ended the text, so that even the beginning of a call is not shown as text. */
  end(options?: { readonly cutOff: boolean }): ParsedEvent[];
  /** Nothing that follows counts: generation should stop. */
  readonly done: boolean;
  /** Inside reasoning, where tokens count as reasoning tokens. */
  readonly inReasoning: boolean;
}

// --- plans ---

/** What the answer has to look like from {@link GrammarStart} on. */
export type PlannedGrammar =
  | CallGrammar
  | TextGrammar
  /** `textOpen`, which is not empty, and then `text`. */
  | { readonly type: "headed-text"; readonly textOpen: string; readonly text: TextGrammar }
  /** The model may call, and its text is constrained: either `calls`, or `textOpen` and then `text`. */
  | {
      readonly type: "calls-or-text";
      readonly calls: CallGrammar;
      readonly textOpen: string;
      readonly text: TextGrammar;
    };

/** The place of a tool's schema in the request, for errors. */
export interface SchemaPlace {
  /** `tools[0].parameters` */
  readonly param: string;
  /** `{/tools[0].parameters}`, the beginning of JSON pointers in messages. */
  readonly path: string;
}

export interface CallGrammar {
  readonly type: "tool-calls";
  /** Only these may be called. */
  readonly tools: readonly ToolDefinition[];
  /** One for each of the tools. */
  readonly places: readonly SchemaPlace[];
  readonly parallel: boolean;
  readonly shape: ToolCallShape;
}

export type TextGrammar =
  | { readonly type: "json-object" }
  | {
      readonly type: "json-schema";
      readonly schema: JsonSchema;
      readonly strict: boolean;
      readonly order?: WrittenOrder | undefined;
    }
  | { readonly type: "gbnf"; readonly grammar: string };

/** Where in the answer a planned grammar becomes active. */
export type GrammarStart =
  | { readonly when: "immediately" }
  /** As soon as the generated text contains a trigger; the grammar's text begins with the trigger's. */
  | { readonly when: "after-trigger"; readonly triggers: readonly CallTrigger[] }
  /**
   * Behind a free part: the grammar constrains what follows its end, white space aside. An answer that does not begin with an
   * `open`, white space aside, has no free part: the grammar constrains all of it.
   */
  | ({ readonly when: "after-free-part" } & FreePart);

/** A chat request as it is to be run. */
export interface ChatPlan {
  readonly prompt: RenderedPrompt;
  readonly family: ChatFamily;
  readonly grammar: PlannedGrammar | null;
  readonly grammarStart: GrammarStart;
  readonly parser: OutputParserOptions;
  /** The family's stop texts, beside the request's own: matched on the raw text, never shown. */
  readonly stopTexts: readonly string[];
  /** The reasoning that the prompt ends in; `undefined` = it does not. */
  readonly openReasoning: ReasoningMarkers | undefined;
  /** The beginning of the constrained answer, which the prompt ends with: the last message's, where that is continued. */
  readonly prefilled: string;
}
