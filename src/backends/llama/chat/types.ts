// The vocabulary of the chat room: what a family of models writes, what a rendered prompt is made of, and what the output
// parser answers. The engine and the grammar compiler code against this file; it holds no implementation.
import type { ChatRequest, ToolDefinition } from "../../../domain/chat.ts";
import type { JsonSchema } from "../../../domain/sampling.ts";

// --- prompts ---

/**
 * A stretch of the rendered prompt. `special` text was written by the template and may hold control tokens: tokenise it with
 * special tokens parsed. `plain` text holds characters of callers that spell a control token: tokenise it without.
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

/** The model's tokenizer as far as prompts need it. `tokenize` adds no BOS and no EOS. */
export interface PromptTokenizer {
  tokenize(text: string, options: PieceOptions): readonly number[] | Promise<readonly number[]>;
  readonly controlTokens: readonly ControlToken[];
  /** Put BOS before the prompt when the prompt does not begin with it already. */
  readonly addBos: boolean;
  /** Left out = the vocabulary has none. */
  readonly bosId?: number;
}

/** A chat rendered through a template. */
export interface RenderedPrompt {
  readonly pieces: readonly PromptPiece[];
  /** The whole text as the template and the callers wrote it; the pieces' texts concatenate to it. */
  readonly text: string;
}

export interface RenderOptions {
  /** What `strftime_now` and `date_string` read. @default the current time */
  readonly now?: Date;
}

// --- families ---

/**
 * How one way of calling tools looks. The grammar compiler writes it from the tools' schemas, the parser reads it.
 * White space in `open`, `separator` and `close` is what the model writes; the parser also accepts other white space there.
 */
export type ToolCallShape =
  /**
   * `open` + `{"<nameKey>": "name", "<argumentsKey>": {…}}` + `close`, calls joined by `separator`.
   * `list`: one `open` and `close` around a JSON array of such objects.
   */
  | {
      readonly kind: "json";
      readonly open: string;
      readonly close: string;
      readonly separator: string;
      readonly list: boolean;
      readonly nameKey: string;
      readonly argumentsKey: string;
      /** Key whose value is an id of the call: before the name. Written by the model, ignored by us. */
      readonly idKey?: { readonly key: string; readonly position: "first" | "last"; readonly example: string };
    }
  /** `open` + `beforeEach` + name + `beforeArguments` + `{…}` + `afterEach`, repeated from `beforeEach` on with `separator`, then `close`. */
  | {
      readonly kind: "named-json";
      readonly open: string;
      readonly beforeEach: string;
      readonly beforeArguments: string;
      readonly afterEach: string;
      readonly separator: string;
      readonly close: string;
      /** Between name and `beforeArguments` some models write this and an id: read and dropped, never written by a grammar. */
      readonly idMarker?: string;
    }
  /** `<tool_call>\n<function=name>\n<parameter=key>\nvalue\n</parameter>\n</function>\n</tool_call>`; strings stand raw, the rest as JSON. */
  | { readonly kind: "xml-parameters"; readonly open: string; readonly close: string; readonly separator: string }
  /** `[name(key="value", other=1), …]` with Python literals, between `open` and `close`. */
  | { readonly kind: "pythonic"; readonly open: string; readonly close: string };

/** A pair of texts around reasoning. */
export interface ReasoningMarkers {
  readonly open: string;
  readonly close: string;
}

/** Which output parser reads a family: the marker parser (everything data-driven), or one of the two channel formats. */
export type ParserKind = "markers" | "harmony" | "recipient";

/** Where a call may begin: anywhere in the text, or only as the first thing after reasoning and white space. */
export interface CallSyntax {
  readonly shape: ToolCallShape;
  readonly where: "anywhere" | "at-start";
  /** Other spellings of `shape.open`, read but never written. */
  readonly otherOpens?: readonly string[];
}

/**
 * A text that begins a call: a lazy grammar holds from the first character of `text` on. `{name}` stands for each tool's name.
 * `atStart`: only as the first thing generated, the prompt having ended with `assumed`, which the grammar wants first.
 */
export interface CallTrigger {
  readonly text: string;
  readonly atStart?: boolean;
  readonly assumed?: string;
}

/** A part of the answer that no grammar holds for: see {@link GrammarStart}. */
export interface FreePart {
  readonly opens: readonly string[];
  readonly ends: readonly string[];
}

/** A family of models that answer in one format. All data: one file per family. */
export interface ChatFamily {
  readonly name: string;
  /** Shown to people: which models. */
  readonly models: string;
  /** Does this template belong to the family? Families are asked in order. */
  detect(template: string): boolean;
  readonly parser: ParserKind;
  /** Ways of calling that the parser reads, in the order in which they are tried. */
  readonly calls: readonly CallSyntax[];
  /** The shape that a grammar writes which holds from the start of the call. */
  readonly formatShape: ToolCallShape;
  /** The shape of a grammar that begins with a trigger. @default `formatShape` */
  readonly lazyShape?: ToolCallShape;
  readonly triggers: readonly CallTrigger[];
  readonly reasoning: readonly ReasoningMarkers[];
  /** Markup that is dropped from the answer's text, such as `<|START_RESPONSE|>`. */
  readonly dropped: readonly string[];
  /** Texts that end the answer, beside the vocabulary's end-of-generation tokens. */
  readonly stopTexts: readonly string[];
  /** Control tokens that the engine must render as text while detokenising, because the parser reads them. */
  readonly keepTokens: readonly string[];
  /** What comes before a constrained text (`response_format`). @default the reasoning */
  readonly freeBeforeText?: FreePart;
  /** What comes before an enforced call. @default the reasoning */
  readonly freeBeforeCall?: FreePart;
  /** What stands before the text of an answer, where a grammar has to write it. */
  readonly textOpen?: string;
  /** Write `textOpen` after the prompt when the text is constrained, so that the text begins at once. @default false */
  readonly opensTextInPrompt?: boolean;
  /** Names of pseudo tools that mean "no call". */
  readonly ignoredNames?: readonly string[];
}

// --- output ---

/** What the parser yields. Calls are numbered from 0; pieces of `tool-call-delta` concatenate to the JSON arguments. */
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
  /** The prompt already opened a reasoning segment. */
  readonly startsInReasoning: boolean;
  /** Only text of the final channel is text; the rest is reasoning. For constrained text. @default false */
  readonly finalTextOnly?: boolean;
  /** The prompt ends with the header of a text, so that no recipient is expected first. @default false */
  readonly startsInText?: boolean;
  /** Makes the id of a call. @default random, in the family's form */
  readonly createId?: (index: number) => string;
}

/**
 * Reads one choice's text as it comes. The events of any splitting of the same text are the same once neighbouring pieces of
 * one kind are joined. Never throws. What begins like a call and is none (an unknown name, broken off before its name) is
 * text, verbatim.
 */
export interface OutputParser {
  push(text: string): ParsedEvent[];
  /** `cutOff`: the text ends in the middle, so that what has begun as a call is none of the text, however little there is of it. */
  end(options?: { readonly cutOff: boolean }): ParsedEvent[];
  /** Nothing that follows can matter: the engine should stop generating. */
  readonly done: boolean;
  /** What comes next is reasoning: for counting reasoning tokens and for starting a grammar after it. */
  readonly inReasoning: boolean;
}

// --- plans ---

/** What the answer has to look like from some point on. White space may come before it. */
export type PlannedGrammar =
  | CallGrammar
  | TextGrammar
  /** A model that may call and whose text is constrained: `calls`, or `textOpen` and then `text`. */
  | {
      readonly type: "calls-or-text";
      readonly calls: CallGrammar;
      readonly textOpen: string;
      readonly text: TextGrammar;
    };

/** Where the schema of a tool stands in the request, for errors: as a path, and as the pointer that messages show. */
export interface SchemaPlace {
  readonly param: string;
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
  | { readonly type: "json-schema"; readonly schema: JsonSchema; readonly strict: boolean }
  | { readonly type: "gbnf"; readonly grammar: string };

/** When a planned grammar begins to hold. */
export type GrammarStart =
  | { readonly when: "immediately" }
  /** As soon as the generated text contains a trigger; the grammar's text begins with the trigger's. */
  | { readonly when: "after-trigger"; readonly triggers: readonly CallTrigger[] }
  /**
   * After a free part: generation runs unconstrained until one of `ends` is complete, and the grammar holds for what follows.
   * `opens`: when the answer does not begin with one of these (white space aside) there is no free part and the grammar holds
   * from the first token on; empty when the prompt has opened the free part already.
   */
  | ({ readonly when: "after-free-part" } & FreePart);

/** A chat request turned into what the engine executes. */
export interface ChatPlan {
  readonly prompt: RenderedPrompt;
  readonly family: ChatFamily;
  readonly grammar: PlannedGrammar | null;
  readonly grammarStart: GrammarStart;
  readonly parser: OutputParserOptions;
  /** Beside the request's own, matched on the raw text; not shown in the output. */
  readonly stopTexts: readonly string[];
  /** Control tokens to render as text. */
  readonly keepTokens: readonly string[];
  readonly startsInReasoning: boolean;
  /** Constraint checks happen elsewhere; the request is carried for its sampling and limits. */
  readonly request: ChatRequest;
}
