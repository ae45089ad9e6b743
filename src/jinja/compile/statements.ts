// Statements as functions of a frame that write into a text.
import { atLine, typeError } from "../errors.ts";
import { callValue } from "../methods/lookup.ts";
import type { Expression, FilterNode, IfNode, Statement } from "../syntax/nodes.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { isText, withMarkup, type PyString } from "../values/text/text.ts";
import { isTrue, typeName } from "../values/types.ts";
import type { Value } from "../values/value.ts";
import { declareTarget, readExpression, readStatements } from "./analyze.ts";
import { compileBlock } from "./blocks.ts";
import { compileArguments, compileNamed } from "./calls.ts";
import { compileEscaping, declareEscaping, isFolded, literalTruth, printed } from "./escaping.ts";
import { compileExpression } from "./expressions.ts";
import { compileEntry, type Evaluate, type Execute, type Flow, type Frame, type Place } from "./frame.ts";
import { compileFor } from "./loops.ts";
import { compileMacro } from "./macros.ts";
import { Scope } from "./scope.ts";
import { compileTarget } from "./targets.ts";

/** Runs statements one after the other, up to one that leaves the loop around them. */
export function compileStatements(place: Place, nodes: readonly Statement[]): Execute {
  const statements = nodes.map((node) => compileStatement(place, node));
  const [only] = statements;
  if (only !== undefined && statements.length === 1 && nodes[0]?.kind === "text") return only;
  return (frame, out) => {
    let at = 0;
    try {
      for (; at < statements.length; at += 1) {
        const flow = (statements[at] as Execute)(frame, out);
        if (flow !== "next") return flow;
      }
    } catch (error) {
      throw atLine(error, nodes[at]?.line);
    }
    return "next";
  };
}

function compileStatement(place: Place, node: Statement): Execute {
  switch (node.kind) {
    case "text": {
      const { text } = node;
      return (_frame, out) => {
        out.add(text);
        return "next";
      };
    }
    case "print":
      return compilePrint(place, node.value);
    case "if":
      return compileIf(place, node);
    case "for":
      return compileFor(place, node, compileStatements);
    case "set": {
      const [assign, value] = [compileTarget(place, node.target), compileExpression(place, node.value)];
      return (frame) => {
        frame.machine.run.budget.steps(1);
        assign(frame, value(frame));
        return "next";
      };
    }
    case "set block":
      return compileSetBlock(place, node);
    case "with":
      return compileWith(place, node);
    case "macro": {
      const assign = compileTarget(place, { kind: "name", name: node.macro.name });
      const create = compileMacro(place, node.macro, compileStatements);
      return (frame) => {
        assign(frame, create(frame));
        return "next";
      };
    }
    case "generation": {
      const create = compileMacro(place, node.macro, compileStatements);
      return (frame, out) => {
        out.add(create(frame).invoke({ positional: [], keywords: [] }));
        return "next";
      };
    }
    case "call block":
      return compileCallBlock(place, node);
    case "filter block": {
      const scoped = compileScoped(place, node.body, node.filter);
      return (frame, out) => {
        const { flow, value } = scoped(frame);
        if (flow === "next") out.add(textOf(value));
        return flow;
      };
    }
    case "autoescape":
      return compileAutoescape(place, node);
    case "block":
      return compileBlock(place, node, compileStatements);
    case "break":
    case "continue": {
      const { kind } = node;
      return () => kind;
    }
    case "import":
      return () => {
        throw typeError("no loader for this environment specified");
      };
  }
}

function compilePrint(place: Place, node: Expression): Execute {
  const isLate = place.isEscaping === "by value";
  const escaping = compileEscaping(isLate && isFolded(node) ? { ...place, isEscaping: false } : place);
  const value = compileExpression(isLate && isFolded(node) ? { ...place, isEscaping: false } : place, node);
  return (frame, out) => {
    const { run } = frame.machine;
    run.budget.steps(1);
    out.add(printed(run, value(frame), escaping(frame)));
    return "next";
  };
}

function compileIf(place: Place, node: IfNode): Execute {
  const soft: Place = { ...place, isSoft: true };
  const arms = [node, ...node.elifs].map(({ test, body, line }) => ({
    test: located(compileExpression(soft, test), line),
    body: compileStatements(soft, body),
  }));
  const otherwise = compileStatements(soft, node.otherwise);
  return (frame, out) => {
    const { run } = frame.machine;
    for (const { test, body } of arms) {
      run.budget.steps(1);
      if (isTrue(test(frame), run)) return body(frame, out);
    }
    return otherwise(frame, out);
  };
}

function located(evaluate: Evaluate, line: number): Evaluate {
  return (frame) => {
    try {
      return evaluate(frame);
    } catch (error) {
      throw atLine(error, line);
    }
  };
}

function compileSetBlock(place: Place, node: Statement & { kind: "set block" }): Execute {
  const assign = compileTarget(place, node.target);
  const scoped = compileScoped(place, node.body, node.filter);
  return (frame) => {
    const { flow, value } = scoped(frame);
    if (flow === "next") assign(frame, value);
    return flow;
  };
}

/** What a body prints, in a scope of its own, as one value; filtered where there is a filter. */
function compileScoped(
  place: Place,
  nodes: readonly Statement[],
  filter: FilterNode | undefined,
): (frame: Frame) => { readonly flow: Flow; readonly value: Value } {
  const scope = new Scope(place.scope);
  const inner: Place = { ...place, scope, isTopLevel: false, isSoft: false };
  readStatements(scope, nodes);
  if (filter !== undefined) readExpression(scope, filter);
  const body = compileStatements(inner, nodes);
  const bodyText = scope.declareParameter(" printed").index;
  const change = filter === undefined ? undefined : compileChain(inner, filter, (own) => own.values[bodyText] as Value);
  const enter = compileEntry(scope);
  const escaping = compileEscaping(place);
  return (frame) => {
    const own = enter(frame, frame.machine);
    const out = new TextBuilder(frame.machine.run.budget);
    const flow = body(own, out);
    const text = withMarkup(out.finish(), escaping(frame));
    if (flow !== "next" || change === undefined) return { flow, value: text };
    own.values[bodyText] = text;
    return { flow, value: change(own) };
  };
}

/** The filters of a block, the innermost of which takes what the block has printed. */
function compileChain(place: Place, node: FilterNode, printed: Evaluate): Evaluate {
  const input = node.input === undefined ? printed : compileChain(place, node.input as FilterNode, printed);
  return compileNamed(place, { ...node, input, group: "filters" }, (child) => compileExpression(place, child));
}

function compileWith(place: Place, node: Statement & { kind: "with" }): Execute {
  const scope = new Scope(place.scope);
  const inner: Place = { ...place, scope, isTopLevel: false, isSoft: false };
  for (const { target } of node.bindings) declareTarget(scope, target);
  readStatements(scope, node.body);
  const bindings = node.bindings.map(({ target, value }) => ({
    assign: compileTarget(inner, target),
    value: compileExpression(place, value),
  }));
  const body = compileStatements(inner, node.body);
  const enter = compileEntry(scope);
  return (frame, out) => {
    const own = enter(frame, frame.machine);
    for (const { assign, value } of bindings) assign(own, value(frame));
    return body(own, out);
  };
}

function compileCallBlock(place: Place, node: Statement & { kind: "call block" }): Execute {
  const create = compileMacro(place, node.macro, compileStatements);
  const compile = (child: Expression): Evaluate => compileExpression(place, child);
  const callee = compile(node.call.callee);
  const given = compileArguments(node.call.given, compile);
  return (frame, out) => {
    const { positional, keywords } = given(frame);
    const caller = { name: "caller", value: create(frame) };
    out.add(textOf(callValue(frame.machine.run, callee(frame), { positional, keywords: [...keywords, caller] })));
    return "next";
  };
}

function compileAutoescape(place: Place, node: Statement & { kind: "autoescape" }): Execute {
  const literal = literalTruth(node.value);
  const value = compileExpression(place, node.value);
  const scope = new Scope(place.scope);
  const index = literal === undefined ? declareEscaping(scope) : undefined;
  readStatements(scope, node.body);
  const inner: Place = { ...place, scope, isTopLevel: false, isSoft: false, isEscaping: literal ?? "by value" };
  const body = compileStatements(inner, node.body);
  const enter = compileEntry(scope);
  return (frame, out) => {
    const own = enter(frame, frame.machine);
    if (index !== undefined) own.values[index] = isTrue(value(frame), frame.machine.run);
    return body(own, out);
  };
}

/** What a block's call or filter gives is written as it is, and must be a string. */
function textOf(value: Value): PyString {
  if (isText(value)) return value;
  throw typeError(`sequence item 0: expected str instance, ${typeName(value)} found`);
}
