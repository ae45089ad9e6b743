// Calls of functions, filters and tests.
import { pythonError, TemplateSyntaxError, typeError } from "../errors.ts";
import { callValue } from "../methods/lookup.ts";
import type { CallArguments, CallNode, Expression } from "../syntax/nodes.ts";
import { toItems } from "../values/iterate.ts";
import { isText, plain } from "../values/text/text.ts";
import { typeName } from "../values/types.ts";
import { Dict, type Arguments, type Keyword, type Value } from "../values/value.ts";
import type { Evaluate, Frame, Place } from "./frame.ts";

export type Compile = (node: Expression) => Evaluate;

export function compileCall(node: CallNode, compile: Compile): Evaluate {
  const callee = compile(node.callee);
  const given = compileArguments(node.given, compile);
  return (frame) => callValue(frame.machine.run, callee(frame), given(frame));
}

/** The arguments of a call, each evaluated where it stands. */
export function compileArguments(node: CallArguments, compile: Compile): (frame: Frame) => Arguments {
  const positional = node.positional.map(compile);
  const keywords = node.keywords.map(({ name, value }) => ({ name, value: compile(value) }));
  const star = node.star === undefined ? undefined : compile(node.star);
  const doubleStar = node.doubleStar === undefined ? undefined : compile(node.doubleStar);
  return (frame) => {
    const values = positional.map((value) => value(frame));
    if (star !== undefined) for (const value of toItems(frame.machine.run, star(frame))) values.push(value);
    const named: Keyword[] = keywords.map(({ name, value }) => ({ name, value: value(frame) }));
    if (doubleStar !== undefined) unpack(named, doubleStar(frame));
    return { positional: values, keywords: named };
  };
}

function unpack(named: Keyword[], mapping: Value): void {
  if (!(mapping instanceof Dict)) throw typeError(`argument after ** must be a mapping, not ${typeName(mapping)}`);
  const taken = new Set(named.map(({ name }) => plain(name)));
  for (const [name, value] of mapping.entries()) {
    if (!isText(name)) throw typeError("keywords must be strings");
    if (taken.has(plain(name))) throw typeError(`got multiple values for keyword argument '${plain(name)}'`);
    named.push({ name, value });
  }
}

export function compileFilter(place: Place, node: Expression & { kind: "filter" }, compile: Compile): Evaluate {
  if (node.input === undefined) throw new TemplateSyntaxError("A filter has nothing to filter.", node.line);
  return compileNamed(place, { ...node, input: compile(node.input), group: "filters" }, compile);
}

export function compileTest(place: Place, node: Expression & { kind: "test" }, compile: Compile): Evaluate {
  return compileNamed(place, { ...node, input: compile(node.input), group: "tests" }, compile);
}

export interface Named {
  readonly name: string;
  readonly group: "filters" | "tests";
  readonly input: Evaluate;
  readonly given: CallArguments;
  readonly line: number;
}

/** A filter or a test of a value. Unknown ones are errors of the template, within an `if` only when they are reached. */
export function compileNamed(place: Place, { name, group, input, given, line }: Named, compile: Compile): Evaluate {
  const what = group === "filters" ? "filter" : "test";
  const call = place.known[group].get(name);
  if (call === undefined) {
    if (!place.isSoft) throw new TemplateSyntaxError(`No ${what} named '${name}'.`, line);
    return () => {
      throw pythonError("TemplateRuntimeError", `No ${what} named '${name}' found.`);
    };
  }
  const rest = compileArguments(given, compile);
  return (frame) => {
    const { run } = frame.machine;
    run.budget.steps(1);
    const value = input(frame);
    const { positional, keywords } = rest(frame);
    return call(run, { positional: [value, ...positional], keywords });
  };
}
