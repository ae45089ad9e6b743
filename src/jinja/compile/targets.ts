// Assigning: to a name, to an attribute of a namespace, or to several at once.
import { pythonError, typeError, valueError } from "../errors.ts";
import { Namespace } from "../builtins/objects.ts";
import type { Target } from "../syntax/nodes.ts";
import { iterable } from "../values/iterate.ts";
import { typeName } from "../values/types.ts";
import type { Run, Value } from "../values/value.ts";
import { compileName, type Frame, type Place } from "./frame.ts";

export type Assign = (frame: Frame, value: Value) => void;

export function compileTarget(place: Place, target: Target): Assign {
  if (target.kind === "name") {
    const index = place.scope.find(target.name)?.index as number;
    const { name } = target;
    if (!place.isTopLevel) {
      return (frame, value) => {
        frame.values[index] = value;
      };
    }
    return (frame, value) => {
      frame.values[index] = value;
      frame.machine.variables.set(name, value);
    };
  }
  if (target.kind === "attribute") {
    const object = compileName(place.scope, target.object);
    return (frame, value) => {
      const namespace = object(frame);
      if (!(namespace instanceof Namespace)) {
        throw pythonError("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
      }
      namespace.set(target.name, value);
    };
  }
  const items = target.items.map((item) => compileTarget(place, item));
  return (frame, value) => {
    const values = unpack(frame.machine.run, value, items.length);
    for (const [index, assign] of items.entries()) assign(frame, values[index] as Value);
  };
}

/** Exactly `count` items of a value. */
function unpack(run: Run, value: Value, count: number): Value[] {
  const items = iterable(run, value);
  if (items === undefined) throw typeError(`cannot unpack non-iterable ${typeName(value)} object`);
  const values: Value[] = [];
  for (const item of items) {
    values.push(item);
    if (values.length > count) throw valueError(`too many values to unpack (expected ${count})`);
  }
  if (values.length < count) throw valueError(`not enough values to unpack (expected ${count}, got ${values.length})`);
  return values;
}
