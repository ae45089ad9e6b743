// Reads the configuration without stopping at the first mistake. `hearth models` shows the result with its mistakes; `check-config` and
// `loadConfiguration` accept it only when there are none.
import { isAbsolute, resolve } from "node:path";
import type { ConfiguredModel, ModelPurpose } from "../domain/model.ts";
import type { LocatedModel, ModelLocator, ModelPlaces } from "../domain/hub/model-locator.ts";
import { readConfigurationDocument } from "./document.ts";
import { toProblems } from "./problems/issues.ts";
import { joinLayers, type Environment, type FlagValues, type Layers } from "./layers.ts";
import { isRecord } from "../util/is-record.ts";
import { nearestName } from "../util/nearest.ts";
import { bundledConfigurationFile } from "./paths.ts";
import { formatPath, type ConfigurationProblem } from "./problems/problems.ts";
import { toModelPlaces } from "./models/model-places.ts";
import { resolveModel, type ResolvedModel } from "./models/resolve-model.ts";
import { outlineSchema, parseOnce, type ConfigurationOutline } from "./schema/configuration.ts";
import { configFlag } from "./schema/settings.ts";

export interface LoadOptions {
  /** Relative to `cwd`. Left out = the flag `config`, else the variable HEARTH_CONFIG, else the bundled default.yaml. */
  readonly file?: string;
  readonly flags: FlagValues;
  readonly environment: Environment;
  readonly cwd: string;
  /** Makes what finds models by name. Left out = a model is configured by its path only. */
  readonly createLocator?: (places: ModelPlaces) => ModelLocator;
}

/** An entry of `models` as it was written, and the model that it describes. */
export interface InspectedModel {
  readonly id: string;
  readonly entry: Readonly<Record<string, unknown>>;
  /** `null` when there are problems. */
  readonly model: ConfiguredModel | null;
  readonly problems: readonly ConfigurationProblem[];
}

export interface ConfigurationInspection {
  /** Absolute path of the file that was read. */
  readonly file: string;
  readonly layers: Layers;
  /** Everything but the models; `null` when a section is wrong. */
  readonly outline: ConfigurationOutline | null;
  /** `null` when a section is wrong. */
  readonly places: ModelPlaces | null;
  readonly models: readonly InspectedModel[];
  /** In the order of the file; what came from variables and flags after it. */
  readonly problems: readonly ConfigurationProblem[];
  readonly warnings: readonly string[];
}

/** The purposes for which `defaults` can name a model. */
export const defaultPurposes = ["text", "embedding", "rerank", "image"] as const satisfies readonly ModelPurpose[];

/**
 * Reads, joins and checks the configuration.
 * @throws ConfigurationError only when the file cannot be read as a YAML mapping.
 */
export function inspectConfiguration(options: LoadOptions): ConfigurationInspection {
  const { environment, flags, cwd } = options;
  const document = readConfigurationDocument(findFile(options));
  const layers = joinLayers(document, { environment, flags });
  const { originOf } = layers;
  const outline = outlineSchema.safeParse(layers.tree, parseOnce);
  const problems: ConfigurationProblem[] = [...layers.problems];
  if (!outline.success) {
    problems.push(...toProblems(outline.error, { base: [], value: layers.tree, schema: outlineSchema, originOf }));
  }
  const written = layers.tree["models"];
  const entries = isRecord(written) ? Object.entries(written) : [];
  const { file } = document;
  const places = outline.success ? toModelPlaces(outline.data, { file, cwd, environment, originOf }) : null;
  const locator = places === null ? undefined : options.createLocator?.(places);
  const context = { folder: document.folder, cwd, environment, originOf, locator };
  const configured = entries.flatMap(([id, entry]) =>
    isRecord(entry) ? [{ id, entry, ...resolveModel(id, entry, context) }] : [],
  );
  problems.push(...configured.flatMap((model) => model.problems));
  const taken = new Set([...entries.map(([id]) => id), ...Object.keys(outline.data?.aliases ?? {})]);
  const offers = (locator?.offered() ?? [])
    .filter(({ name }) => !taken.has(name))
    .map((offer) => resolveOffer(offer, (id, entry) => resolveModel(id, entry, context)));
  const models = [...configured, ...offers.filter(({ model }) => model !== null)];
  const ids = models.map(({ id }) => id);
  problems.push(...checkAliases(layers, new Set(ids)));
  const found = models.flatMap(({ model }) => (model === null ? [] : [model]));
  problems.push(...checkDefaults(layers, { models: found, ids }));
  return {
    file: document.file,
    layers,
    outline: outline.success ? outline.data : null,
    places,
    models,
    problems: problems.toSorted(byPlace),
    warnings: [...layers.warnings, ...configured.flatMap(({ warnings }) => warnings), ...offers.flatMap(toWarnings)],
  };
}

/** A model that nobody has configured, as an entry of the file would describe it. */
function resolveOffer(
  { name, path, kind, options }: LocatedModel,
  resolve: (id: string, entry: Readonly<Record<string, unknown>>) => ResolvedModel,
): InspectedModel & ResolvedModel {
  const entry = { path, ...(kind === null ? {} : { kind }), ...options };
  return { id: name, entry, ...resolve(name, entry) };
}

/** What is wrong with a model that nobody has configured keeps no server from starting. */
function toWarnings({ id, problems, warnings }: InspectedModel & ResolvedModel): string[] {
  return [...problems.map(({ message }) => `The model ${id} is left out: its file ${message}.`), ...warnings];
}

/** Absolute path of the file to read. */
function findFile({ file, flags, environment, cwd }: LoadOptions): string {
  const variable = environment[configFlag.variable];
  const named = file ?? flags[configFlag.flag]?.at(-1) ?? (variable === "" ? undefined : variable);
  if (named === undefined) return bundledConfigurationFile;
  return isAbsolute(named) ? named : resolve(cwd, named);
}

function byPlace({ origin: left }: ConfigurationProblem, { origin: right }: ConfigurationProblem): number {
  if (left.from === "file" && right.from === "file") return left.line - right.line || left.column - right.column;
  return Number(left.from !== "file") - Number(right.from !== "file");
}

function checkAliases(layers: Layers, ids: ReadonlySet<string>): ConfigurationProblem[] {
  const aliases = layers.tree["aliases"];
  if (!isRecord(aliases)) return [];
  return Object.entries(aliases).flatMap(([alias, target]) => {
    const message = typeof target === "string" ? checkAlias(alias, target, { ids, aliases }) : null;
    const path = ["aliases", alias];
    return message === null ? [] : [{ origin: layers.originOf(path), path: formatPath(path), message }];
  });
}

function checkAlias(
  alias: string,
  target: string,
  known: { readonly ids: ReadonlySet<string>; readonly aliases: Readonly<Record<string, unknown>> },
): string | null {
  if (known.ids.has(alias)) return "is the name of a model too: give the alias another name";
  if (known.ids.has(target)) return null;
  if (Object.hasOwn(known.aliases, target)) {
    return `names ${target}, which is itself an alias: name the model, ${String(known.aliases[target])}`;
  }
  const nearest = nearestName(target, known.ids);
  return `names the model ${target}, which is not configured${nearest === null ? "" : `; did you mean ${nearest}?`}`;
}

function checkDefaults(
  layers: Layers,
  known: { readonly models: readonly ConfiguredModel[]; readonly ids: readonly string[] },
): ConfigurationProblem[] {
  const { defaults, aliases } = layers.tree;
  if (!isRecord(defaults)) return [];
  return defaultPurposes.flatMap((purpose) => {
    const written = defaults[purpose];
    if (typeof written !== "string") return [];
    const target = isRecord(aliases) && Object.hasOwn(aliases, written) ? aliases[written] : written;
    const path = ["defaults", purpose];
    const problem = (message: string) => [{ origin: layers.originOf(path), path: formatPath(path), message }];
    if (!known.ids.some((id) => id === target)) {
      const nearest = nearestName(written, known.ids);
      const hint = nearest === null ? "" : `; did you mean ${nearest}?`;
      return problem(`names the model ${written}, which is not configured${hint}`);
    }
    const model = known.models.find(({ id }) => id === target);
    // A model with problems of its own is reported there. What an upstream serves is not known here.
    if (model === undefined || model.purpose === purpose || model.purpose === "upstream") return [];
    return problem(`names ${written}, which is for ${model.purpose}, not for ${purpose}`);
  });
}
