// Runs a model's Jinja template with limits. Templates come with model files, so they are programs of strangers: each run has
// a ceiling on evaluated nodes, on time, and on the size of every string and list it makes.
//
// What cannot be bounded this way is a single built-in call (`tojson` of a list nested in itself many times over, one huge
// `indent`): it ends only at the language's own limit on strings. Parsing is not bounded either; it happens once, at load.
import {
  BoundedInterpreter,
  createEnvironment,
  parseTemplate,
  TemplateRunError,
  type TemplateLimits,
} from "./jinja-interpreter.ts";
import { formatTime } from "./format-time.ts";

/** `raise_exception` in the template: its author's own words about the conversation. */
export class TemplateRaisedError extends Error {}

/** A parsed template: runs any number of times, one at a time. */
export interface CompiledTemplate {
  readonly source: string;
  /** Throws {@link TemplateRaisedError} or {@link TemplateRunError}. */
  run(variables: Readonly<Record<string, unknown>>, options?: TemplateLimits & { readonly now?: Date }): string;
}

/** Names that a template finds and callers' variables must not replace. */
export const GLOBAL_NAMES: ReadonlySet<string> = new Set([...Object.keys(globals(new Date(0))), "namespace"]);

const MAX_RANGE = 100_000;

/** Parses a template. Throws {@link TemplateRunError}. */
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
