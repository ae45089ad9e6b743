// `{% block %}`, `self` and `super()`. A chat template inherits from none, so a block is printed where it stands; it sees the variables
// that were given and those that the template set at the top, not those of loops around it.
import { pythonError, TemplateSyntaxError } from "../errors.ts";
import type { BlockNode, Statement } from "../syntax/nodes.ts";
import { createFunction } from "../values/functions.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import type { PyString } from "../values/text/text.ts";
import { PyObject, Undefined, type Value } from "../values/value.ts";
import { namesRead, readStatements } from "./analyze.ts";
import { compileEntry, read, type Execute, type Machine, type Place } from "./frame.ts";
import { Scope } from "./scope.ts";

type CompileBody = (place: Place, nodes: readonly Statement[]) => Execute;

export function compileBlock(place: Place, node: BlockNode, compileBody: CompileBody): Execute {
  const { name } = node;
  if (place.blocks.has(name)) throw new TemplateSyntaxError(`block '${name}' defined twice`, node.line);
  // The name is taken before the body is read, which may have a block of the same name.
  place.blocks.set(name, () => "");
  const scope = new Scope();
  const selfIndex = declareSelf(scope, node.body);
  const superIndex = namesRead(node.body, ["super"]).size > 0 ? scope.declareParameter("super").index : undefined;
  readStatements(scope, node.body);
  const body = compileBody({ ...place, scope, isTopLevel: false, isSoft: false, isEscaping: false }, node.body);
  const enter = compileEntry(scope);
  const noParent = new Undefined(`there is no parent block called '${name}'.`);

  place.blocks.set(name, (machine, variables) => {
    const { budget } = machine.run;
    const inner: Machine = variables.size === 0 ? machine : withVariables(machine, variables);
    return budget.deeper(() => {
      const frame = enter(undefined, inner);
      if (selfIndex !== undefined) frame.values[selfIndex] = new TemplateReference(inner);
      if (superIndex !== undefined) frame.values[superIndex] = noParent;
      const out = new TextBuilder(budget);
      body(frame, out);
      return out.finish();
    });
  });

  const visible = node.isScoped ? visibleNames(place.scope) : [];
  return (frame, out) => {
    if (node.isRequired) throw pythonError("TemplateRuntimeError", `Required block '${name}' not found`);
    const variables = new Map<string, Value>();
    for (const { variable, reference } of visible) {
      const value = read(frame, reference);
      if (value !== undefined) variables.set(variable, value);
    }
    out.add(frame.machine.blocks.get(name)?.(frame.machine, variables) as PyString);
    return "next";
  };
}

/** Gives the scope the variable `self` where the nodes read it. */
export function declareSelf(scope: Scope, nodes: readonly Statement[]): number | undefined {
  return namesRead(nodes, ["self"]).size > 0 ? scope.declareParameter("self").index : undefined;
}

/** The variable `self`: the blocks of the template as functions. */
export class TemplateReference extends PyObject {
  override readonly typeName = "TemplateReference";
  readonly #machine: Machine;

  constructor(machine: Machine) {
    super();
    this.#machine = machine;
  }

  override repr(): PyString {
    return "<TemplateReference None>";
  }

  override item(key: Value): Value | undefined {
    return typeof key === "string" ? this.attribute(key) : undefined;
  }

  override attribute(name: string): Value | undefined {
    const block = this.#machine.blocks.get(name);
    return block === undefined ? undefined : createFunction(name, () => block(this.#machine, new Map()));
  }
}

function withVariables(machine: Machine, variables: ReadonlyMap<string, Value>): Machine {
  return { ...machine, variables: new Map([...machine.variables, ...variables]) };
}

function visibleNames(scope: Scope): { variable: string; reference: { hops: number; index: number } }[] {
  const names = new Set<string>();
  for (let next: Scope | undefined = scope; next !== undefined; next = next.parent) {
    for (const { name } of next.loads()) names.add(name);
  }
  return [...names].flatMap((variable) => {
    const reference = scope.find(variable);
    return reference === undefined ? [] : [{ variable, reference }];
  });
}
