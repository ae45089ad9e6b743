// What statements write to: names, parameters of macros, targets of assignments.
import type { Parameter, Target } from "./nodes.ts";
import { isConstantName, type Parser } from "./primary.ts";
import { describe, type TokenStream } from "./tokens.ts";

export interface TargetOptions {
  /** Names at which the target ends. */
  readonly ends?: readonly string[];
  /** Whether `namespace.name` may stand here. */
  readonly hasNamespaces?: boolean;
  /** Within a loop nothing may be called `loop`. */
  readonly isInLoop: boolean;
}

/** A name that is written to. */
export function parseName(stream: TokenStream): string {
  const { text } = stream.expect("name");
  if (isConstantName(text)) stream.fail(`can't assign to '${text}'`);
  return text;
}

/** The parameters of a macro with their parentheses. */
export function parseParameters(parser: Parser): Parameter[] {
  const { stream } = parser;
  const parameters: Parameter[] = [];
  stream.expect("operator", "(");
  while (!stream.isOperator(")")) {
    if (parameters.length > 0) stream.expect("operator", ",");
    const name = parseName(stream);
    if (parameters.some((parameter) => parameter.name === name)) {
      stream.fail(`duplicate argument '${name}' in function definition`);
    }
    const fallback = stream.skip("operator", "=") ? parser.expression() : undefined;
    if (fallback === undefined && parameters.at(-1)?.fallback !== undefined) {
      stream.fail("non-default argument follows default argument");
    }
    parameters.push({ name, fallback });
  }
  stream.next();
  return parameters;
}

export function parseTarget(stream: TokenStream, options: TargetOptions): Target {
  const { ends = [] } = options;
  const items: Target[] = [];
  let isTuple = false;
  for (;;) {
    if (items.length > 0) stream.expect("operator", ",");
    if (stream.is("block_end") || stream.is("variable_end") || stream.isOperator(")") || stream.isName(...ends)) break;
    items.push(parseSimpleTarget(stream, options));
    if (!stream.isOperator(",")) break;
    isTuple = true;
  }
  const [only] = items;
  if (only === undefined) return stream.fail(`Expected an expression, got '${describe(stream.current)}'`);
  return isTuple ? { kind: "tuple", items } : only;
}

function parseSimpleTarget(stream: TokenStream, { hasNamespaces = false, isInLoop }: TargetOptions): Target {
  if (stream.skip("operator", "(")) {
    const target = parseTarget(stream, { isInLoop });
    stream.expect("operator", ")");
    return target;
  }
  if (!stream.is("name")) stream.fail(`can't assign to '${describe(stream.current)}'`);
  if (isConstantName(stream.current.text)) stream.fail("can't assign to 'const'");
  const { text: name, line } = stream.next();
  if (name === "loop" && isInLoop) {
    stream.fail("Can't assign to special loop variable in for-loop target", line);
  }
  if (!hasNamespaces || !stream.skip("operator", ".")) return { kind: "name", name };
  return { kind: "attribute", object: name, name: stream.expect("name").text };
}
