// Expressions with operators, from the loosest to the tightest: `a if b else c`, `or`, `and`, `not`, comparisons, + and -, `~`,
// * / // and %, **, signs. Signs bind tighter than `**`, and `**` groups from the left: so it is in jinja2, unlike Python.
import type { ArithmeticOperator, Comparison, ComparisonOperator, Expression } from "./nodes.ts";
import { parseFilters, parsePostfix, parsePrimary, type Parser, type TupleOptions } from "./primary.ts";
import { describe, matches, type TokenStream } from "./tokens.ts";

export class ExpressionParser implements Parser {
  readonly stream: TokenStream;

  constructor(stream: TokenStream) {
    this.stream = stream;
  }

  expression(): Expression {
    return this.#conditional();
  }

  /** One expression, or several with commas between them as a tuple. */
  tuple({ isParenthesized = false, hasConditionals = true, ends = [] }: TupleOptions = {}): Expression {
    const items: Expression[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.#endsTuple(ends)) break;
      items.push(hasConditionals ? this.expression() : this.#or());
      if (!this.stream.isOperator(",")) break;
      isTuple = true;
    }
    const [first] = items;
    if (!isTuple && first !== undefined) return first;
    if (items.length === 0 && !isParenthesized) {
      this.stream.fail(`Expected an expression, got '${describe(this.stream.current)}'`);
    }
    return { kind: "tuple", items };
  }

  #endsTuple(ends: readonly string[]): boolean {
    return (
      this.stream.is("variable_end") ||
      this.stream.is("block_end") ||
      this.stream.isOperator(")") ||
      this.stream.isName(...ends)
    );
  }

  #conditional(): Expression {
    let { line } = this.stream.current;
    let chosen = this.#or();
    while (this.stream.skip("name", "if")) {
      const test = this.#or();
      const otherwise = this.stream.skip("name", "else") ? this.#conditional() : undefined;
      chosen = { kind: "conditional", test, chosen, otherwise, line };
      ({ line } = this.stream.current);
    }
    return chosen;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.stream.skip("name", "or")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.stream.skip("name", "and")) left = { kind: "and", left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    return this.stream.skip("name", "not") ? { kind: "not", operand: this.#not() } : this.#compare();
  }

  #compare(): Expression {
    const first = this.#sum();
    const rest: Comparison[] = [];
    for (let operator = this.#comparison(); operator !== undefined; operator = this.#comparison()) {
      rest.push({ operator, value: this.#sum() });
    }
    return rest.length === 0 ? first : { kind: "compare", first, rest };
  }

  #comparison(): ComparisonOperator | undefined {
    const { stream } = this;
    if (stream.isOperator("==", "!=", "<", "<=", ">", ">=")) return stream.next().text as ComparisonOperator;
    if (stream.skip("name", "in")) return "in";
    if (!stream.isName("not") || !matches(stream.following, "name", "in")) return undefined;
    stream.next();
    stream.next();
    return "not in";
  }

  #sum(): Expression {
    return this.#leftToRight(() => this.#concat(), "+", "-");
  }

  #concat(): Expression {
    const first = this.#product();
    if (!this.stream.isOperator("~")) return first;
    const parts = [first];
    while (this.stream.skip("operator", "~")) parts.push(this.#product());
    return { kind: "concat", parts };
  }

  #product(): Expression {
    return this.#leftToRight(() => this.#power(), "*", "/", "//", "%");
  }

  #power(): Expression {
    return this.#leftToRight(() => this.#sign(), "**");
  }

  #leftToRight(operand: () => Expression, ...operators: readonly ArithmeticOperator[]): Expression {
    let left = operand();
    while (this.stream.isOperator(...operators)) {
      const operator = this.stream.next().text as ArithmeticOperator;
      left = { kind: "arithmetic", operator, left, right: operand() };
    }
    return left;
  }

  #sign(hasFilters = true): Expression {
    const node = this.stream.isOperator("-", "+")
      ? ({ kind: "sign", sign: this.stream.next().text as "-" | "+", operand: this.#sign(false) } as const)
      : parsePrimary(this);
    const whole = parsePostfix(this, node);
    return hasFilters ? parseFilters(this, whole) : whole;
  }
}
