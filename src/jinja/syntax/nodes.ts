// The tree of a template.
import type { Value } from "../values/value.ts";

export interface Argument {
  readonly name: string;
  readonly value: Expression;
}

/** What stands between the parentheses of a call: `f(a, b=c, *d, **e)`. */
export interface CallArguments {
  readonly positional: readonly Expression[];
  readonly keywords: readonly Argument[];
  readonly star?: Expression | undefined;
  readonly doubleStar?: Expression | undefined;
}

export type ArithmeticOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";
export type ComparisonOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

export interface FilterNode {
  readonly kind: "filter";
  readonly name: string;
  /** Missing where a block is filtered. */
  readonly input?: Expression | undefined;
  readonly given: CallArguments;
  readonly line: number;
}

export interface CallNode {
  readonly kind: "call";
  readonly callee: Expression;
  readonly given: CallArguments;
}

export type Expression =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list" | "tuple"; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly entries: readonly { readonly key: Expression; readonly value: Expression }[] }
  | {
      readonly kind: "conditional";
      readonly test: Expression;
      readonly chosen: Expression;
      readonly otherwise?: Expression | undefined;
      readonly line: number;
    }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "not"; readonly operand: Expression }
  | { readonly kind: "sign"; readonly sign: "-" | "+"; readonly operand: Expression }
  | {
      readonly kind: "arithmetic";
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "concat"; readonly parts: readonly Expression[] }
  | { readonly kind: "compare"; readonly first: Expression; readonly rest: readonly Comparison[] }
  | { readonly kind: "attribute"; readonly object: Expression; readonly name: string }
  | { readonly kind: "item"; readonly object: Expression; readonly key: Expression }
  | SliceNode
  | CallNode
  | FilterNode
  | {
      readonly kind: "test";
      readonly name: string;
      readonly input: Expression;
      readonly given: CallArguments;
      readonly line: number;
    };

export interface Comparison {
  readonly operator: ComparisonOperator;
  readonly value: Expression;
}

/** `object[start:stop:step]`. */
export interface SliceNode {
  readonly kind: "slice";
  readonly object: Expression;
  readonly start?: Expression | undefined;
  readonly stop?: Expression | undefined;
  readonly step?: Expression | undefined;
}

/** What an assignment writes to: a name, an attribute of a namespace, or several at once. */
export type Target =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "attribute"; readonly object: string; readonly name: string }
  | { readonly kind: "tuple"; readonly items: readonly Target[] };

export interface Parameter {
  readonly name: string;
  readonly fallback?: Expression | undefined;
}

/** The body of a macro, or what a `call` block hands over. */
export interface MacroNode {
  /** Missing where a block has no name of its own. */
  readonly name?: string | undefined;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
  readonly line: number;
}

export interface IfNode {
  readonly kind: "if";
  readonly line: number;
  readonly test: Expression;
  readonly body: readonly Statement[];
  readonly elifs: readonly IfNode[];
  readonly otherwise: readonly Statement[];
}

export interface ForNode {
  readonly kind: "for";
  readonly target: Target;
  readonly iterable: Expression;
  readonly test?: Expression | undefined;
  readonly isRecursive: boolean;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[];
  readonly line: number;
}

export interface BlockNode {
  readonly kind: "block";
  readonly name: string;
  readonly isScoped: boolean;
  readonly isRequired: boolean;
  readonly body: readonly Statement[];
  readonly line: number;
}

/** A statement, and the line on which its tag or its expression begins. */
export type Statement = StatementForm & { readonly line: number };

export type StatementForm =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly value: Expression }
  | IfNode
  | ForNode
  | { readonly kind: "set"; readonly target: Target; readonly value: Expression }
  | {
      readonly kind: "set block";
      readonly target: Target;
      readonly filter?: FilterNode | undefined;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: "with";
      readonly bindings: readonly { readonly target: Target; readonly value: Expression }[];
      readonly body: readonly Statement[];
    }
  | { readonly kind: "macro"; readonly macro: MacroNode & { readonly name: string } }
  | { readonly kind: "call block"; readonly call: CallNode; readonly macro: MacroNode }
  | { readonly kind: "generation"; readonly macro: MacroNode }
  | { readonly kind: "filter block"; readonly filter: FilterNode; readonly body: readonly Statement[] }
  | { readonly kind: "autoescape"; readonly value: Expression; readonly body: readonly Statement[] }
  | BlockNode
  | { readonly kind: "break" | "continue" }
  | { readonly kind: "import"; readonly template: Expression; readonly names: readonly string[] };
