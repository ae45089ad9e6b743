// Macros, and what a `call` block hands to the macro that it calls.
import { TemplateSyntaxError, typeError } from "../errors.ts";
import type { MacroNode, Statement } from "../syntax/nodes.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { plain, withMarkup, type PyString } from "../values/text/text.ts";
import {
  Dict,
  PyObject,
  Tuple,
  Undefined,
  type Arguments,
  type Call,
  type Keyword,
  type Value,
} from "../values/value.ts";
import { namesRead, readExpression, readStatements } from "./analyze.ts";
import { compileEscaping } from "./escaping.ts";
import { compileExpression } from "./expressions.ts";
import { compileEntry, type Evaluate, type Execute, type Frame, type Place } from "./frame.ts";
import { Scope } from "./scope.ts";

type CompileBody = (place: Place, nodes: readonly Statement[]) => Execute;

/** A macro as its nodes describe it. */
interface Form {
  readonly name: string | undefined;
  readonly parameters: readonly {
    readonly name: string;
    readonly index: number;
    readonly fallback: Evaluate | undefined;
  }[];
  /** Places of what a macro takes beside its parameters, where its body reads them. */
  readonly caller: number | undefined;
  readonly kwargs: number | undefined;
  readonly varargs: number | undefined;
  /** Whether `caller` is one of the parameters. */
  readonly hasExplicitCaller: boolean;
  readonly enter: ReturnType<typeof compileEntry>;
  readonly body: Execute;
  readonly escaping: (frame: Frame) => boolean;
}

/** A function that makes the macro where its definition is reached. */
export function compileMacro(place: Place, node: MacroNode, compileBody: CompileBody): (frame: Frame) => Macro {
  const scope = new Scope(place.scope);
  const inner: Place = { ...place, scope, isTopLevel: false, isSoft: false };
  for (const { name } of node.parameters) scope.declareParameter(name);
  for (const { fallback } of node.parameters) if (fallback !== undefined) readExpression(scope, fallback);
  readStatements(scope, node.body);
  const extra = namesRead(node.body, ["caller", "kwargs", "varargs"]);
  const names = new Set(node.parameters.map(({ name }) => name));
  const explicit = node.parameters.find(({ name }) => name === "caller");
  if (explicit !== undefined && explicit.fallback === undefined && extra.has("caller")) {
    throw new TemplateSyntaxError(
      'When defining macros or call blocks the special "caller" argument must be omitted or be given a default.',
      node.line,
    );
  }
  const declareExtra = (name: string): number | undefined =>
    extra.has(name) && !names.has(name) ? scope.declareParameter(name).index : undefined;
  const [caller, kwargs, varargs] = [declareExtra("caller"), declareExtra("kwargs"), declareExtra("varargs")];
  const form: Form = {
    name: node.name,
    parameters: node.parameters.map(({ name, fallback }) => ({
      name,
      index: scope.find(name)?.index as number,
      fallback: fallback === undefined ? undefined : compileExpression(inner, fallback),
    })),
    caller,
    kwargs,
    varargs,
    hasExplicitCaller: explicit !== undefined,
    body: compileBody(inner, node.body),
    enter: compileEntry(scope),
    escaping: compileEscaping(place),
  };
  return (frame) => new Macro(form, frame);
}

export class Macro extends PyObject {
  override readonly typeName = "Macro";
  readonly #form: Form;
  /** The variables around the definition. */
  readonly #outer: Frame;

  constructor(form: Form, outer: Frame) {
    super();
    this.#form = form;
    this.#outer = outer;
  }

  override repr(): PyString {
    const { name } = this.#form;
    return name === undefined ? "<Macro anonymous>" : `<Macro '${name}'>`;
  }

  override attribute(name: string): Value | undefined {
    const form = this.#form;
    if (name === "name") return form.name ?? null;
    if (name === "arguments") return new Tuple(form.parameters.map((parameter) => parameter.name));
    if (name === "catch_kwargs") return form.kwargs !== undefined;
    if (name === "catch_varargs") return form.varargs !== undefined;
    if (name === "caller") return form.caller !== undefined;
    return name === "explicit_caller" ? form.hasExplicitCaller : undefined;
  }

  override get call(): Call {
    return (_run, given) => this.invoke(given);
  }

  /** Renders the body with these arguments. */
  invoke(given: Arguments): PyString {
    const { machine } = this.#outer;
    const { budget } = machine.run;
    budget.steps(1);
    return budget.deeper(() => {
      const frame = this.#form.enter(this.#outer, machine);
      this.#bind(frame, given);
      const out = new TextBuilder(budget);
      this.#form.body(frame, out);
      return withMarkup(out.finish(), this.#form.escaping(this.#outer));
    });
  }

  #bind(frame: Frame, { positional, keywords }: Arguments): void {
    const form = this.#form;
    const left: Keyword[] = [...keywords];
    for (const [position, { name, index }] of form.parameters.entries()) {
      frame.values[index] = position < positional.length ? positional[position] : take(left, name);
    }
    if (form.caller !== undefined) {
      frame.values[form.caller] = take(left, "caller") ?? new Undefined("No caller defined");
    }
    if (form.kwargs !== undefined) {
      frame.values[form.kwargs] = new Dict(left.map(({ name, value }) => [name, value] as const));
    } else if (left.length > 0) throw this.#unexpected(left);
    const beyond = positional.slice(form.parameters.length);
    if (form.varargs !== undefined) frame.values[form.varargs] = new Tuple(beyond);
    else if (beyond.length > 0) {
      throw typeError(`macro ${this.#printedName} takes not more than ${form.parameters.length} argument(s)`);
    }
    for (const { name, index, fallback } of form.parameters) {
      if (frame.values[index] !== undefined) continue;
      frame.values[index] =
        fallback === undefined ? new Undefined(`parameter '${name}' was not provided`) : fallback(frame);
    }
  }

  get #printedName(): string {
    return this.#form.name === undefined ? "None" : `'${this.#form.name}'`;
  }

  #unexpected(left: readonly Keyword[]): Error {
    if (left.some(({ name }) => plain(name) === "caller")) {
      return typeError(
        `macro ${this.#printedName} was invoked with two values for the special caller argument. This is most likely a bug.`,
      );
    }
    return typeError(`macro ${this.#printedName} takes no keyword argument '${plain(left[0]?.name ?? "")}'`);
  }
}

/** Takes a keyword out of the list. */
function take(keywords: Keyword[], name: string): Value | undefined {
  const index = keywords.findIndex((keyword) => plain(keyword.name) === name);
  return index === -1 ? undefined : keywords.splice(index, 1)[0]?.value;
}
