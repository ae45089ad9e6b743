// Grammars for tool calls: the model's family gives the text around a call, each tool's schema the arguments.
import type { WrittenOrder } from "../../../util/written-order.ts";
import { requireRunnable } from "./gbnf/grammar-check.ts";
import { gbnfLiteral } from "./gbnf/gbnf-literal.ts";
import { GrammarWriter } from "./gbnf/grammar-writer.ts";
import { bareNotation, JSON_NOTATION } from "./gbnf/notation/notation.ts";
import type { JsonObject, JsonValue } from "./schema/reading/json-value.ts";
import { DEFAULT_GRAMMAR_LIMITS, type GrammarLimits } from "./gbnf/limits.ts";
import { enforcedTogether, Enforcement, type EnforcedSchema } from "./schema/reading/enforcement.ts";
import { SchemaCompiler } from "./schema/schema-compiler.ts";
import { SchemaDocument, type SchemaDocumentOptions } from "./schema/reading/schema-document.ts";

/**
 * The text of a family's calls, from the outside in:
 *
 * `listPrefix` ( `callPrefix` BODY `callSuffix` ) `separator` ( ... ) `listSuffix`
 *
 * All texts are literal and may be empty; special tokens are given as their text, and `literal` tells them from other text.
 *
 * - Hermes, Qwen: callPrefix `<tool_call>\n`, callSuffix `\n</tool_call>`, separator `\n`, JSON body with `name` and `arguments`
 * - Llama 3: JSON body with `name` and `parameters`, separator `; `
 * - Mistral: listPrefix `[TOOL_CALLS][`, separator `, `, listSuffix `]`, JSON body with `name` and `arguments`
 * - Functionary: text body with beforeName `<function=`, afterName `>`, callSuffix `</function>`
 */
export interface ToolCallShape {
  readonly listPrefix?: string;
  readonly callPrefix?: string;
  readonly body: ToolCallBody;
  readonly callSuffix?: string;
  readonly separator?: string;
  readonly listSuffix?: string;
}

export type ToolCallBody =
  | {
      /** One JSON object: the name, then the arguments object, then (where the family wants one) an id. */
      readonly kind: "json";
      readonly nameKey: string;
      readonly argumentsKey: string;
      /** A string member after the arguments; `pattern` is a regular expression for the whole of it, as in JSON Schema. */
      readonly id?: { readonly key: string; readonly pattern: string };
    }
  | {
      /** Literal text around the bare name, then the arguments object alone. */
      readonly kind: "text";
      readonly beforeName: string;
      /** Stands behind the name, and a number behind it. */
      readonly beforeNumber?: string;
      readonly afterName: string;
      /** Stands around strings of arguments that are not JSON: see `bareNotation`. */
      readonly quote?: string;
    };

export interface ToolCallTool {
  readonly name: string;
  /** JSON Schema of the arguments object; absent means a function without parameters. */
  readonly parameters?: JsonValue | undefined;
  /** Whether all of the schema must hold; it is told what does not. @default strict */
  readonly enforcement?: Enforcement;
  /** Of the schema's keys. */
  readonly order?: WrittenOrder | undefined;
}

export interface ToolCallGrammarOptions {
  /** The tools that may be called; at least one. */
  readonly tools: readonly ToolCallTool[];
  /** Several calls may follow each other. */
  readonly parallel: boolean;
  readonly shape: ToolCallShape;
  /** Upper bound of calls where `parallel` is set. @default 16 */
  readonly maxCalls?: number;
  /** Path of a tool's schema in errors. @default (index) => `/tools/${index}/parameters` */
  readonly pathOf?: (index: number) => string;
  readonly limits?: Partial<GrammarLimits>;
  /** The expression of a text of the shape that is not empty. @default gbnfLiteral */
  readonly literal?: (text: string) => string;
}

/**
 * A grammar for one call, or for one to `maxCalls` calls. In every complete text the arguments of each call parse and are valid for
 * the schema of its tool, as far as that is enforced.
 * @throws SchemaNotEnforceableError as `jsonSchemaToGbnf`
 */
export function toolCallGrammar(options: ToolCallGrammarOptions): string {
  const { pathOf = (index) => `/tools/${index}/parameters` } = options;
  if (options.tools.length === 0) throw new TypeError("a tool-call grammar needs at least one tool");
  const tools = options.tools.map((tool, index) => {
    const { enforcement = new Enforcement({ strict: true }) } = tool;
    return { ...tool, path: pathOf(index), enforcement };
  });
  return enforcedTogether(tools, (indexes) =>
    writeCalls(
      tools.filter((_, index) => indexes.includes(index)),
      options,
    ),
  );
}

type EnforcedTool = ToolCallTool & EnforcedSchema;

function writeCalls(tools: readonly EnforcedTool[], options: ToolCallGrammarOptions): string {
  const { parallel, shape, maxCalls = 16 } = options;
  const literal = literalOf(options);
  const quote = shape.body.kind === "text" ? shape.body.quote : undefined;
  const notation = quote === undefined ? JSON_NOTATION : bareNotation(literal(quote));
  const writer = new GrammarWriter({ ...DEFAULT_GRAMMAR_LIMITS, ...options.limits }, notation);
  const compiler = new ToolCompiler(writer);
  const bodies = tools.map((tool) => compiler.body(tool, { body: shape.body, literal }));
  const body = writer.rule("call", bodies.join(" | "));
  const call = sequence(literal(shape.callPrefix), body, literal(shape.callSuffix));
  const first = sequence(literal(shape.listPrefix), call);
  const next = parallel && maxCalls > 1 ? writer.rule("calls", sequence(literal(shape.separator), call)) : "";
  const others = next === "" ? "" : writer.repeat(next, { min: 0, max: maxCalls - 1 });
  return finish(writer, sequence(first, others, literal(shape.listSuffix)));
}

const NO_PARAMETERS: JsonObject = { type: "object", properties: {}, additionalProperties: false };

/** Writes the rules of all tools of one grammar; those whose text is the same are shared. */
class ToolCompiler {
  readonly #writer: GrammarWriter;
  readonly #compiler: SchemaCompiler;
  readonly #numbering = { next: 0 };

  constructor(writer: GrammarWriter) {
    this.#writer = writer;
    this.#compiler = new SchemaCompiler(writer);
  }

  /** The rule for a tool's arguments: valid for its schema, and an object in any case. */
  #argumentsOf({ parameters = NO_PARAMETERS, path, enforcement, order }: EnforcedTool): string {
    // In this order: what a schema evaluates is known of the first one only.
    const own = this.#document(parameters, { pathPrefix: path, enforcement, order });
    const anyObject = this.#document({ type: "object" }, { pathPrefix: path });
    return this.#compiler.compile([own.root, anyObject.root]);
  }

  body(
    tool: EnforcedTool,
    { body, literal }: { readonly body: ToolCallBody; readonly literal: (text: string) => string },
  ): string {
    const toolArguments = this.#argumentsOf(tool);
    if (body.kind === "text") {
      const { beforeName, beforeNumber, afterName } = body;
      if (beforeNumber === undefined) {
        return sequence(literal(`${beforeName}${tool.name}${afterName}`), toolArguments);
      }
      const number = this.#writer.once("call-number", '"0" | [1-9] [0-9]{0,3}');
      return sequence(literal(`${beforeName}${tool.name}${beforeNumber}`), number, literal(afterName), toolArguments);
    }
    const ws = this.#writer.shared("ws");
    const members = [
      `${key(body.nameKey)} ${gbnfLiteral(JSON.stringify(tool.name))}`,
      `${key(body.argumentsKey)} ${toolArguments}`,
    ];
    if (body.id !== undefined) {
      const id = this.#document({ type: "string", pattern: `^(?:${body.id.pattern})$` }, { pathPrefix: "" }).root;
      members.push(`${key(body.id.key)} ${this.#compiler.compile([id])}`);
    }
    return `"{" ${ws} ${members.join(` "," ${ws} `)} ${ws} "}"`;
  }

  #document(schema: JsonValue, options: Omit<SchemaDocumentOptions, "numbering">): SchemaDocument {
    return new SchemaDocument(schema, { ...options, numbering: this.#numbering });
  }
}

function key(name: string): string {
  return `${gbnfLiteral(`${JSON.stringify(name)}:`)} " "?`;
}

function finish(writer: GrammarWriter, rootBody: string): string {
  const grammar = writer.text(rootBody);
  requireRunnable(grammar, writer);
  return grammar;
}

function sequence(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}

function literalOf({ literal = gbnfLiteral }: ToolCallGrammarOptions): (text: string | undefined) => string {
  return (text = "") => (text === "" ? "" : literal(text));
}
