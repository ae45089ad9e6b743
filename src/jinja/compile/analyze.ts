// Goes through the nodes of a scope and tells it which names they read and write. What has a scope of its own (the inside of loops,
// macros, blocks) is left out: it is gone through when it is compiled, after all of its outer scope is known.
import type { CallArguments, Expression, MacroNode, Statement, Target } from "../syntax/nodes.ts";
import type { Scope } from "./scope.ts";

export function readExpression(scope: Scope, node: Expression): void {
  if (node.kind === "name") scope.read(node.name);
  else for (const child of childrenOf(node)) readExpression(scope, child);
}

export function writeTarget(scope: Scope, target: Target): void {
  if (target.kind === "name") scope.write(target.name);
  else if (target.kind === "attribute") scope.read(target.object);
  else for (const item of target.items) writeTarget(scope, item);
}

/** The names of a target become parameters of the scope, as those of a loop do. */
export function declareTarget(scope: Scope, target: Target): void {
  if (target.kind === "name") scope.declareParameter(target.name);
  else if (target.kind === "attribute") scope.read(target.object);
  else for (const item of target.items) declareTarget(scope, item);
}

export function readStatements(scope: Scope, nodes: readonly Statement[]): void {
  for (const node of nodes) readStatement(scope, node);
}

function readStatement(scope: Scope, node: Statement): void {
  switch (node.kind) {
    case "print":
      return readExpression(scope, node.value);
    case "if": {
      readExpression(scope, node.test);
      const arms = [node.body, node.elifs, node.otherwise].map((nodes) => {
        const arm = scope.arm();
        readStatements(arm, nodes);
        return arm;
      });
      return scope.join(arms);
    }
    case "for":
      return readExpression(scope, node.iterable);
    case "set":
      readExpression(scope, node.value);
      return writeTarget(scope, node.target);
    case "set block":
      return writeTarget(scope, node.target);
    case "with":
      for (const { value } of node.bindings) readExpression(scope, value);
      return undefined;
    case "macro":
      return scope.write(node.macro.name);
    case "call block":
      return readExpression(scope, node.call);
    case "filter block":
      return readExpression(scope, node.filter);
    case "import":
      readExpression(scope, node.template);
      for (const name of node.names) scope.write(name);
      return undefined;
    case "autoescape":
      return readExpression(scope, node.value);
    case "block":
    case "generation":
    case "text":
    case "break":
    case "continue":
      return undefined;
  }
}

/** The parts of an expression that are evaluated where it is. */
export function childrenOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case "constant":
    case "name":
      return [];
    case "list":
    case "tuple":
      return node.items;
    case "dict":
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case "conditional":
      return [node.test, node.chosen, ...present(node.otherwise)];
    case "and":
    case "or":
    case "arithmetic":
      return [node.left, node.right];
    case "not":
    case "sign":
      return [node.operand];
    case "concat":
      return node.parts;
    case "compare":
      return [node.first, ...node.rest.map(({ value }) => value)];
    case "attribute":
      return [node.object];
    case "item":
      return [node.object, node.key];
    case "slice":
      return [node.object, ...present(node.start), ...present(node.stop), ...present(node.step)];
    case "call":
      return [node.callee, ...argumentsOf(node.given)];
    case "filter":
      return [...present(node.input), ...argumentsOf(node.given)];
    case "test":
      return [node.input, ...argumentsOf(node.given)];
  }
}

function argumentsOf(given: CallArguments): Expression[] {
  return [
    ...given.positional,
    ...given.keywords.map(({ value }) => value),
    ...present(given.star),
    ...present(given.doubleStar),
  ];
}

function present(node: Expression | undefined): Expression[] {
  return node === undefined ? [] : [node];
}

/**
 * Which of `names` the nodes read before they write them, whatever scopes lie between; blocks are not looked into. This decides
 * whether a loop makes its `loop`, and what a macro takes beside its parameters.
 */
export function namesRead(nodes: readonly Statement[], names: readonly string[]): ReadonlySet<string> {
  const search: Search = { wanted: new Set(names), found: new Set() };
  searchStatements(search, nodes);
  return search.found;
}

interface Search {
  readonly wanted: Set<string>;
  readonly found: Set<string>;
}

function searchExpression(search: Search, node: Expression | undefined): void {
  if (node === undefined) return;
  if (node.kind === "name" && search.wanted.has(node.name)) search.found.add(node.name);
  for (const child of childrenOf(node)) searchExpression(search, child);
}

function searchTarget(search: Search, target: Target): void {
  if (target.kind === "name") search.wanted.delete(target.name);
  else if (target.kind === "tuple") for (const item of target.items) searchTarget(search, item);
}

function searchMacro(search: Search, macro: MacroNode): void {
  for (const { name } of macro.parameters) search.wanted.delete(name);
  for (const { fallback } of macro.parameters) searchExpression(search, fallback);
  searchStatements(search, macro.body);
}

function searchStatements(search: Search, nodes: readonly Statement[]): void {
  for (const node of nodes) {
    switch (node.kind) {
      case "print":
        searchExpression(search, node.value);
        break;
      case "if":
        searchExpression(search, node.test);
        searchStatements(search, node.body);
        searchStatements(search, node.elifs);
        searchStatements(search, node.otherwise);
        break;
      case "for":
        searchTarget(search, node.target);
        searchExpression(search, node.iterable);
        searchStatements(search, node.body);
        searchStatements(search, node.otherwise);
        searchExpression(search, node.test);
        break;
      case "set":
        searchTarget(search, node.target);
        searchExpression(search, node.value);
        break;
      case "set block":
        searchTarget(search, node.target);
        searchExpression(search, node.filter);
        searchStatements(search, node.body);
        break;
      case "with":
        for (const { target } of node.bindings) searchTarget(search, target);
        for (const { value } of node.bindings) searchExpression(search, value);
        searchStatements(search, node.body);
        break;
      case "macro":
      case "generation":
        searchMacro(search, node.macro);
        break;
      case "call block":
        searchExpression(search, node.call);
        searchMacro(search, node.macro);
        break;
      case "filter block":
        searchStatements(search, node.body);
        searchExpression(search, node.filter);
        break;
      case "autoescape":
        searchExpression(search, node.value);
        searchStatements(search, node.body);
        break;
      case "import":
        searchExpression(search, node.template);
        break;
      case "block":
      case "text":
      case "break":
      case "continue":
        break;
    }
  }
}
