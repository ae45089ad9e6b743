// `object.name` and `object[key]` as a template in the sandbox reads them: the dot asks for an attribute first and then for a key, the
// brackets ask for a key first. What is missing is undefined; what the sandbox forbids is undefined with an error of its own.
import { isPythonError, typeError } from "../errors.ts";
import { characterAt } from "../operators/subscript.ts";
import { createMethod } from "../values/functions.ts";
import { repr } from "../values/repr.ts";
import { isText, plain, type PyString } from "../values/text/text.ts";
import { objectName, typeName, undefinedError } from "../values/types.ts";
import { Dict, isInteger, List, PyObject, Tuple, Undefined, type Call, type Run, type Value } from "../values/value.ts";
import { containerMethod, isMutator } from "./containers.ts";
import { numberAttribute, scalarMethod } from "./scalars.ts";
import { stringMethod } from "./strings.ts";

/** `object.name`. */
export function getAttribute(run: Run, object: Value, name: PyString): Value {
  run.budget.steps(1);
  if (object instanceof Undefined) return isDunder(plain(name)) ? unsafe(object, plain(name)) : fail(object);
  const found = member(run, object, plain(name));
  if (found !== undefined) return found;
  const key = entry(run, object, name);
  return key === undefined ? missing(object, name) : key;
}

function fail(value: Undefined): never {
  throw undefinedError(value);
}

/** `object[key]`. */
export function getItem(run: Run, object: Value, key: Value): Value {
  run.budget.steps(1);
  if (object instanceof Undefined) throw undefinedError(object);
  const found = entry(run, object, key);
  if (found !== undefined) return found;
  const attribute = isText(key) ? member(run, object, plain(key)) : undefined;
  return attribute === undefined ? missing(object, key, run) : attribute;
}

/** What Python's own subscription finds; undefined where it raises. */
function entry(run: Run, object: Value, key: Value): Value | undefined {
  if (object instanceof Dict) return keyed(object, key);
  if (object instanceof PyObject) return object.item(key, run);
  if (!isInteger(key)) return undefined;
  const index = Number(key);
  if (object instanceof List || object instanceof Tuple) {
    return object.items[index < 0 ? index + object.items.length : index];
  }
  return isText(object) ? characterAt(run, object, index) : undefined;
}

function keyed(dict: Dict, key: Value): Value | undefined {
  try {
    return dict.get(key);
  } catch (error) {
    // A key that cannot be hashed is a key that is not there.
    if (isPythonError(error, "TypeError")) return undefined;
    throw error;
  }
}

/** An attribute of Python's; undefined where there is none. */
function member(run: Run, object: Value, name: string): Value | undefined {
  if (name.startsWith("_")) return isDunder(name) ? unsafe(object, name) : undefined;
  if (isMutator(object, name)) return unsafe(object, name);
  if (object instanceof Tuple && object.fields !== undefined) {
    const index = object.fields.indexOf(name);
    if (index !== -1) return object.items[index];
  }
  const method = methodOf(object, name);
  if (method !== undefined) return bound(object, name, method);
  return object instanceof PyObject ? object.attribute(name, run) : numberAttribute(object, name);
}

function methodOf(object: Value, name: string): Call | undefined {
  if (isText(object)) return stringMethod(object, name);
  return containerMethod(object, name) ?? scalarMethod(object, name);
}

function bound(object: Value, name: string, method: Call): Value {
  return createMethod(name, typeName(object), (run, given) =>
    method(run, { positional: [object, ...given.positional], keywords: given.keywords }),
  );
}

/** Attributes that every object of Python's has. */
const dunders = new Set(
  "class delattr dir doc eq format ge getattribute gt hash init init_subclass le lt ne new reduce reduce_ex repr setattr sizeof str subclasshook"
    .split(" ")
    .map((name) => `__${name}__`),
);

function isDunder(name: string): boolean {
  return dunders.has(name);
}

function unsafe(object: Value, name: string): Undefined {
  return new Undefined(`access to attribute '${name}' of '${typeName(object)}' object is unsafe.`, "SecurityError");
}

function missing(object: Value, key: Value, run?: Run): Undefined {
  if (isText(key)) return new Undefined(`'${objectName(object)}' has no attribute '${plain(key)}'`);
  return new Undefined(`${objectName(object)} has no element ${run === undefined ? "" : plain(repr(run, key))}`);
}

/** Calls a value. */
export function callValue(run: Run, callee: Value, given: Parameters<Call>[1]): Value {
  run.budget.steps(1);
  if (callee instanceof Undefined) throw undefinedError(callee);
  const call = callee instanceof PyObject ? callee.call : undefined;
  if (call === undefined) throw typeError(`'${typeName(callee)}' object is not callable`);
  return call(run, given);
}
