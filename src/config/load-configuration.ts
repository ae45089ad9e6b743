// Reads the configuration: flags over variables over the file over defaults, everything checked, all mistakes at once.
import { totalmem } from "node:os";
import { isAbsolute, resolve } from "node:path";
import type { Configuration, ConfiguredModel, ModelPurpose } from "./configuration.ts";
import { readConfigurationDocument } from "./document.ts";
import { toProblems } from "./issues.ts";
import { isRecord, joinLayers, type Environment, type FlagValues, type Layers } from "./layers.ts";
import { nearestName } from "./nearest.ts";
import { bundledConfigurationFile, defaultCacheDirectory } from "./paths.ts";
import { ConfigurationError, formatPath, type ConfigurationProblem } from "./problems.ts";
import { absolutePath, resolveModel } from "./resolve-model.ts";
import { outlineSchema, type ConfigurationOutline } from "./schema/configuration.ts";
import type { MemoryAmount } from "./schema/values.ts";
import { configFlag } from "./settings.ts";

export interface LoadOptions {
  /** Relative to `cwd`. Left out = the flag `config`, else the variable HEARTH_CONFIG, else the bundled default.yaml. */
  readonly file?: string;
  readonly flags: FlagValues;
  readonly environment: Environment;
  readonly cwd: string;
}

/**
 * Reads, joins, checks and resolves the configuration.
 * @throws ConfigurationError with every problem that was found.
 */
export function loadConfiguration(options: LoadOptions): Configuration {
  const { environment, flags, cwd } = options;
  const document = readConfigurationDocument(findFile(options));
  const layers = joinLayers(document, { environment, flags });
  const outline = outlineSchema.safeParse(layers.tree);
  const problems: ConfigurationProblem[] = [...layers.problems];
  if (!outline.success) {
    const { originOf } = layers;
    problems.push(...toProblems(outline.error, { base: [], value: layers.tree, schema: outlineSchema, originOf }));
  }
  const context = { folder: document.folder, cwd, environment, originOf: layers.originOf };
  const written = layers.tree["models"];
  const entries = isRecord(written) ? Object.entries(written) : [];
  const resolved = entries.flatMap(([id, entry]) => (isRecord(entry) ? [resolveModel(id, entry, context)] : []));
  problems.push(...resolved.flatMap((result) => result.problems));
  problems.push(...checkAliases(layers, new Set(entries.map(([id]) => id))));
  const models = resolved.flatMap(({ model }) => (model === null ? [] : [model]));
  problems.push(...checkDefaults(layers, { models, ids: entries.map(([id]) => id) }));
  if (!outline.success || problems.length > 0) throw new ConfigurationError(problems.toSorted(byPlace));
  return assemble(outline.data, {
    file: document.file,
    models,
    warnings: [...layers.warnings, ...resolved.flatMap(({ warnings }) => warnings)],
    cacheDirectory:
      outline.data.runners.cache_directory === undefined
        ? defaultCacheDirectory(environment)
        : absolutePath(outline.data.runners.cache_directory, layers.originOf(["runners", "cache_directory"]), context),
  });
}

/** In the order of the file; what came from variables and flags after it. */
function byPlace({ origin: left }: ConfigurationProblem, { origin: right }: ConfigurationProblem): number {
  if (left.from === "file" && right.from === "file") return left.line - right.line || left.column - right.column;
  return Number(left.from !== "file") - Number(right.from !== "file");
}

/** The file that {@link loadConfiguration} reads, absolute. */
export function findFile({ file, flags, environment, cwd }: LoadOptions): string {
  const variable = environment[configFlag.variable];
  const named = file ?? flags[configFlag.flag]?.at(-1) ?? (variable === "" ? undefined : variable);
  if (named === undefined) return bundledConfigurationFile;
  return isAbsolute(named) ? named : resolve(cwd, named);
}

/** Bytes of a budget; the machine is the container where there is a limit. */
export function toBudgetBytes(amount: MemoryAmount, machineBytes: number = machineMemoryBytes()): number {
  return amount.unit === "bytes" ? amount.bytes : Math.floor(machineBytes * amount.share);
}

function machineMemoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
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

const purposes = ["text", "embedding", "rerank", "image"] as const satisfies readonly ModelPurpose[];

function checkDefaults(
  layers: Layers,
  known: { readonly models: readonly ConfiguredModel[]; readonly ids: readonly string[] },
): ConfigurationProblem[] {
  const { defaults, aliases } = layers.tree;
  if (!isRecord(defaults)) return [];
  return purposes.flatMap((purpose) => {
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

function assemble(
  outline: ConfigurationOutline,
  found: Pick<Configuration, "file" | "models" | "warnings"> & { readonly cacheDirectory: string },
): Configuration {
  const { server, logging, memory, runners } = outline;
  return {
    file: found.file,
    server: {
      host: server.host,
      port: server.port,
      bodyLimitBytes: server.body_limit,
      apiKeys: server.api_keys,
      allowedHosts: server.allowed_hosts,
      allowedOrigins: server.allowed_origins,
      maxConnections: server.max_connections,
      maxConcurrentRequests: server.max_concurrent_requests,
      requestTimeoutMs: server.request_timeout,
      shutdownTimeoutMs: server.shutdown_timeout,
      ssePingMs: server.sse_ping_interval,
    },
    logging,
    memory: { budgetBytes: toBudgetBytes(memory.budget) },
    runners: {
      startTimeoutMs: runners.start_timeout,
      loadTimeoutMs: runners.load_timeout,
      hangTimeoutMs: runners.hang_timeout,
      cacheDirectory: found.cacheDirectory,
    },
    models: found.models,
    aliases: new Map(Object.entries(outline.aliases)),
    defaults: {
      text: defaultModel("text", outline, found.models),
      embedding: defaultModel("embedding", outline, found.models),
      rerank: defaultModel("rerank", outline, found.models),
      image: defaultModel("image", outline, found.models),
    },
    warnings: found.warnings,
  };
}

function defaultModel(
  purpose: (typeof purposes)[number],
  outline: ConfigurationOutline,
  models: readonly ConfiguredModel[],
): string | null {
  const written = outline.defaults[purpose];
  if (written !== undefined) return outline.aliases[written] ?? written;
  return models.find((model) => model.purpose === purpose)?.id ?? null;
}
