// Whether what is printed is escaped: `{% autoescape %}` says it when the template is parsed, or by a value when it is rendered.
import type { Expression } from "../syntax/nodes.ts";
import { escaped } from "../values/markup.ts";
import { toText } from "../values/repr.ts";
import { isText, type PyString } from "../values/text/text.ts";
import { Float, type Run, type Value } from "../values/value.ts";
import { childrenOf } from "./analyze.ts";
import { read, type Frame, type Place } from "./frame.ts";
import type { Scope } from "./scope.ts";

/** The variable that holds the answer; no template can have one of this name. */
const variable = " escaping";

/** Declares the variable in the scope of an `autoescape`, and returns its place. */
export function declareEscaping(scope: Scope): number {
  return scope.declareParameter(variable).index;
}

export function compileEscaping({ isEscaping, scope }: Place): (frame: Frame) => boolean {
  if (isEscaping !== "by value") return () => isEscaping;
  const reference = scope.find(variable);
  return (frame) => reference !== undefined && read(frame, reference) === true;
}

/** A value as it is printed. */
export function printed(run: Run, value: Value, isEscaping: boolean): PyString {
  if (isEscaping) return escaped(run, value);
  return isText(value) ? value : toText(run, value);
}

/** What jinja2 works out when it reads the template: such text is not escaped where a value says only later whether it would be. */
export function isFolded(node: Expression): boolean {
  switch (node.kind) {
    case "constant":
      return true;
    case "list":
    case "tuple":
    case "dict":
    case "conditional":
    case "and":
    case "or":
    case "not":
    case "sign":
    case "arithmetic":
    case "concat":
    case "compare":
      return childrenOf(node).every(isFolded);
    default:
      return false;
  }
}

/** The truth of a literal; undefined for other expressions, which tell when they are evaluated. */
export function literalTruth(node: Expression): boolean | undefined {
  if (node.kind !== "constant") return undefined;
  const { value } = node;
  return value instanceof Float ? value.value !== 0 : Boolean(value);
}
