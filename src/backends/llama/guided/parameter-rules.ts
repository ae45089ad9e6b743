// Grammars for calls whose arguments are not one JSON object: parameters in tags (Qwen3-Coder) and Python's keyword arguments
// (Llama 4). Every parameter's schema is compiled by itself; the family gives the text around it.
import type { ToolDefinition } from "../../../domain/chat.ts";
import { gbnfLiteral, prefixRules } from "./gbnf-text.ts";
import { bareStringToGbnf, jsonSchemaToGbnf } from "../grammar/json-schema-to-gbnf.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../grammar/schema/reading/json-value.ts";
import { SchemaNotEnforceableError } from "../grammar/gbnf/grammar-error.ts";

export interface ParameterCalls {
  readonly tools: readonly ToolDefinition[];
  /** Where the schema of a tool stands, for errors. */
  readonly pathOf: (toolIndex: number) => string;
  /** Several calls may follow each other. */
  readonly parallel: boolean;
  readonly open: string;
  readonly close: string;
  readonly separator: string;
}

interface Parameter {
  readonly key: string;
  readonly schema: JsonValue;
  /** Where the schema stands, for errors. */
  readonly path: string;
  readonly isRequired: boolean;
}

/** Most calls after the first one. */
const maximumFurtherCalls = 15;

/**
 * Calls as `<function=name>` with `<parameter=key>` inside; strings stand raw, all other values as JSON.
 * @throws SchemaNotEnforceableError
 */
export function xmlParameterGrammar({ tools, pathOf, parallel, open, close, separator }: ParameterCalls): string {
  const rules = ['raw-text ::= ( [^<] | "<" [^/] )*'];
  const calls = tools.map((tool, toolIndex) => {
    const parameters = parametersOf(tool, pathOf(toolIndex)).map((parameter, index) => {
      const value = `v${toolIndex}-${index}-`;
      rules.push(rawTextRule(parameter, value) ?? valueRules(parameter, value));
      const body = `${gbnfLiteral(`<parameter=${parameter.key}>\n`)} ${value}root ${gbnfLiteral("\n</parameter>\n")}`;
      return parameter.isRequired ? body : `( ${body} )?`;
    });
    const name = `call-${toolIndex}`;
    rules.push(
      `${name} ::= ${[gbnfLiteral(`${open}<function=${tool.name}>\n`), ...parameters, gbnfLiteral(`</function>${close}`)].join(" ")}`,
    );
    return name;
  });
  const further = parallel ? ` ( ${gbnfLiteral(separator)} call ){0,${maximumFurtherCalls}}` : "";
  return [`root ::= call${further}`, `call ::= ${calls.join(" | ")}`, ...rules].join("\n");
}

/**
 * Calls as `[name(key=value, ...)]`. Values are JSON, constants included: the parser reads `true` as it reads `True`.
 * @throws SchemaNotEnforceableError
 */
export function pythonicGrammar({ tools, pathOf, parallel, open, close }: Omit<ParameterCalls, "separator">): string {
  const rules: string[] = [];
  const calls = tools.map((tool, toolIndex) => {
    const parameters = parametersOf(tool, pathOf(toolIndex)).map((parameter, index) => {
      const { key, isRequired } = parameter;
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key))
        throw notEnforceable(pathOf(toolIndex), `"${key}" is no name of a Python argument`);
      const value = `v${toolIndex}-${index}-`;
      const name = `argument-${toolIndex}-${index}`;
      rules.push(valueRules(parameter, value), `${name} ::= ${gbnfLiteral(`${key}=`)} ${value}root`);
      return { name, isRequired };
    });
    const name = `call-${toolIndex}`;
    rules.push(`${name} ::= ${[gbnfLiteral(`${tool.name}(`), separated(parameters), '")"'].filter(Boolean).join(" ")}`);
    return name;
  });
  const further = parallel ? ` ( ", " call ){0,${maximumFurtherCalls}}` : "";
  return [
    `root ::= ${gbnfLiteral(`${open}[`)} call${further} ${gbnfLiteral(`]${close}`)}`,
    `call ::= ${calls.join(" | ")}`,
    ...rules,
  ].join("\n");
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

function valueRules({ schema, path }: Parameter, prefix: string): string {
  return prefixRules(jsonSchemaToGbnf(schema, { pathPrefix: path }), prefix);
}

/** The rule of a string parameter, which stands raw, without quotes; `undefined` for every other schema. */
function rawTextRule({ schema, path }: Parameter, prefix: string): string | undefined {
  if (!isJsonObject(schema)) return undefined;
  const values = schema["enum"] ?? (schema["const"] === undefined ? undefined : [schema["const"]]);
  if (Array.isArray(values)) {
    const texts = values.filter((value): value is string => typeof value === "string");
    const isText = texts.length === values.length && (schema["type"] === "string" || schema["enum"] !== undefined);
    return isText ? `${prefix}root ::= ${texts.map(gbnfLiteral).join(" | ")}` : undefined;
  }
  if (schema["type"] !== "string") return undefined;
  const bounded = bareStringToGbnf(schema, { pathPrefix: path });
  return bounded === undefined ? `${prefix}root ::= raw-text` : prefixRules(bounded, prefix);
}

/** The declared parameters; the schema of each is given the tool's definitions, to which it may refer. */
function parametersOf({ parameters }: ToolDefinition, path: string): Parameter[] {
  const schema = parameters as JsonValue;
  if (schema === true) return [];
  if (!isJsonObject(schema)) throw notEnforceable(path, "it must be an object schema");
  const combined = ["$ref", "anyOf", "oneOf", "allOf"].find((keyword) => schema[keyword] !== undefined);
  if (combined !== undefined) throw notEnforceable(path, "this model takes declared parameters only", combined);
  const properties = schema["properties"] ?? {};
  const required = schema["required"] ?? [];
  if (!isJsonObject(properties) || !Array.isArray(required)) throw notEnforceable(path, "it must be an object schema");
  const undeclared = required.find((key) => typeof key !== "string" || properties[key] === undefined);
  if (undeclared !== undefined) {
    throw notEnforceable(path, `the parameter ${JSON.stringify(undeclared)} is not declared`, "required");
  }
  const definitions: JsonObject = {
    ...(schema["$defs"] === undefined ? {} : { $defs: schema["$defs"] }),
    ...(schema["definitions"] === undefined ? {} : { definitions: schema["definitions"] }),
  };
  return Object.entries(properties).map(([key, property]) => ({
    key,
    schema: isJsonObject(property) ? { ...definitions, ...property } : property,
    path: `${path}/properties/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
    isRequired: required.includes(key),
  }));
}

function notEnforceable(path: string, reason: string, keyword = "type"): SchemaNotEnforceableError {
  return new SchemaNotEnforceableError({ keyword, path, reason });
}
