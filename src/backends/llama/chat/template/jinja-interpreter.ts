// @huggingface/jinja's interpreter with limits, and with Python's behaviour where published templates rely on it and the package
// differs: `strip(characters)`, filters and loops over undefined values, text + undefined, text * number, tuples in loops,
// `object | string`. The package's evaluation recurses through one public method, which is overridden here.
import * as jinja from "@huggingface/jinja";

/** Upper limits of one run. */
export interface TemplateLimits {
  /** Evaluated syntax nodes. @default 5,000,000 */
  readonly maxSteps?: number;
  /** Milliseconds of wall time. @default 5,000 */
  readonly maxMs?: number;
  /** UTF-16 units of the output and of any other string; a list has at most a sixteenth as many items. @default 16,777,216 */
  readonly maxLength?: number;
}

/** The template is broken, uses what the interpreter does not support, or exceeded a limit. */
export class TemplateRunError extends Error {}

// The package's declarations name their siblings without extensions, which Node's resolution does not follow; these are the
// parts of its runtime that are used here.
export interface SyntaxNode {
  readonly type: string;
}
export interface Environment {
  set(name: string, value: unknown): unknown;
}
interface RuntimeValue {
  readonly type: string;
  readonly value: unknown;
  toString(): string;
}
interface CallNode extends SyntaxNode {
  readonly callee: SyntaxNode;
  readonly args: readonly SyntaxNode[];
}
interface MemberNode extends SyntaxNode {
  readonly object: SyntaxNode;
  readonly property: SyntaxNode & { readonly value?: unknown };
  readonly computed: boolean;
}
interface FilterNode extends SyntaxNode {
  readonly operand: SyntaxNode;
  readonly filter: SyntaxNode & { readonly value?: unknown; readonly callee?: { readonly value?: unknown } };
}
interface BinaryNode extends SyntaxNode {
  readonly operator: { readonly value: string };
  readonly left: SyntaxNode;
  readonly right: SyntaxNode;
}
interface ForNode extends SyntaxNode {
  readonly iterable: SyntaxNode & { readonly lhs?: SyntaxNode; readonly test?: SyntaxNode };
}
/** A node that the package does not have: an operand that is evaluated already. */
interface ValueNode extends SyntaxNode {
  readonly type: "Value";
  readonly value: RuntimeValue;
}
interface Interpreter {
  evaluate(node: SyntaxNode | undefined, environment: Environment): RuntimeValue;
  run(program: SyntaxNode): RuntimeValue;
}
type ValueConstructor = new (value: unknown) => RuntimeValue;

const JinjaInterpreter = jinja.Interpreter as unknown as new (environment: Environment) => Interpreter;
const JinjaEnvironment = jinja.Environment as unknown as new () => Environment;
const tokenize = jinja.tokenize as unknown as (source: string, options: Record<string, boolean>) => unknown;
const parse = jinja.parse as unknown as (tokens: unknown) => SyntaxNode;

const StringValue = literalConstructor("StringLiteral", "");
const IntegerValue = literalConstructor("IntegerLiteral", 0);
const ArrayValue = literalConstructor("ArrayLiteral", []);

/** Results of filters on an undefined operand, which Python's Jinja treats as "" and as an empty sequence. */
const UNDEFINED_RESULTS: Readonly<Record<string, () => RuntimeValue>> = {
  ...Object.fromEntries(
    ["trim", "upper", "lower", "title", "capitalize", "string", "join", "indent", "replace"].map((name) => [
      name,
      emptyString,
    ]),
  ),
  ...Object.fromEntries(
    [
      "list",
      "selectattr",
      "rejectattr",
      "select",
      "reject",
      "map",
      "items",
      "sort",
      "reverse",
      "unique",
      "dictsort",
    ].map((name) => [name, () => new ArrayValue([])]),
  ),
  length: () => new IntegerValue(0),
};

export function createEnvironment(variables: Readonly<Record<string, unknown>>): Environment {
  const environment = new JinjaEnvironment();
  for (const [name, value] of Object.entries(variables)) {
    // The environment has a `namespace` of its own.
    if (value !== undefined && name !== "namespace") environment.set(name, value);
  }
  return environment;
}

/** Parses as transformers does: `trim_blocks`, `lstrip_blocks`, and `{% generation %}` as its content. */
export function parseTemplate(source: string): SyntaxNode {
  const plain = source
    .replaceAll(/\{%([-+]?)\s*generation\s*([-+]?)%\}/g, "{%$1 if true $2%}")
    .replaceAll(/\{%([-+]?)\s*endgeneration\s*([-+]?)%\}/g, "{%$1 endif $2%}");
  return parse(tokenize(plain, { lstrip_blocks: true, trim_blocks: true }));
}

/** Runs one template once. */
export class BoundedInterpreter extends JinjaInterpreter {
  readonly #maxSteps: number;
  readonly #maxLength: number;
  readonly #deadlineMs: number;
  #steps = 0;

  constructor(environment: Environment, limits: TemplateLimits) {
    super(environment);
    this.#maxSteps = limits.maxSteps ?? 5_000_000;
    this.#maxLength = limits.maxLength ?? 16_777_216;
    this.#deadlineMs = performance.now() + (limits.maxMs ?? 5_000);
  }

  override evaluate(node: SyntaxNode | undefined, environment: Environment): RuntimeValue {
    this.#steps += 1;
    if (this.#steps > this.#maxSteps) throw new TemplateRunError("the template takes too many steps");
    if (this.#steps % 1024 === 0 && performance.now() > this.#deadlineMs) {
      throw new TemplateRunError("the template takes too long");
    }
    const value = this.#evaluateAsPython(node, environment) ?? super.evaluate(node, environment);
    const content = value.value;
    const isLong = typeof content === "string" && content.length > this.#maxLength;
    if (isLong || (Array.isArray(content) && content.length > this.#maxLength / 16)) {
      throw new TemplateRunError("the template makes too much text");
    }
    return value;
  }

  #evaluateAsPython(node: SyntaxNode | undefined, environment: Environment): RuntimeValue | undefined {
    switch (node?.type) {
      case "Value":
        return (node as ValueNode).value;
      case "CallExpression":
        return this.#strip(node as CallNode, environment);
      case "FilterExpression":
        return this.#filter(node as FilterNode, environment);
      case "BinaryExpression":
        return this.#binary(node as BinaryNode, environment);
      case "For":
        return this.#loop(node as ForNode, environment);
      default:
        return undefined;
    }
  }

  /** `text.strip(characters)` and its siblings: the package ignores the argument. */
  #strip(node: CallNode, environment: Environment): RuntimeValue | undefined {
    const { callee, args } = node;
    if (callee.type !== "MemberExpression" || args.length !== 1) return undefined;
    const { object, property, computed } = callee as MemberNode;
    const method = property.value;
    if (computed || (method !== "strip" && method !== "lstrip" && method !== "rstrip")) return undefined;
    const target = this.evaluate(object, environment);
    const characters = this.evaluate(args[0], environment);
    if (target.type !== "StringValue" || characters.type !== "StringValue") return undefined;
    return new StringValue(stripCharacters(String(target.value), { characters: String(characters.value), method }));
  }

  #filter(node: FilterNode, environment: Environment): RuntimeValue | undefined {
    const name = String(node.filter.type === "CallExpression" ? node.filter.callee?.value : node.filter.value);
    const operand = this.evaluate(node.operand, environment);
    if (operand.type === "UndefinedValue" || operand.type === "NullValue") {
      const result = UNDEFINED_RESULTS[name];
      if (result !== undefined) return result();
    }
    if (name === "string" && operand.type === "ObjectValue") return new StringValue(operand.toString());
    return super.evaluate({ ...node, operand: valueNode(operand) } as FilterNode, environment);
  }

  #binary(node: BinaryNode, environment: Environment): RuntimeValue | undefined {
    const operator = node.operator.value;
    if (operator !== "+" && operator !== "*") return undefined;
    const left = this.evaluate(node.left, environment);
    const right = this.evaluate(node.right, environment);
    if (operator === "+") {
      // Text + undefined is the text: published templates add a parameter's description that callers need not give.
      if (left.type === "StringValue" && right.type === "UndefinedValue") return left;
      if (left.type === "UndefinedValue" && right.type === "StringValue") return right;
    } else if (left.type === "StringValue" && right.type === "IntegerValue") return this.#repeat(left, right);
    return super.evaluate({ ...node, left: valueNode(left), right: valueNode(right) } as BinaryNode, environment);
  }

  #repeat(text: RuntimeValue, times: RuntimeValue): RuntimeValue {
    const unit = String(text.value);
    const count = Math.max(0, Number(times.value));
    if (unit.length * count > this.#maxLength) throw new TemplateRunError("the template makes too much text");
    return new StringValue(unit.repeat(count));
  }

  #loop(node: ForNode, environment: Environment): RuntimeValue | undefined {
    const select = node.iterable.type === "SelectExpression";
    const evaluated = this.evaluate(select ? node.iterable.lhs : node.iterable, environment);
    const sequence = valueNode(evaluated.type === "UndefinedValue" ? new ArrayValue([]) : unpackable(evaluated));
    const iterable = select ? { ...node.iterable, lhs: sequence } : sequence;
    return super.evaluate({ ...node, iterable } as ForNode, environment);
  }
}

function valueNode(value: RuntimeValue): ValueNode {
  return { type: "Value", value };
}

/** The package unpacks lists in a loop but not tuples. */
function unpackable(value: RuntimeValue): RuntimeValue {
  const items = value.value;
  if (!Array.isArray(items) || !items.some((item: RuntimeValue) => item.type === "TupleValue")) return value;
  return new ArrayValue(
    items.map((item: RuntimeValue) => (item.type === "TupleValue" ? new ArrayValue(item.value) : item)),
  );
}

function emptyString(): RuntimeValue {
  return new StringValue("");
}

/** The package does not export its value classes; a literal evaluates to one. */
function literalConstructor(type: string, value: unknown): ValueConstructor {
  const environment = new JinjaEnvironment();
  const node = { type, value } as SyntaxNode;
  return new JinjaInterpreter(environment).evaluate(node, environment).constructor as ValueConstructor;
}

function stripCharacters(text: string, { characters, method }: { characters: string; method: string }): string {
  const set = new Set(characters);
  const units = Array.from(text);
  let start = 0;
  let stop = units.length;
  if (method !== "rstrip") while (start < stop && set.has(units[start] ?? "")) start += 1;
  if (method !== "lstrip") while (stop > start && set.has(units[stop - 1] ?? "")) stop -= 1;
  return units.slice(start, stop).join("");
}
