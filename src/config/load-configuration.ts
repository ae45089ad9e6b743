// Reads the configuration: flags win over variables, these over the file, this over defaults. All mistakes are told at once.
import { totalmem } from "node:os";
import { dirname } from "node:path";
import type { Configuration } from "./configuration.ts";
import type { ConfiguredModel } from "../domain/model.ts";
import { commonOpenAiNames } from "./openai-names.ts";
import {
  inspectConfiguration,
  type ConfigurationInspection,
  type defaultPurposes,
  type LoadOptions,
} from "./inspect-configuration.ts";
import { defaultCacheDirectory } from "./paths.ts";
import { ConfigurationError } from "./problems/problems.ts";
import { absolutePath } from "./models/resolve-model.ts";
import type { ConfigurationOutline } from "./schema/configuration.ts";
import type { MemoryAmount } from "./schema/values.ts";

export type { LoadOptions } from "./inspect-configuration.ts";

/**
 * Reads, joins, checks and resolves the configuration.
 * @throws ConfigurationError with every problem that was found.
 */
export function loadConfiguration(options: LoadOptions): Configuration {
  return toConfiguration(inspectConfiguration(options), options);
}

/**
 * The configuration that an inspection found.
 * @throws ConfigurationError with every problem that was found.
 */
export function toConfiguration(inspection: ConfigurationInspection, options: LoadOptions): Configuration {
  const { outline, places, problems, file, layers, warnings } = inspection;
  if (outline === null || places === null || problems.length > 0) throw new ConfigurationError(problems);
  const cache = outline.runners.cache_directory;
  const origin = layers.originOf(["runners", "cache_directory"]);
  return assemble(outline, {
    file,
    models: inspection.models.flatMap(({ model }) => (model === null ? [] : [model])),
    warnings,
    hub: places,
    cacheDirectory:
      cache === undefined
        ? defaultCacheDirectory(options.environment)
        : absolutePath(cache, origin, { folder: dirname(file), cwd: options.cwd }),
  });
}

/** Bytes of a memory budget. A share is one of the machine's memory, or of the container's limit where there is one. */
export function toBudgetBytes(amount: MemoryAmount, machineBytes: number = machineMemoryBytes()): number {
  return amount.unit === "bytes" ? amount.bytes : Math.floor(machineBytes * amount.share);
}

function machineMemoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

function assemble(
  outline: ConfigurationOutline,
  found: Pick<Configuration, "file" | "models" | "warnings" | "hub"> & { readonly cacheDirectory: string },
): Configuration {
  const { server, logging, memory, runners } = outline;
  const defaults = {
    text: defaultModel("text", outline, found.models),
    embedding: defaultModel("embedding", outline, found.models),
    rerank: defaultModel("rerank", outline, found.models),
    image: defaultModel("image", outline, found.models),
  };
  const openAiNames = outline.defaults.openai_names === "on";
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
      streamIntervalMs: runners.stream_interval,
      gpu: runners.gpu,
      cacheDirectory: found.cacheDirectory,
    },
    hub: found.hub,
    models: found.models,
    aliases: new Map([
      ...(openAiNames ? commonAliases(defaults, found.models) : []),
      ...Object.entries(outline.aliases),
    ]),
    openAiNames,
    defaults,
    warnings: found.warnings,
  };
}

function defaultModel(
  purpose: (typeof defaultPurposes)[number],
  outline: ConfigurationOutline,
  models: readonly ConfiguredModel[],
): string | null {
  const written = outline.defaults[purpose];
  if (written !== undefined) return outline.aliases[written] ?? written;
  const able = models.filter((model) => model.purpose === purpose);
  return (able.find((model) => model.demonstration !== true) ?? able[0])?.id ?? null;
}

/** The names of OpenAI's models that the list shows, with the models that they stand for. */
function commonAliases(
  defaults: Configuration["defaults"],
  models: readonly ConfiguredModel[],
): (readonly [alias: string, model: string])[] {
  const taken = new Set(models.map(({ id }) => id));
  return (["text", "embedding", "image"] as const).flatMap((purpose) => {
    const model = defaults[purpose];
    return model === null
      ? []
      : commonOpenAiNames[purpose].filter((name) => !taken.has(name)).map((name) => [name, model] as const);
  });
}
