// Grammars for calls whose arguments are not one JSON object: parameters in tags (Qwen3-Coder) and Python's keyword arguments
// (Llama 4). Every parameter's schema is compiled by itself; the family gives the text around it.
import type { ToolDefinition } from "../../../domain/chat.ts";
import type { WrittenOrder } from "../../../util/written-order.ts";
import { requireRunnable } from "../grammar/gbnf/grammar-check.ts";
import { SchemaNotEnforceableError } from "../grammar/gbnf/grammar-error.ts";
import type { MarkupTokens } from "../tokens/markup-tokens.ts";
import { gbnfMarkup } from "./gbnf-text.ts";
import { gbnfLiteral } from "../grammar/gbnf/gbnf-literal.ts";
import { GrammarWriter } from "../grammar/gbnf/grammar-writer.ts";
import { DEFAULT_GRAMMAR_LIMITS } from "../grammar/gbnf/limits.ts";
import { enforcedTogether, type EnforcedSchema } from "../grammar/schema/reading/enforcement.ts";
import type { JsonValue } from "../grammar/schema/reading/json-value.ts";
import { SchemaDocument } from "../grammar/schema/reading/schema-document.ts";
import { SchemaCompiler } from "../grammar/schema/schema-compiler.ts";
import { declaredParameters, type DeclaredParameter } from "./declared-parameters.ts";
import { takesOnlyText } from "../chat/output/xml-calls.ts";
import type { ParameterTags } from "../chat/tool-call-shape.ts";
import { codePointSet, complementSet, toGbnfClass } from "../grammar/pattern/code-point-set.ts";

export interface ParameterCalls {
  readonly tools: readonly (EnforcedSchema &
    Pick<ToolDefinition, "name" | "parameters"> & { readonly order?: WrittenOrder | undefined })[];
  /** Several calls may follow each other. */
  readonly parallel: boolean;
  readonly open: string;
  readonly close: string;
  readonly markup: MarkupTokens;
}

type Tool = ParameterCalls["tools"][number];

/** Most calls after the first one. */
const maximumFurtherCalls = 15;

/**
 * Calls with parameters in tags; strings stand raw, all other values as JSON.
 * @throws SchemaNotEnforceableError
 */
export function xmlParameterGrammar({
  tools,
  parallel,
  open,
  close,
  separator,
  tags,
  markup,
}: ParameterCalls & { readonly separator: string; readonly tags: ParameterTags }): string {
  return enforcedTogether(tools, (indexes) => {
    const { writer, compiler, parametersOf } = createCompiler();
    const calls = indexes.map((index) => {
      const tool = tools[index] as Tool;
      const parameters = parametersOf(tool).map(({ key, nodes, isRequired }) => {
        const text = takesOnlyText(tool, key) ? (compiler.bareText(nodes) ?? rawText(writer, tags)) : undefined;
        const value = text === undefined ? compiler.compile(nodes) : writer.rule("text", text);
        const before = gbnfMarkup(`${tags.beforeKey}${key}${tags.beforeValue}`, markup);
        const body = `${before} ${value} ${gbnfMarkup(tags.afterValue, markup)}`;
        return isRequired ? body : `( ${body} )?`;
      });
      const begin = gbnfMarkup(`${open}${tags.beforeName}${tool.name}${tags.afterName}`, markup);
      return writer.rule(
        "call",
        [begin, ...parameters, gbnfMarkup(`${tags.afterParameters}${close}`, markup)].join(" "),
      );
    });
    const call = writer.rule("call", calls.join(" | "));
    const further = parallel ? ` ( ${gbnfMarkup(separator, markup)} ${call} ){0,${maximumFurtherCalls}}` : "";
    return finish(writer, `${call}${further}`);
  });
}

/**
 * Calls as `[name(key=value, ...)]`. Values are JSON, constants included: the parser reads `true` as it reads `True`.
 * @throws SchemaNotEnforceableError
 */
export function pythonicGrammar({ tools, parallel, open, close, markup }: ParameterCalls): string {
  return enforcedTogether(tools, (indexes) => {
    const { writer, compiler, parametersOf } = createCompiler();
    const calls = indexes.map((index) => {
      const tool = tools[index] as Tool;
      const parameters = parametersOf(tool).flatMap(({ key, nodes, isRequired }) => {
        if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
          const note = { keyword: "properties", path: tool.path, reason: `"${key}" is no name of a Python argument` };
          if (tool.enforcement.isStrict || isRequired) throw new SchemaNotEnforceableError(note);
          tool.enforcement.annotate(note);
          return [];
        }
        return [{ name: writer.rule("argument", `${gbnfLiteral(`${key}=`)} ${compiler.compile(nodes)}`), isRequired }];
      });
      const call = [gbnfLiteral(`${tool.name}(`), separated(parameters), '")"'].filter(Boolean).join(" ");
      return writer.rule("call", call);
    });
    const call = writer.rule("call", calls.join(" | "));
    const further = parallel ? ` ( ", " ${call} ){0,${maximumFurtherCalls}}` : "";
    return finish(writer, `${gbnfMarkup(`${open}[`, markup)} ${call}${further} ${gbnfMarkup(`]${close}`, markup)}`);
  });
}

/** The arguments with `, ` between them: the required ones, then any of the optional ones in order. */
function separated(parameters: readonly { readonly name: string; readonly isRequired: boolean }[]): string {
  const required = parameters.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  const optional = parameters.filter(({ isRequired }) => !isRequired).map(({ name }) => name);
  const rest = (names: readonly string[]): string[] => names.map((name) => `( ", " ${name} )?`);
  if (required.length > 0) return [required.join(' ", " '), ...rest(optional)].join(" ");
  if (optional.length === 0) return "";
  const alternatives = optional.map((name, index) => [name, ...rest(optional.slice(index + 1))].join(" "));
  return `( ${alternatives.join(" | ")} )?`;
}

/** A string of any content but the end of its tag, or of what stands around it where it could be taken for markup. */
function rawText(writer: GrammarWriter, { literal }: ParameterTags): string {
  if (literal === undefined) return writer.once("raw-text", `( ${except("<")} | "<" ${except("/")} )*`);
  return `${writer.once("plain-text", `${except("<&\n")}*`)} | ${gbnfLiteral(literal.open)} ${untilClose(writer)}`;
}

/** Any text up to `]]>`. The rules are the states in which none, one or two of its brackets stand before. */
function untilClose(writer: GrammarWriter): string {
  writer.once("cdata-two", `"]" cdata-two | ">" | ${except("]>")} cdata`);
  writer.once("cdata-one", `"]" cdata-two | ${except("]")} cdata`);
  return writer.once("cdata", `${except("]")} cdata | "]" cdata-one`);
}

/** The class of all characters but these. */
function except(characters: string): string {
  const points = Array.from(characters, (character) => character.codePointAt(0) ?? 0);
  return toGbnfClass(complementSet(codePointSet(points.map((point) => [point, point]))));
}

function createCompiler(): {
  readonly writer: GrammarWriter;
  readonly compiler: SchemaCompiler;
  readonly parametersOf: (tool: Tool) => readonly DeclaredParameter[];
} {
  const writer = new GrammarWriter(DEFAULT_GRAMMAR_LIMITS);
  const compiler = new SchemaCompiler(writer);
  const numbering = { next: 0 };
  return {
    writer,
    compiler,
    parametersOf: ({ parameters, path, enforcement, order }) =>
      declaredParameters(
        compiler,
        new SchemaDocument(parameters as JsonValue, { pathPrefix: path, numbering, enforcement, order }).root,
      ),
  };
}

function finish(writer: GrammarWriter, rootBody: string): string {
  const grammar = writer.text(rootBody);
  requireRunnable(grammar, writer);
  return grammar;
}
