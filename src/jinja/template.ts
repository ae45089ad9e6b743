// Chat templates as Python renders them: jinja2 3.1.6 in the environment in which transformers renders them (immutable sandbox,
// `trim_blocks`, `lstrip_blocks`, loop controls, `generation`, its own `tojson`, `raise_exception`, `strftime_now`). Parse once, render
// often. The output knows which of its characters the template wrote and which the caller did, so that a caller's text never becomes a
// control token; a template may neither hang nor fill the memory, whatever it says.
import { globals } from "./builtins/globals.ts";
import { tests } from "./builtins/tests.ts";
import { readStatements } from "./compile/analyze.ts";
import { declareSelf, TemplateReference } from "./compile/blocks.ts";
import { compileEntry, type Machine, type Place, type RenderBlock } from "./compile/frame.ts";
import { Scope } from "./compile/scope.ts";
import { compileStatements } from "./compile/statements.ts";
import { TemplateSyntaxError } from "./errors.ts";
import { filters } from "./filters/table.ts";
import { Budget, defaultLimits, exceeded, type RenderLimits } from "./limits.ts";
import { getAttribute, getItem } from "./methods/lookup.ts";
import { parseStatements } from "./syntax/statements.ts";
import { fromJavaScript } from "./values/from-json.ts";
import { TextBuilder } from "./values/text/text-builder.ts";
import { plain, runsOf, type Origin, type Run as TextRun } from "./values/text/text.ts";
import type { Run, Value } from "./values/value.ts";

/** Values of JavaScript: null, booleans, numbers, bigints, strings, arrays, plain objects, Maps, and `Float` for a float that is whole. */
export interface Variables {
  /** What counts as the template's own text, such as `bos_token`. A name in both groups is taken from here. */
  readonly trusted?: Readonly<Record<string, unknown>>;
  /** What the caller wrote: messages, tools, documents, further arguments of the template. */
  readonly untrusted?: Readonly<Record<string, unknown>>;
}

export interface RenderOptions {
  /** What `strftime_now` sees, in the time zone of the process. @default now */
  readonly now?: Date;
  /** @default {@link defaultLimits} */
  readonly limits?: Partial<RenderLimits>;
  /** Milliseconds, from any start. Without it the limit of time does not hold. */
  readonly clock?: () => number;
}

/** A stretch of the output that one side wrote. */
export interface OutputRun {
  readonly text: string;
  readonly origin: Origin;
}

export interface Rendered {
  readonly text: string;
  /** The text in stretches, in order; none is empty, and neighbours differ in origin. Numbers and booleans count as the template's. */
  readonly runs: readonly OutputRun[];
}

export interface Template {
  /** Throws a `TemplateRuntimeError`. */
  render(variables: Variables, options?: RenderOptions): Rendered;
}

/** Throws a `TemplateSyntaxError` that names line and reason. */
export function parseTemplate(source: string): Template {
  const render = withStack(
    () => compileTemplate(source),
    () => new TemplateSyntaxError("the template is nested too deeply", 1),
  );
  return { render };
}

function compileTemplate(source: string): Template["render"] {
  const nodes = parseStatements(source);
  const blocks = new Map<string, RenderBlock>();
  const scope = new Scope();
  const selfIndex = declareSelf(scope, nodes);
  readStatements(scope, nodes);
  const place: Place = { scope, isTopLevel: true, isSoft: false, isEscaping: false, blocks, known: { filters, tests } };
  const body = compileStatements(place, nodes);
  const enter = compileEntry(scope);

  return (variables, { now = new Date(), limits = {}, clock } = {}) => {
    const all = { ...defaultLimits, ...limits };
    const budget = new Budget(all, clock);
    const run: Run = { budget, now, filters, tests, attribute: getAttribute, item: getItem };
    const machine: Machine = { run, globals, blocks, variables: toValues(variables) };
    const out = new TextBuilder(budget, all.output);
    withStack(
      () => {
        const frame = enter(undefined, machine);
        if (selfIndex !== undefined) frame.values[selfIndex] = new TemplateReference(machine);
        body(frame, out);
      },
      () => exceeded("depth", all.depth),
    );
    const text = out.finish();
    return { text: plain(text), runs: runsOf(text) satisfies TextRun[] };
  };
}

function toValues({ trusted = {}, untrusted = {} }: Variables): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const [group, origin] of [
    [untrusted, "caller"],
    [trusted, "template"],
  ] as const) {
    for (const [name, value] of Object.entries(group)) {
      if (value !== undefined) values.set(name, fromJavaScript(value, origin));
    }
  }
  return values;
}

/** Runs `work`, and throws `error` where the stack ends before it does. */
function withStack<T>(work: () => T, error: () => Error): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof RangeError) throw error();
    throw thrown;
  }
}
