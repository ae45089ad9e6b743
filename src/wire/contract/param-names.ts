// Translates a path in a domain request (`sampling.logitBias`) to the name that a dialect has for that field (`logit_bias`). Backends
// name fields by the domain's paths, so that they need to know no dialect.
import { ServerError } from "../../domain/errors.ts";

/**
 * The dialect's names by beginnings of domain paths. `[]` stands for any index, and the n-th one on the right takes the
 * n-th index on the left. The rest of the path follows as it is; of several beginnings the longest counts.
 */
export type ParamNames = Readonly<Record<string, string>>;

/** The dialect's name for a domain path. A path that the table does not know has the same name in both. */
export function renameParam(path: string, names: ParamNames): string {
  const beginnings = Object.keys(names).sort((a, b) => b.length - a.length);
  for (const beginning of beginnings) {
    const match = toPattern(beginning).exec(path);
    if (match === null) continue;
    const [matched, ...indices] = match;
    const name = (names[beginning] ?? "").replaceAll("[]", () => `[${indices.shift() ?? ""}]`);
    return name + path.slice(matched.length);
  }
  return path;
}

/**
 * The error with the dialect's names for fields: in `param`, in braces in its message, and where the message names the field at fault
 * without braces. Anything but a `ServerError` is returned as it is.
 */
export function withDialectParam(thrown: unknown, toParam: (path: string) => string): unknown {
  if (!(thrown instanceof ServerError)) return thrown;
  const { kind, param: path, retryAfterSeconds } = thrown;
  const param = path === undefined ? undefined : toParam(path);
  const named = withDialectFields(thrown.message, toParam);
  const message =
    path === undefined || param === undefined || param === path
      ? named
      : named.replaceAll(new RegExp(`(?<![\\w.])${escape(path)}(?!\\w)`, "g"), () => param);
  if (param === path && message === thrown.message) return thrown;
  return new ServerError(
    kind,
    {
      message,
      ...(param === undefined ? {} : { param }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
    { cause: thrown },
  );
}

/** The text with the dialect's names for the fields in braces. */
export function withDialectFields(text: string, toParam: (path: string) => string): string {
  return text.replaceAll(namedField, (_, slash: string, field: string) =>
    slash === "" ? toParam(field) : toPointer(toParam(field)),
  );
}

/** A field in braces, `{sampling.logitBias}`, or `{/tools[0].parameters}` where a JSON pointer is meant; see `ErrorDetails.message`. */
const namedField =
  /\{(\/?)((?:messages|prompts|suffix|tools|toolChoice|parallelToolCalls|constraint|sampling|limits|templateKwargs|reasoningEffort|inputs|inputType|promptName|dimensions|query|documents|prompt|negativePrompt|image|mask|size|steps|guidanceScale|scheduler|seed)(?:\[\d+\]|\.\w+)*)\}/g;

function toPointer(path: string): string {
  return `/${path.replaceAll(/\[(\d+)\]/g, ".$1").replaceAll(".", "/")}`;
}

/** Matches whole segments only: `tools` is no beginning of `toolset`. */
function toPattern(beginning: string): RegExp {
  return new RegExp(`^${escape(beginning).replaceAll("\\[\\]", "\\[(\\d+)\\]")}(?![^.[])`);
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
