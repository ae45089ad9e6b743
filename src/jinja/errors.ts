// What can go wrong with a template: it cannot be parsed, or it fails while it renders. Both are told apart from faults of ours, and
// a refusal by the template itself apart from an error in it and from a limit of ours.

/** A template that cannot be parsed. `reason` is Python's message where Python has one. */
export class TemplateSyntaxError extends Error {
  /** Counted from 1. */
  readonly line: number;
  readonly reason: string;

  constructor(reason: string, line: number) {
    super(`line ${line}: ${reason}`);
    this.name = "TemplateSyntaxError";
    this.reason = reason;
    this.line = line;
  }
}

/**
 * `raised`: the template called `raise_exception`. `error`: Python would refuse, for instance because a value has the wrong type.
 * `limit`: the template asks for more steps, text, depth or time than it is given.
 */
export type RuntimeErrorKind = "raised" | "error" | "limit";

/** A rendering that failed. */
export class TemplateRuntimeError extends Error {
  readonly kind: RuntimeErrorKind;
  /** The line of the statement in which it happened, counted from 1. Undefined until a statement has been left by it. */
  line: number | undefined;
  /** Name of the exception that Python raises here, such as `UndefinedError`; of limits, the name of the limit. */
  readonly type: string;

  constructor(kind: RuntimeErrorKind, type: string, message: string) {
    super(message);
    this.name = "TemplateRuntimeError";
    this.kind = kind;
    this.type = type;
  }
}

/** The error, with the line where none is known yet: the innermost statement is the first to be left. */
export function atLine(error: unknown, line: number | undefined): unknown {
  if (error instanceof TemplateRuntimeError) error.line ??= line;
  return error;
}

/** An exception that Python would raise. */
export function pythonError(type: string, message: string): TemplateRuntimeError {
  return new TemplateRuntimeError("error", type, message);
}

export function typeError(message: string): TemplateRuntimeError {
  return pythonError("TypeError", message);
}

export function valueError(message: string): TemplateRuntimeError {
  return pythonError("ValueError", message);
}

/** True where `error` is one of the exceptions of Python that are named. */
export function isPythonError(error: unknown, ...types: readonly string[]): error is TemplateRuntimeError {
  return error instanceof TemplateRuntimeError && error.kind === "error" && types.includes(error.type);
}
