// Compiles what a chat's answer has to look like to the GBNF text that enforces it.
import type { ToolDefinition } from "../../../domain/chat.ts";
import { ServerError } from "../../../domain/errors.ts";
import type { CallGrammar, PlannedGrammar, TextGrammar, ToolCallShape } from "../chat/types.ts";
import { checkGrammar, compileSchema, refusing } from "./constraint.ts";
import { gbnfLiteral, prefixRules } from "./gbnf-text.ts";
import { validateGbnf } from "../grammar/gbnf/gbnf-validate.ts";
import { jsonObjectGrammar } from "../grammar/json-schema-to-gbnf.ts";
import type { JsonValue } from "../grammar/schema/reading/json-value.ts";
import { DEFAULT_GRAMMAR_LIMITS } from "../grammar/gbnf/limits.ts";
import { toolCallGrammar, type ToolCallShape as GrammarShape } from "../grammar/tool-call-grammar.ts";
import { pythonicGrammar, xmlParameterGrammar } from "./parameter-rules.ts";

/** Larger than for a caller's own grammar: what several schemas make together is long, and its unrolled size is bounded apart. */
const combinedLimits = { maxBytes: 2 * DEFAULT_GRAMMAR_LIMITS.maxGrammarBytes, maxRules: 100_000 };

/** @throws ServerError `unsupported_schema` or `invalid_value` where no grammar can enforce it */
export function compilePlannedGrammar(grammar: PlannedGrammar): string {
  switch (grammar.type) {
    case "tool-calls":
      return compileCalls(grammar);
    case "headed-text": {
      const text = prefixRules(compileText(grammar.text), "text-");
      return `root ::= ${gbnfLiteral(grammar.textOpen)} text-root\n${text}`;
    }
    case "calls-or-text": {
      const calls = prefixRules(compileCalls(grammar.calls), "calls-");
      const text = prefixRules(compileText(grammar.text), "text-");
      const open = grammar.textOpen === "" ? "" : `${gbnfLiteral(grammar.textOpen)} `;
      return requireFollowable(`root ::= calls-root | ${open}text-root\n${calls}\n${text}`);
    }
    case "json-object":
    case "json-schema":
    case "gbnf":
      return compileText(grammar);
  }
}

function compileText(grammar: TextGrammar): string {
  switch (grammar.type) {
    case "json-object":
      return jsonObjectGrammar();
    case "json-schema":
      return compileSchema(grammar.schema);
    case "gbnf":
      return checkGrammar(grammar.grammar);
  }
}

function compileCalls({ tools, places, parallel, shape }: CallGrammar): string {
  const pathOf = (index: number): string => places[index]?.path ?? "";
  const paramOf = (path: string): string => places.find((place) => isWithin(path, place.path))?.param ?? "tools";
  return refusing(paramOf, () => {
    const calls = { tools, pathOf, parallel };
    if (shape.kind === "xml-parameters") return requireFollowable(xmlParameterGrammar({ ...shape, ...calls }));
    if (shape.kind === "pythonic") return requireFollowable(pythonicGrammar({ ...shape, ...calls }));
    return toolCallGrammar({ tools: tools.map(toGrammarTool), pathOf, parallel, shape: toGrammarShape(shape) });
  });
}

/**
 * Every schema passed this check when it was compiled; together they may still be too much for llama.cpp.
 * @throws ServerError `unsupported_schema`
 */
function requireFollowable(grammar: string): string {
  const validation = validateGbnf(grammar, combinedLimits);
  if (validation.isValid) return grammar;
  throw new ServerError("unsupported_schema", {
    message: `Invalid schemas for '{tools}': all of them together cannot be enforced, because ${validation.message}.`,
    param: "tools",
  });
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

function toGrammarTool({ name, parameters }: ToolDefinition): { name: string; parameters: JsonValue } {
  return { name, parameters: parameters as JsonValue };
}

function toGrammarShape(shape: Exclude<ToolCallShape, { kind: "xml-parameters" | "pythonic" }>): GrammarShape {
  if (shape.kind === "named-json") {
    return {
      listPrefix: shape.open,
      callPrefix: shape.beforeEach,
      body: { kind: "text", beforeName: "", afterName: shape.beforeArguments },
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
