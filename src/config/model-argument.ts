// Parses `--model NAME=PATH,key=value` and `--alias NAME=MODEL`, which add to the models and aliases of the file.
import { parse } from "yaml";

export type ModelArgument =
  | { readonly ok: true; readonly name: string; readonly entry: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly message: string };

/** A reference with a scheme may have an `=` of its own, as in `pip:package==1.0#file`. */
const scheme = /^(?:hf|pip|ollama|lmstudio|https?):/i;

/**
 * Splits `NAME=PATH,key=value,...` at the first `=` and at each comma that a `key=` follows; any other comma belongs to what stands
 * before it. Keys are those of the file, with dots for inner ones (`defaults.temperature=0.2`); values are YAML. Without `NAME=` the name
 * is that of the file, or the reference itself.
 */
export function parseModelArgument(argument: string): ModelArgument {
  const [first = "", ...options] = argument.split(/,(?=[a-z][a-z0-9_.]*=)/);
  const equals = scheme.test(first) ? -1 : first.indexOf("=");
  const path = first.slice(equals + 1).trim();
  const name = equals < 0 ? nameOfPath(path) : first.slice(0, equals).trim();
  if (name === "") {
    return { ok: false, message: `must be NAME=PATH, such as stories=./stories.gguf, not ${JSON.stringify(argument)}` };
  }
  if (path === "") return { ok: false, message: `has no path after ${JSON.stringify(`${name}=`)}` };
  const entry: Record<string, unknown> = { path };
  for (const option of options) {
    const separator = option.indexOf("=");
    const value = parseScalar(option.slice(separator + 1));
    if (!value.ok) return { ok: false, message: `has a value that cannot be read: ${option}` };
    assign(entry, option.slice(0, separator).split("."), value.value);
  }
  return { ok: true, name, entry };
}

/** Splits `NAME=MODEL` at the first `=`; `null` where a side is empty. */
export function parseAliasArgument(argument: string): { readonly name: string; readonly model: string } | null {
  const equals = argument.indexOf("=");
  const name = argument.slice(0, Math.max(0, equals)).trim();
  const model = argument.slice(equals + 1).trim();
  return name === "" || model === "" ? null : { name, model };
}

/** `hf:org/repo:Q4_K_M` is served as `org/repo:Q4_K_M`, `./models/x.gguf` as `x`, and a name as itself. */
function nameOfPath(path: string): string {
  const bare = path.replace(/^hf:(?:\/\/)?/i, "");
  if (bare !== path || /^(?:ollama|lmstudio):/i.test(path)) return bare;
  const isFile = /\.gguf(?:#.*)?$/i.test(path) || /^(?:[./~\\]|[a-z]:[/\\]|pip:|https?:)/i.test(path);
  if (!isFile) return path;
  const [file = ""] = path
    .replace(/#sha256=.*$/i, "")
    .split(/[/\\#]/)
    .filter(Boolean)
    .slice(-1);
  return file.replace(/\.gguf$/i, "");
}

function parseScalar(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  // Spaces at an end are meant (`query_prefix=query: ` has one), and a colon inside is no mapping.
  if (/^\s|\s$|:\s/.test(text)) return { ok: true, value: text };
  try {
    return { ok: true, value: parse(text) as unknown };
  } catch {
    return { ok: false };
  }
}

function assign(target: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [key = "", ...rest] = keys;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = target[key];
  const next: Record<string, unknown> = typeof inner === "object" && inner !== null ? { ...inner } : {};
  target[key] = next;
  assign(next, rest, value);
}
