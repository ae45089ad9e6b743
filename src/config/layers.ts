// Lays variables over the file and flags over variables, and remembers where each value came from.
import { isRecord } from "../util/is-record.ts";
import { nearestName } from "../util/nearest.ts";
import { parseAliasArgument, parseModelArgument } from "./model-argument.ts";
import { formatPath, type ConfigurationProblem, type Origin } from "./problems/problems.ts";
import type { ConfigurationDocument } from "./document.ts";
import { aliasFlag, configFlag, modelFlag, settings, type Setting } from "./schema/settings.ts";

/** The values of each flag (named without dashes), in the order given. */
export type FlagValues = Readonly<Record<string, readonly string[] | undefined>>;
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Layers {
  /** The joined tree, in the shape of the file. */
  readonly tree: Record<string, unknown>;
  readonly problems: readonly ConfigurationProblem[];
  readonly warnings: readonly string[];
  /** Where the value at `path` came from. */
  readonly originOf: (path: readonly PropertyKey[]) => Origin;
}

interface Draft {
  readonly tree: Record<string, unknown>;
  readonly origins: Map<string, Origin>;
  readonly problems: ConfigurationProblem[];
}

export function joinLayers(
  document: ConfigurationDocument,
  options: { readonly environment: Environment; readonly flags: FlagValues },
): Layers {
  const { environment, flags } = options;
  const draft: Draft = { tree: withoutNulls(document.root), origins: new Map(), problems: [] };
  for (const setting of settings) {
    const fromVariable = environment[setting.variable];
    if (fromVariable !== undefined && fromVariable !== "") {
      place(draft, setting.path, fromText(setting, split(fromVariable, ",")), toOrigin(setting.variable));
    }
    const fromFlag = flags[setting.flag];
    if (fromFlag !== undefined && fromFlag.length > 0) {
      place(draft, setting.path, fromText(setting, fromFlag), { from: "flag", flag: setting.flag });
    }
  }
  const sources: readonly (readonly [Origin, readonly string[], readonly string[]])[] = [
    [toOrigin(modelFlag.variable), split(environment[modelFlag.variable] ?? "", ";"), []],
    [{ from: "flag", flag: modelFlag.flag }, flags[modelFlag.flag] ?? [], []],
    [toOrigin(aliasFlag.variable), [], split(environment[aliasFlag.variable] ?? "", ";")],
    [{ from: "flag", flag: aliasFlag.flag }, [], flags[aliasFlag.flag] ?? []],
  ];
  for (const [origin, models, aliases] of sources) {
    for (const argument of models) placeModel(draft, argument, origin);
    for (const argument of aliases) placeAlias(draft, argument, origin);
  }
  return {
    tree: draft.tree,
    problems: draft.problems,
    warnings: unknownVariables(environment),
    originOf: (path) => findOrigin(draft.origins, path) ?? document.locate(path),
  };
}

function toOrigin(variable: string): Origin {
  return { from: "variable", variable };
}

function split(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** The value of a setting as the file would hold it. The last of several wins, unless the setting is a list. */
function fromText(setting: Setting, texts: readonly string[]): unknown {
  if (setting.form === "list") return texts;
  const last = texts.at(-1) ?? "";
  return setting.form === "number" && /^-?\d+(\.\d+)?$/.test(last) ? Number(last) : last;
}

function placeModel(draft: Draft, argument: string, origin: Origin): void {
  const parsed = parseModelArgument(argument);
  if (parsed.ok) place(draft, ["models", parsed.name], parsed.entry, origin);
  else draft.problems.push({ origin, path: "", message: parsed.message });
}

function placeAlias(draft: Draft, argument: string, origin: Origin): void {
  const parsed = parseAliasArgument(argument);
  if (parsed !== null) place(draft, ["aliases", parsed.name], parsed.model, origin);
  else {
    const message = `must be NAME=MODEL, such as gpt-4o=my-model, not ${JSON.stringify(argument)}`;
    draft.problems.push({ origin, path: "", message });
  }
}

/** Sets a value two levels deep, which is as deep as settings, models and aliases lie. */
function place(draft: Draft, path: readonly string[], value: unknown, origin: Origin): void {
  const [section = "", key = ""] = path;
  const existing = draft.tree[section];
  if (existing !== undefined && !isRecord(existing)) return; // The schema refuses the file's value.
  // A model or an alias of a flag comes last in the list, even where it replaces one of the file.
  const { [key]: _replaced, ...others } = existing ?? {};
  draft.tree[section] = { ...others, [key]: value };
  draft.origins.set(formatPath(path), origin);
}

function findOrigin(origins: ReadonlyMap<string, Origin>, path: readonly PropertyKey[]): Origin | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(formatPath(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

/** Drops keys that hold nothing: `server:` with nothing under it, or `steps:` with nothing after it, means the same as its absence. */
function withoutNulls(root: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const strip = (value: unknown): unknown =>
    isRecord(value)
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([, inner]) => inner !== null)
            .map(([key, inner]) => [key, key === "chat_template_kwargs" ? inner : strip(inner)]),
        )
      : value;
  const models = root["models"];
  // A model with nothing under its name must be reported, not forgotten.
  const named = isRecord(models)
    ? { models: Object.fromEntries(Object.entries(models).map(([name, entry]) => [name, strip(entry ?? {})])) }
    : {};
  return { ...(strip(root) as Record<string, unknown>), ...named };
}

function unknownVariables(environment: Environment): string[] {
  const known = new Set([configFlag, modelFlag, aliasFlag, ...settings].map(({ variable }) => variable));
  return Object.keys(environment)
    .filter((name) => name.startsWith("HEARTH_") && !known.has(name))
    .flatMap((name) => {
      // Only a likely slip is told: other programs may have variables of this prefix.
      const nearest = nearestName(name, known);
      return nearest === null ? [] : [`The variable ${name} is not read; did you mean ${nearest}?`];
    });
}
