// The smallest expressions and what is put behind them: literals, names, containers, subscripts, calls, filters and tests.
import { plain, type PyString } from "../values/text/text.ts";
import type { Argument, CallArguments, CallNode, Expression, FilterNode } from "./nodes.ts";
import { describe, matches, type TokenStream } from "./tokens.ts";

/** Reads whole expressions, which stand within brackets of the small ones. */
export interface Parser {
  readonly stream: TokenStream;
  expression(): Expression;
  tuple(options?: TupleOptions): Expression;
}

export interface TupleOptions {
  /** Whether `()` may be an empty tuple. */
  readonly isParenthesized?: boolean;
  /** Without parentheses an `a if b` may not stand here. */
  readonly hasConditionals?: boolean;
  /** Names at which the tuple ends. */
  readonly ends?: readonly string[];
}

const constants: Readonly<Record<string, boolean | null>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

export function isConstantName(name: string): boolean {
  return Object.hasOwn(constants, name);
}

export function parsePrimary(parser: Parser): Expression {
  const { stream } = parser;
  const token = stream.current;
  if (token.type === "name") {
    stream.next();
    return isConstantName(token.text)
      ? { kind: "constant", value: constants[token.text] as boolean | null }
      : { kind: "name", name: token.text };
  }
  if (token.type === "string") return { kind: "constant", value: concatStrings(stream) };
  if (token.type === "integer" || token.type === "float") {
    stream.next();
    return { kind: "constant", value: token.value ?? null };
  }
  if (stream.skip("operator", "(")) {
    const inner = parser.tuple({ isParenthesized: true });
    stream.expect("operator", ")");
    return inner;
  }
  if (stream.skip("operator", "[")) return parseList(parser);
  if (stream.skip("operator", "{")) return parseDict(parser);
  return stream.fail(`unexpected '${describe(token)}'`);
}

function parseList(parser: Parser): Expression {
  const items: Expression[] = [];
  while (!parser.stream.isOperator("]")) {
    if (items.length > 0) parser.stream.expect("operator", ",");
    if (parser.stream.isOperator("]")) break;
    items.push(parser.expression());
  }
  parser.stream.expect("operator", "]");
  return { kind: "list", items };
}

function parseDict(parser: Parser): Expression {
  const entries: { key: Expression; value: Expression }[] = [];
  while (!parser.stream.isOperator("}")) {
    if (entries.length > 0) parser.stream.expect("operator", ",");
    if (parser.stream.isOperator("}")) break;
    const key = parser.expression();
    parser.stream.expect("operator", ":");
    entries.push({ key, value: parser.expression() });
  }
  parser.stream.expect("operator", "}");
  return { kind: "dict", entries };
}

/** Subscripts and calls behind `node`. */
export function parsePostfix(parser: Parser, node: Expression): Expression {
  for (;;) {
    if (parser.stream.isOperator(".", "[")) node = parseSubscript(parser, node);
    else if (parser.stream.isOperator("(")) node = parseCall(parser, node);
    else return node;
  }
}

/** Filters, tests and calls of their results behind `node`. */
export function parseFilters(parser: Parser, node: Expression): Expression {
  for (;;) {
    if (parser.stream.isOperator("|")) node = parseFilter(parser, node) as FilterNode;
    else if (parser.stream.isName("is")) node = parseTest(parser, node);
    else if (parser.stream.isOperator("(")) node = parseCall(parser, node);
    else return node;
  }
}

/** One or more filters; the first without its `|` where `isInline`. */
export function parseFilter(parser: Parser, input: Expression | undefined, isInline = false): FilterNode | undefined {
  let node: FilterNode | undefined;
  for (let isFirst = isInline; isFirst || parser.stream.isOperator("|"); isFirst = false) {
    if (!isFirst) parser.stream.next();
    const { line } = parser.stream.current;
    const name = parseDottedName(parser);
    const given = parser.stream.isOperator("(") ? parseArguments(parser) : noArguments;
    node = { kind: "filter", name, input: node ?? input, given, line };
  }
  return node;
}

const noArguments: CallArguments = { positional: [], keywords: [] };

function parseDottedName(parser: Parser): string {
  let name = parser.stream.expect("name").text;
  while (parser.stream.skip("operator", ".")) name += `.${parser.stream.expect("name").text}`;
  return name;
}

function parseTest(parser: Parser, input: Expression): Expression {
  const { stream } = parser;
  const { line } = stream.next();
  const isNegated = stream.skip("name", "not");
  const name = parseDottedName(parser);
  let given = noArguments;
  if (stream.isOperator("(")) given = parseArguments(parser);
  else if (beginsArgument(stream)) {
    if (stream.isName("is")) stream.fail("You cannot chain multiple tests with is");
    given = { positional: [parsePostfix(parser, parsePrimary(parser))], keywords: [] };
  }
  const test: Expression = { kind: "test", name, input, given, line };
  return isNegated ? { kind: "not", operand: test } : test;
}

function beginsArgument(stream: TokenStream): boolean {
  if (stream.isName("else", "or", "and")) return false;
  return ["name", "string", "integer", "float"].includes(stream.current.type) || stream.isOperator("(", "[", "{");
}

function parseSubscript(parser: Parser, object: Expression): Expression {
  const { stream } = parser;
  if (stream.next().text === ".") {
    const token = stream.next();
    if (token.type === "name") return { kind: "attribute", object, name: token.text };
    if (token.type !== "integer") stream.fail("expected name or number", token.line);
    return { kind: "item", object, key: { kind: "constant", value: token.value ?? null } };
  }
  const keys: Expression[] = [];
  let hasSlice = false;
  while (!stream.isOperator("]")) {
    if (keys.length > 0) stream.expect("operator", ",");
    const key = parseKey(parser, object);
    hasSlice ||= key.kind === "slice" && key.object === object;
    keys.push(key);
  }
  stream.expect("operator", "]");
  const [only] = keys;
  if (only !== undefined && keys.length === 1) return hasSlice ? only : { kind: "item", object, key: only };
  if (hasSlice) stream.fail("invalid syntax");
  return { kind: "item", object, key: { kind: "tuple", items: keys } };
}

/** What stands between brackets: an expression, or a slice of `object`. */
function parseKey(parser: Parser, object: Expression): Expression {
  const { stream } = parser;
  const start = stream.isOperator(":") ? undefined : parser.expression();
  if (!stream.skip("operator", ":")) return start as Expression;
  const bound = (): Expression | undefined => (stream.isOperator(":", "]", ",") ? undefined : parser.expression());
  const stop = bound();
  const step = stream.skip("operator", ":") ? bound() : undefined;
  return { kind: "slice", object, start, stop, step };
}

export function parseCall(parser: Parser, callee: Expression): CallNode {
  return { kind: "call", callee, given: parseArguments(parser) };
}

function parseArguments(parser: Parser): CallArguments {
  const { stream } = parser;
  const { line } = stream.expect("operator", "(");
  const positional: Expression[] = [];
  const keywords: Argument[] = [];
  let star: Expression | undefined;
  let doubleStar: Expression | undefined;
  const need = (isFine: boolean): void => {
    if (!isFine) stream.fail("invalid syntax for function call expression", line);
  };
  for (let isFirst = true; !stream.isOperator(")"); isFirst = false) {
    if (!isFirst) stream.expect("operator", ",");
    if (stream.isOperator(")")) break;
    if (stream.skip("operator", "*")) {
      need(star === undefined && doubleStar === undefined);
      star = parser.expression();
    } else if (stream.skip("operator", "**")) {
      need(doubleStar === undefined);
      doubleStar = parser.expression();
    } else if (stream.is("name") && matches(stream.following, "operator", "=")) {
      need(doubleStar === undefined);
      const name = stream.next().text;
      stream.next();
      if (keywords.some((keyword) => keyword.name === name)) stream.fail(`keyword argument repeated: ${name}`, line);
      keywords.push({ name, value: parser.expression() });
    } else {
      need(star === undefined && doubleStar === undefined && keywords.length === 0);
      positional.push(parser.expression());
    }
  }
  stream.expect("operator", ")");
  return { positional, keywords, star, doubleStar };
}

/** String literals that stand side by side are one. */
function concatStrings(stream: TokenStream): string {
  let text = "";
  while (stream.is("string")) text += plain((stream.next().value ?? "") as PyString);
  return text;
}
