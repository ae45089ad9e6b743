// What a compiled template works on: the variables of each scope that is entered, and what one rendering shares.
import { typeError } from "../errors.ts";
import type { TextBuilder } from "../values/text/text-builder.ts";
import { Undefined, type Call, type Run, type Value } from "../values/value.ts";
import type { Reference, Scope } from "./scope.ts";

/** One rendering. */
export interface Machine {
  readonly run: Run;
  /** The variables given, and those that the template sets outside of all loops and macros: these a block sees. */
  readonly variables: Map<string, Value>;
  readonly globals: ReadonlyMap<string, Value>;
  readonly blocks: ReadonlyMap<string, RenderBlock>;
}

/** Renders a block; variables of a scoped block are given. */
export type RenderBlock = (machine: Machine, variables: ReadonlyMap<string, Value>) => Value;

/** The variables of a scope that has been entered. */
export interface Frame {
  /** By their place in the scope; undefined where a variable has no value. */
  readonly values: (Value | undefined)[];
  readonly parent: Frame | undefined;
  readonly machine: Machine;
}

/** What a statement does to the loop around it. */
export type Flow = "next" | "break" | "continue";

export type Evaluate = (frame: Frame) => Value;
export type Execute = (frame: Frame, out: TextBuilder) => Flow;

/** The filters and tests that there are. */
export interface Known {
  readonly filters: ReadonlyMap<string, Call>;
  readonly tests: ReadonlyMap<string, Call>;
}

/** Where something is compiled. */
export interface Place {
  readonly scope: Scope;
  /** Outside of all loops, macros and blocks. */
  readonly isTopLevel: boolean;
  /** Directly within an `if`: unknown filters and tests are errors only when they are reached. */
  readonly isSoft: boolean;
  /** Whether what is printed is escaped; `by value`: a variable of the scope has it. */
  readonly isEscaping: boolean | "by value";
  /** The blocks of the template so far. */
  readonly blocks: Map<string, RenderBlock>;
  readonly known: Known;
}

/** The value of a variable that was given or set at the top, or a global; undefined where there is none. */
export function resolve(machine: Machine, name: string): Value | undefined {
  const { variables, globals } = machine;
  const value = variables.get(name);
  return value === undefined ? globals.get(name) : value;
}

/** A function that enters `scope`: it makes the frame with the values with which the variables begin. */
export function compileEntry(scope: Scope): (parent: Frame | undefined, machine: Machine) => Frame {
  const resolved: { name: string; index: number }[] = [];
  const aliases: { index: number; from: Reference }[] = [];
  for (const { name, index, load } of scope.loads()) {
    if (load.kind === "resolve") resolved.push({ name, index });
    else if (load.kind === "alias") aliases.push({ index, from: load.from });
  }
  // Copying an array is much quicker than making one of a given length.
  let blank: readonly (Value | undefined)[] | undefined;
  return (parent, machine) => {
    blank ??= Array.from<undefined>({ length: scope.size });
    const values = blank.slice();
    const frame: Frame = { values, parent, machine };
    for (const { name, index } of resolved) values[index] = resolve(machine, name);
    for (const { index, from } of aliases) values[index] = read(frame, from);
    return frame;
  };
}

export function read(frame: Frame, { hops, index }: Reference): Value | undefined {
  let owner = frame;
  for (let hop = 0; hop < hops; hop += 1) owner = owner.parent as Frame;
  return owner.values[index];
}

/** Evaluates a name. A variable without a value is undefined. */
export function compileName(scope: Scope, name: string): Evaluate {
  const reference = scope.find(name);
  if (reference === undefined) throw typeError(`'${name}' was not met in its scope`);
  const missing = new Undefined(`'${name}' is undefined`);
  const { hops, index } = reference;
  if (hops === 0) return (frame) => orMissing(frame.values[index], missing);
  if (hops === 1) return (frame) => orMissing((frame.parent as Frame).values[index], missing);
  return (frame) => orMissing(read(frame, reference), missing);
}

function orMissing(value: Value | undefined, missing: Undefined): Value {
  return value === undefined ? missing : value;
}
