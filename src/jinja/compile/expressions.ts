// Expressions as functions of a frame.
import { calculate, negate } from "../operators/arithmetic.ts";
import { slice } from "../operators/subscript.ts";
import type { ComparisonOperator, Expression, SliceNode } from "../syntax/nodes.ts";
import { contains, isEqual, isOrdered } from "../values/compare.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { withMarkup } from "../values/text/text.ts";
import { isTrue } from "../values/types.ts";
import { Dict, List, Tuple, Undefined, type Run, type Value } from "../values/value.ts";
import { compileCall, compileFilter, compileTest } from "./calls.ts";
import { compileEscaping, printed } from "./escaping.ts";
import { compileName, type Evaluate, type Frame, type Place } from "./frame.ts";

export function compileExpression(place: Place, node: Expression): Evaluate {
  const compile = (child: Expression): Evaluate => compileExpression(place, child);
  switch (node.kind) {
    case "constant": {
      const { value } = node;
      return () => value;
    }
    case "name":
      return compileName(place.scope, node.name);
    case "list":
    case "tuple":
      return compileItems(node.kind, node.items.map(compile));
    case "dict":
      return compileDict(node.entries.map(({ key, value }) => [compile(key), compile(value)] as const));
    case "conditional":
      return compileConditional({ ...place, isSoft: true }, node);
    case "and":
    case "or": {
      const [left, right, isAnd] = [compile(node.left), compile(node.right), node.kind === "and"];
      return (frame) => {
        const value = left(frame);
        return isTrue(value, frame.machine.run) === isAnd ? right(frame) : value;
      };
    }
    case "not": {
      const operand = compile(node.operand);
      return (frame) => !isTrue(operand(frame), frame.machine.run);
    }
    case "sign": {
      const [operand, { sign }] = [compile(node.operand), node];
      return (frame) => negate(operand(frame), sign);
    }
    case "arithmetic": {
      const [left, right, { operator }] = [compile(node.left), compile(node.right), node];
      return (frame) => calculate(frame.machine.run, operator, [left(frame), right(frame)]);
    }
    case "concat":
      return compileConcat(node.parts.map(compile), compileEscaping(place));
    case "compare":
      return compileComparison(
        compile(node.first),
        node.rest.map(({ operator, value }) => ({ operator, value: compile(value) })),
      );
    case "attribute": {
      const [object, { name }] = [compile(node.object), node];
      return (frame) => frame.machine.run.attribute(frame.machine.run, object(frame), name);
    }
    case "item": {
      const [object, key] = [compile(node.object), compile(node.key)];
      return (frame) => frame.machine.run.item(frame.machine.run, object(frame), key(frame));
    }
    case "slice":
      return compileSlice(place, node);
    case "call":
      return compileCall(node, compile);
    case "filter":
      return compileFilter(place, node, compile);
    case "test":
      return compileTest(place, node, compile);
  }
}

function compileItems(kind: "list" | "tuple", items: readonly Evaluate[]): Evaluate {
  return (frame) => {
    frame.machine.run.budget.items(items.length);
    const values = items.map((item) => item(frame));
    return kind === "list" ? new List(values) : new Tuple(values);
  };
}

function compileDict(entries: readonly (readonly [Evaluate, Evaluate])[]): Evaluate {
  return (frame) => {
    frame.machine.run.budget.items(entries.length * 2);
    return new Dict(entries.map(([key, value]) => [key(frame), value(frame)] as const));
  };
}

function compileConditional(place: Place, node: Expression & { kind: "conditional" }): Evaluate {
  const test = compileExpression(place, node.test);
  const chosen = compileExpression(place, node.chosen);
  const missing = new Undefined(
    `the inline if-expression on line ${node.line} evaluated to false and no else section was defined.`,
  );
  const otherwise = node.otherwise === undefined ? (): Value => missing : compileExpression(place, node.otherwise);
  return (frame) => (isTrue(test(frame), frame.machine.run) ? chosen(frame) : otherwise(frame));
}

function compileConcat(parts: readonly Evaluate[], escaping: (frame: Frame) => boolean): Evaluate {
  return (frame) => {
    const { run } = frame.machine;
    const isEscaping = escaping(frame);
    const builder = new TextBuilder(run.budget);
    for (const part of parts) {
      const value = part(frame);
      builder.add(printed(run, value, isEscaping));
    }
    return withMarkup(builder.finish(), isEscaping);
  };
}

function compileComparison(
  first: Evaluate,
  rest: readonly { readonly operator: ComparisonOperator; readonly value: Evaluate }[],
): Evaluate {
  return (frame) => {
    const { run } = frame.machine;
    let left = first(frame);
    for (const { operator, value } of rest) {
      run.budget.steps(1);
      const right = value(frame);
      if (!holds(run, operator, { left, right })) return false;
      left = right;
    }
    return true;
  };
}

function holds(run: Run, operator: ComparisonOperator, { left, right }: { left: Value; right: Value }): boolean {
  if (operator === "==") return isEqual(run, left, right);
  if (operator === "!=") return !isEqual(run, left, right);
  if (operator === "in") return contains(run, right, left);
  return operator === "not in" ? !contains(run, right, left) : isOrdered(run, operator, { left, right });
}

function compileSlice(place: Place, node: SliceNode): Evaluate {
  const [object, start, stop, step] = [node.object, node.start, node.stop, node.step].map((part) =>
    part === undefined ? (): Value => null : compileExpression(place, part),
  ) as [Evaluate, Evaluate, Evaluate, Evaluate];
  return (frame) =>
    slice(frame.machine.run, object(frame), { start: start(frame), stop: stop(frame), step: step(frame) });
}
