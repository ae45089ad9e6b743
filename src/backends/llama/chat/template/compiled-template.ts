// A model's chat template, parsed by our Jinja engine, with the errors of this room. Templates come with model files, so they are a
// stranger's programs: the engine limits their steps, their text and their time.
import { TemplateRuntimeError, TemplateSyntaxError } from "../../../../jinja/errors.ts";
import { parseTemplate, type Rendered, type Template, type Variables } from "../../../../jinja/template.ts";
import type { RenderLimits } from "../../../../jinja/limits.ts";

/** The template called `raise_exception`; the message is its author's, about the conversation. */
export class TemplateRaisedError extends Error {}

/** The template cannot be parsed, fails as it would in Python, or passed a limit. */
export class TemplateRunError extends Error {}

/** A limit was passed, other than that of depth, which Python has too: another form of the same conversation would pass it as well. */
export class TemplateLimitError extends TemplateRunError {}

export interface RunOptions {
  readonly now?: Date;
  readonly limits?: Partial<RenderLimits>;
}

/** A parsed template; it can be run any number of times. */
export interface CompiledTemplate {
  readonly source: string;
  /** @throws TemplateRaisedError, TemplateRunError */
  run(variables: Variables, options?: RunOptions): Rendered;
}

/** Names of the engine's own, which callers' variables must not replace. */
export const GLOBAL_NAMES: ReadonlySet<string> = new Set([
  "true",
  "false",
  "none",
  "True",
  "False",
  "None",
  "range",
  "dict",
  "lipsum",
  "cycler",
  "joiner",
  "namespace",
  "raise_exception",
  "strftime_now",
]);

/** @throws TemplateRunError naming line and reason when the template cannot be parsed */
export function compileTemplate(source: string): CompiledTemplate {
  const template = parse(source);
  return {
    source,
    run(variables, { now = new Date(), limits = {} } = {}) {
      try {
        return template.render(variables, { now, limits, clock: () => performance.now() });
      } catch (error) {
        if (!(error instanceof TemplateRuntimeError)) throw error;
        const at = error.line === undefined ? "" : `line ${error.line}: `;
        if (error.kind === "raised") throw new TemplateRaisedError(at + error.message, { cause: error });
        const Failure = error.kind === "limit" && error.type !== "depth" ? TemplateLimitError : TemplateRunError;
        throw new Failure(`${at}${error.type}: ${error.message}`, { cause: error });
      }
    },
  };
}

function parse(source: string): Template {
  try {
    return parseTemplate(source);
  } catch (error) {
    if (error instanceof TemplateSyntaxError) throw new TemplateRunError(error.message, { cause: error });
    throw error;
  }
}
