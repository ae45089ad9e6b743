// The functions and classes that every template has.
import { pythonError, TemplateRuntimeError, typeError } from "../errors.ts";
import { createRange } from "../values/collections.ts";
import { Callable, createClass, createFunction } from "../values/functions.ts";
import { iterable } from "../values/iterate.ts";
import { toText } from "../values/repr.ts";
import { define, or } from "../values/signature.ts";
import { isText, plain } from "../values/text/text.ts";
import { typeName } from "../values/types.ts";
import { Dict, type PyObject, type Run, type Value } from "../values/value.ts";
import { createNamespace, Cycler, Joiner } from "./objects.ts";
import { formatTime } from "./strftime.ts";
import { toDict } from "./to-dict.ts";

/** The class `dict`, which can be called and has `fromkeys`. */
class DictClass extends Callable {
  constructor() {
    super((run, given) => toDict(run, "dict", given), { repr: "<class 'dict'>", typeName: "type" });
  }

  override attribute(name: string): Value | undefined {
    if (name !== "fromkeys") return undefined;
    const fromKeys = define("fromkeys", "/ iterable value?", (run, [keys, value]) =>
      toDict(run, "dict", { positional: [new Dict(keyed(run, keys as Value, value ?? null))], keywords: [] }),
    );
    return new Callable(fromKeys, {
      repr: "<built-in method fromkeys of type object at 0x7f0000000000>",
      typeName: "builtin_function_or_method",
    });
  }
}

/** By their names. Nothing in them changes, so all renderings share them. */
export const globals: ReadonlyMap<string, Value> = new Map<string, PyObject>([
  [
    "range",
    createFunction("safe_range", (_run, { positional, keywords }) => {
      const [keyword] = keywords;
      if (keyword !== undefined)
        throw typeError(`safe_range() got an unexpected keyword argument '${plain(keyword.name)}'`);
      return createRange(positional);
    }),
  ],
  ["dict", new DictClass()],
  [
    "namespace",
    createClass("jinja2.utils.Namespace", (run, { positional, keywords }) =>
      createNamespace(run, positional, keywords),
    ),
  ],
  [
    "cycler",
    createClass(
      "jinja2.utils.Cycler",
      define("Cycler", "*", (_run, _values, { positional }) => new Cycler(positional)),
    ),
  ],
  [
    "joiner",
    createClass(
      "jinja2.utils.Joiner",
      define("Joiner", "sep?", (_run, [separator]) => new Joiner(or(separator, ", "))),
    ),
  ],
  [
    "lipsum",
    createFunction("generate_lorem_ipsum", () => {
      throw pythonError("NotImplementedError", "lipsum makes random text, which no prompt can be made of.");
    }),
  ],
  [
    "raise_exception",
    createFunction(
      "raise_exception",
      define("raise_exception", "message", (run, [message]) => {
        throw new TemplateRuntimeError("raised", "TemplateError", plain(toText(run, message as Value)));
      }),
    ),
  ],
  [
    "strftime_now",
    createFunction(
      "strftime_now",
      define("strftime_now", "format", (run, [format]) => {
        if (format === undefined || !isText(format))
          throw typeError(`strftime() argument 1 must be str, not ${typeName(format ?? null)}`);
        run.budget.text(plain(format).length * 16);
        return formatTime(run.now, format);
      }),
    ),
  ],
]);

function* keyed(run: Run, keys: Value, value: Value): Iterable<readonly [Value, Value]> {
  const items = iterable(run, keys);
  if (items === undefined) throw typeError(`'${typeName(keys)}' object is not iterable`);
  for (const key of items) {
    run.budget.steps(1);
    yield [key, value];
  }
}
