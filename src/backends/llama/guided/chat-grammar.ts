// Compiles what a chat's answer has to look like to the GBNF text that enforces it.
import { ServerError } from "../../../domain/errors.ts";
import type { ToolCallShape } from "../chat/tool-call-shape.ts";
import type { CallGrammar, PlannedGrammar, TextGrammar } from "../chat/types.ts";
import { checkGrammar, compileSchema, refusing, toWarnings, type CompiledGrammar } from "./constraint.ts";
import { MarkupTokens } from "../tokens/markup-tokens.ts";
import { gbnfMarkup, prefixRules } from "./gbnf-text.ts";
import { validateGbnf } from "../grammar/gbnf/gbnf-validate.ts";
import { jsonObjectGrammar } from "../grammar/json-schema-to-gbnf.ts";
import { Enforcement } from "../grammar/schema/reading/enforcement.ts";
import type { JsonValue } from "../grammar/schema/reading/json-value.ts";
import { DEFAULT_GRAMMAR_LIMITS } from "../grammar/gbnf/limits.ts";
import { toolCallGrammar, type ToolCallShape as GrammarShape } from "../grammar/tool-call-grammar.ts";
import { pythonicGrammar, xmlParameterGrammar } from "./parameter-rules.ts";

/** Larger than for a caller's own grammar: what several schemas make together is long, and its unrolled size is bounded apart. */
const combinedLimits = { maxBytes: 2 * DEFAULT_GRAMMAR_LIMITS.maxGrammarBytes, maxRules: 100_000 };

/**
 * `markup`: the family's markup that is tokens, which the grammar wants as tokens.
 * @throws ServerError `unsupported_schema` or `invalid_value` where no grammar can enforce it
 */
export function compilePlannedGrammar(grammar: PlannedGrammar, markup = MarkupTokens.none): CompiledGrammar {
  switch (grammar.type) {
    case "tool-calls":
      return compileCalls(grammar, markup);
    case "headed-text": {
      const text = compileText(grammar.text);
      const rules = prefixRules(text.grammar, "text-");
      return { ...text, grammar: `root ::= ${gbnfMarkup(grammar.textOpen, markup)} text-root\n${rules}` };
    }
    case "calls-or-text": {
      const calls = compileCalls(grammar.calls, markup);
      const text = compileText(grammar.text);
      const rules = `${prefixRules(calls.grammar, "calls-")}\n${prefixRules(text.grammar, "text-")}`;
      return {
        grammar: requireFollowable(`root ::= calls-root | ${gbnfMarkup(grammar.textOpen, markup)} text-root\n${rules}`),
        warnings: [...calls.warnings, ...text.warnings],
      };
    }
    case "json-object":
    case "json-schema":
    case "gbnf":
      return compileText(grammar);
  }
}

function compileText(grammar: TextGrammar): CompiledGrammar {
  switch (grammar.type) {
    case "json-object":
      return { grammar: jsonObjectGrammar(), warnings: [] };
    case "json-schema":
      return compileSchema(grammar);
    case "gbnf":
      return { grammar: checkGrammar(grammar.grammar), warnings: [] };
  }
}

function compileCalls(
  { tools: definitions, places, parallel, shape }: CallGrammar,
  markup: MarkupTokens,
): CompiledGrammar {
  const tools = definitions.map(({ name, parameters, strict, order }, index) => {
    const { path = "", param = "tools" } = places[index] ?? {};
    return { name, parameters, order, path, param, enforcement: new Enforcement({ strict }) };
  });
  const paramOf = (path: string): string => places.find((place) => isWithin(path, place.path))?.param ?? "tools";
  const grammar = refusing(paramOf, () => {
    if (shape.kind === "xml-parameters") return xmlParameterGrammar({ ...shape, tools, parallel, markup });
    if (shape.kind === "pythonic") return pythonicGrammar({ ...shape, tools, parallel, markup });
    const pathOf = (index: number): string => tools[index]?.path ?? "";
    const asJson = tools.map((tool) => ({ ...tool, parameters: tool.parameters as JsonValue }));
    return toolCallGrammar({
      tools: asJson,
      pathOf,
      parallel,
      shape: toGrammarShape(shape),
      literal: (text) => gbnfMarkup(text, markup),
    });
  });
  return { grammar, warnings: tools.flatMap(({ enforcement, param }) => toWarnings(enforcement, param)) };
}

/**
 * Every schema passed this check when it was compiled; together they may still be too much for llama.cpp.
 * @throws ServerError `unsupported_schema`
 */
function requireFollowable(grammar: string): string {
  const validation = validateGbnf(grammar, { ...combinedLimits, takesTokens: true });
  if (validation.isValid) return grammar;
  throw new ServerError("unsupported_schema", {
    message: `Invalid schemas for '{tools}': all of them together cannot be enforced, because ${validation.message}.`,
    param: "tools",
  });
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

function toGrammarShape(shape: Exclude<ToolCallShape, { kind: "xml-parameters" | "pythonic" }>): GrammarShape {
  if (shape.kind === "named-json") {
    return {
      listPrefix: shape.open,
      callPrefix: shape.beforeEach,
      body: {
        kind: "text",
        beforeName: "",
        afterName: shape.beforeArguments,
        ...(shape.beforeNumber === undefined ? {} : { beforeNumber: shape.beforeNumber }),
        ...(shape.quote === undefined ? {} : { quote: shape.quote }),
      },
      callSuffix: shape.afterEach,
      separator: shape.separator,
      listSuffix: shape.close,
    };
  }
  const { open, close, separator, list, nameKey, argumentsKey, idKey } = shape;
  const around = list
    ? { listPrefix: `${open}[`, separator: ", ", listSuffix: `]${close}` }
    : { callPrefix: open, separator, callSuffix: close };
  if (idKey?.position !== "first") {
    const id = idKey === undefined ? {} : { id: { key: idKey.key, pattern: idPattern(idKey.example) } };
    return { ...around, body: { kind: "json", nameKey, argumentsKey, ...id } };
  }
  // The id comes before the name and is not used, so that it may always be the same.
  const beforeName = `{${JSON.stringify(idKey.key)}: ${JSON.stringify(idKey.example)}, ${JSON.stringify(nameKey)}: "`;
  const callSuffix = `}${around.callSuffix ?? ""}`;
  const body = { kind: "text", beforeName, afterName: `", ${JSON.stringify(argumentsKey)}: ` } as const;
  return { ...around, callSuffix, body };
}

/** As many letters and digits as the example has. */
function idPattern(example: string): string {
  return `[a-zA-Z0-9]{${example.length}}`;
}
