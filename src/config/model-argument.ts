// Parses `--model NAME=PATH,key=value` and `--alias NAME=MODEL`, which add to the models and aliases of the file.
import { parse } from "yaml";

export type ModelArgument =
  | { readonly ok: true; readonly name: string; readonly entry: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly message: string };

/**
 * Splits `NAME=PATH,key=value,...` at the first `=` and at each comma that a `key=` follows; any other comma belongs to what stands
 * before it. Keys are those of the file, with dots for inner ones (`defaults.temperature=0.2`); values are YAML.
 */
export function parseModelArgument(argument: string): ModelArgument {
  const equals = argument.indexOf("=");
  const name = argument.slice(0, Math.max(0, equals)).trim();
  if (name === "") {
    return { ok: false, message: `must be NAME=PATH, such as stories=./stories.gguf, not ${JSON.stringify(argument)}` };
  }
  const [path = "", ...options] = argument.slice(equals + 1).split(/,(?=[a-z][a-z0-9_.]*=)/);
  if (path.trim() === "") return { ok: false, message: `has no path after ${JSON.stringify(`${name}=`)}` };
  const entry: Record<string, unknown> = { path: path.trim() };
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
