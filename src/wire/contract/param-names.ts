// From a path in a domain request (`sampling.logitBias`) to the name under which the caller of a dialect wrote that field
// (`logit_bias`). Backends name fields by the domain's paths, so that they need no dialect's words.
import { ServerError } from "../../domain/errors.ts";

/**
 * Beginning of a domain path -> what the dialect writes for it. `[]` stands for any index, and the n-th one on the right takes the
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

/** What was thrown, with the caller's name for the field at fault: in `param`, and where the sentence names the path. */
export function withDialectParam(thrown: unknown, toParam: (path: string) => string): unknown {
  if (!(thrown instanceof ServerError) || thrown.param === undefined) return thrown;
  const { kind, param: path, retryAfterSeconds } = thrown;
  const param = toParam(path);
  if (param === path) return thrown;
  const message = thrown.message.replaceAll(new RegExp(`(?<![\\w.])${escape(path)}(?!\\w)`, "g"), () => param);
  return new ServerError(
    kind,
    { message, param, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) },
    { cause: thrown },
  );
}

/** Whole segments only: `tools` is no beginning of `toolset`. */
function toPattern(beginning: string): RegExp {
  return new RegExp(`^${escape(beginning).replaceAll("\\[\\]", "\\[(\\d+)\\]")}(?![^.[])`);
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
