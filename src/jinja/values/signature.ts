// How a function written here takes Python's arguments.
import { typeError } from "../errors.ts";
import { plain } from "./text/text.ts";
import type { Arguments, Call, Keyword, Run, Value } from "./value.ts";

/** Arguments beyond the named parameters, where the function takes them. */
export interface Extra {
  readonly positional: readonly Value[];
  readonly keywords: readonly Keyword[];
}

/** The function itself: arguments in the order of its parameters, undefined where one was not given. */
export type Body = (run: Run, values: readonly (Value | undefined)[], extra: Extra) => Value;

/**
 * A function with the parameters that `parameters` names, separated by blanks: `name` must be given and `name?` may be, `/` in front
 * allows no keywords, and `*` and `**` at the end take more positional and more keyword arguments.
 */
export function define(name: string, parameters: string, body: Body): Call {
  const words = parameters.split(" ").filter((word) => word !== "");
  const isPositional = words[0] === "/";
  const named = words.filter((word) => word !== "/" && !word.startsWith("*")).map((word) => word.replace("?", ""));
  const required = words.filter((word) => word !== "/" && !/^\*|\?$/.test(word)).length;
  const takesMore = words.includes("*");
  const takesKeywords = words.includes("**");

  return (run: Run, given: Arguments): Value => {
    const values: (Value | undefined)[] = given.positional.slice(0, named.length);
    if (given.positional.length > named.length && !takesMore) {
      throw typeError(`${name}() takes at most ${named.length} arguments (${given.positional.length} given)`);
    }
    const others: Keyword[] = [];
    for (const keyword of given.keywords) {
      const key = plain(keyword.name);
      const index = isPositional ? -1 : named.indexOf(key);
      if (index === -1) {
        if (!takesKeywords) throw typeError(`${name}() got an unexpected keyword argument '${key}'`);
        others.push(keyword);
      } else if (values[index] !== undefined) throw typeError(`${name}() got multiple values for argument '${key}'`);
      else values[index] = keyword.value;
    }
    for (let index = 0; index < required; index += 1) {
      if (values[index] === undefined) throw typeError(`${name}() missing a required argument: '${named[index]}'`);
    }
    return body(run, values, { positional: given.positional.slice(named.length), keywords: others });
  };
}

/** The argument, or what stands for it where none was given. None is an argument like any other. */
export function or(value: Value | undefined, usual: Value): Value {
  return value === undefined ? usual : value;
}

/** A table of functions: each by its name, its parameters and its body. */
export function defineAll(functions: Readonly<Record<string, readonly [string, Body]>>): ReadonlyMap<string, Call> {
  return new Map(Object.entries(functions).map(([name, [parameters, body]]) => [name, define(name, parameters, body)]));
}
