// `{% for %}`. Each iteration enters the scope of the body anew.
import type { ForNode, Statement } from "../syntax/nodes.ts";
import { iterate } from "../values/iterate.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { isTrue } from "../values/types.ts";
import type { Value } from "../values/value.ts";
import { declareTarget, namesRead, readExpression, readStatements } from "./analyze.ts";
import { compileExpression } from "./expressions.ts";
import { compileEntry, type Execute, type Frame, type Place } from "./frame.ts";
import { LoopContext } from "./loop-context.ts";
import { Scope } from "./scope.ts";
import { compileTarget } from "./targets.ts";

export type CompileBody = (place: Place, nodes: readonly Statement[]) => Execute;

export function compileFor(place: Place, node: ForNode, compileBody: CompileBody): Execute {
  const source = compileExpression(place, node.iterable);
  const filter = node.test === undefined ? undefined : compileTestOf(place, node);
  const scope = new Scope(place.scope);
  const inner: Place = { ...place, scope, isTopLevel: false, isSoft: false };
  const loopIndex = needsLoop(node) ? scope.declareParameter("loop").index : undefined;
  declareTarget(scope, node.target);
  readStatements(scope, node.body);
  const body = compileBody(inner, node.body);
  const assign = compileTarget(inner, node.target);
  const enter = compileEntry(scope);
  const otherwise = compileElse(inner, { outer: place.scope, nodes: node.otherwise, compileBody });

  const render = (frame: Frame, items: Value, { out, depth }: { out: TextBuilder; depth: number }): void => {
    const { machine } = frame;
    const { run } = machine;
    const all = iterate(run, items);
    const recurse = (others: Value): Value =>
      run.budget.deeper(() => {
        const text = new TextBuilder(run.budget);
        render(frame, others, { out: text, depth: depth + 1 });
        return text.finish();
      });
    const loop = new LoopContext(run, filter === undefined ? all : filter(frame, all), {
      source: filter === undefined ? items : undefined,
      depth,
      recurse: node.isRecursive ? recurse : undefined,
    });
    // As in jinja2, a loop none of whose iterations comes to its end counts as one without items.
    let isEmpty = true;
    for (let item = loop.advance(); item !== undefined; item = loop.advance()) {
      const iteration = enter(frame, machine);
      if (loopIndex !== undefined) iteration.values[loopIndex] = loop;
      assign(iteration, item);
      const flow = body(iteration, out);
      if (flow === "break") break;
      if (flow === "next") isEmpty = false;
    }
    if (isEmpty) otherwise?.(frame, out);
  };

  return (frame, out) => {
    render(frame, source(frame), { out, depth: 0 });
    return "next";
  };
}

function needsLoop(node: ForNode): boolean {
  return node.isRecursive || namesRead(node.body, ["loop"]).size > 0 || hasScopedBlock(node.body);
}

function hasScopedBlock(nodes: readonly Statement[]): boolean {
  return nodes.some((node) => {
    if (node.kind === "block") return node.isScoped || hasScopedBlock(node.body);
    if (node.kind === "if") {
      return hasScopedBlock(node.body) || hasScopedBlock(node.elifs) || hasScopedBlock(node.otherwise);
    }
    return "body" in node && hasScopedBlock(node.body);
  });
}

/** The items for which the loop's condition holds, found one by one. */
function compileTestOf(place: Place, node: ForNode): (frame: Frame, items: Iterable<Value>) => Iterable<Value> {
  const scope = new Scope(place.scope);
  const inner: Place = { ...place, scope, isTopLevel: false, isSoft: false };
  declareTarget(scope, node.target);
  const condition = node.test;
  if (condition === undefined) return (_frame, items) => items;
  readExpression(scope, condition);
  const test = compileExpression(inner, condition);
  const assign = compileTarget(inner, node.target);
  const enter = compileEntry(scope);
  return function* chosen(frame, items) {
    for (const item of items) {
      frame.machine.run.budget.steps(1);
      const trial = enter(frame, frame.machine);
      assign(trial, item);
      if (isTrue(test(trial), frame.machine.run)) yield item;
    }
  };
}

function compileElse(
  place: Place,
  { outer, nodes, compileBody }: { outer: Scope; nodes: readonly Statement[]; compileBody: CompileBody },
): Execute | undefined {
  if (nodes.length === 0) return undefined;
  const scope = new Scope(outer);
  readStatements(scope, nodes);
  const body = compileBody({ ...place, scope }, nodes);
  const enter = compileEntry(scope);
  return (frame, out) => body(enter(frame, frame.machine), out);
}
