// Runs a model's Jinja template with limits. Templates come with model files, so they are untrusted programs: each run is limited in
// evaluated nodes, in time, and in the size of every string and list that it makes.
//
// A single built-in call (`tojson` of a list nested in itself many times over, one huge `indent`) is not bounded this way: it ends
// only at JavaScript's own limit on strings. Parsing is not bounded either; it happens once, at load.
import {
  BoundedInterpreter,
  createEnvironment,
  parseTemplate,
  TemplateRunError,
  type TemplateLimits,
} from "./jinja-interpreter.ts";
import { formatTime } from "./format-time.ts";

/** The template called `raise_exception`; the message is its author's, about the conversation. */
export class TemplateRaisedError extends Error {}

/** A parsed template: runs any number of times, one at a time. */
export interface CompiledTemplate {
  readonly source: string;
  /** @throws TemplateRaisedError, TemplateRunError */
  run(variables: Readonly<Record<string, unknown>>, options?: TemplateLimits & { readonly now?: Date }): string;
}

/** Names of globals, which callers' variables must not replace. */
export const GLOBAL_NAMES: ReadonlySet<string> = new Set([...Object.keys(globals(new Date(0))), "namespace"]);

const MAX_RANGE = 100_000;

/** @throws TemplateRunError when the template cannot be parsed */
export function compileTemplate(source: string): CompiledTemplate {
  const program = translateErrors(() => parseTemplate(source));
  return {
    source,
    run(variables, options = {}) {
      return translateErrors(() => {
        const environment = createEnvironment({ ...variables, ...globals(options.now ?? new Date()) });
        return String(new BoundedInterpreter(environment, options).run(program).value);
      });
    },
  };
}

function translateErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateRaisedError || error instanceof TemplateRunError) throw error;
    const message = error instanceof RangeError ? "the template nests too deeply or makes too much text" : undefined;
    throw new TemplateRunError(message ?? (error instanceof Error ? error.message : String(error)), { cause: error });
  }
}

function globals(now: Date): Record<string, unknown> {
  return {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    range: boundedRange,
    strftime_now: (format: unknown) => formatTime(now, String(format)),
    raise_exception: (message: unknown) => {
      throw new TemplateRaisedError(String(message));
    },
  };
}

function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (step === 0) throw new TemplateRunError("range() with a step of zero");
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!(count <= MAX_RANGE)) throw new TemplateRunError("range() is too long");
  return Array.from({ length: count }, (_, index) => start + index * step);
}
