// Puts the server together from its configuration: log, registry, runners, services, HTTP. No other file of the server's process
// knows all of these.
import { randomUUID } from "node:crypto";
import type { Configuration } from "./config/configuration.ts";
import { ServerError } from "./domain/errors.ts";
import type { ModelKind, ModelSpec } from "./domain/model.ts";
import { createMissingExplainer } from "./hub/discover/explain-missing.ts";
import { createHttpApp } from "./http/app.ts";
import { closeServer, listen } from "./http/listen.ts";
import { warmUpSchemas } from "./wire/openai/warm-up.ts";
import { createLogger, type Logger } from "./observability/log.ts";
import { logModelEvents } from "./observability/log-model-events.ts";
import { createCatalog } from "./registry/catalog.ts";
import { estimateModelBytes } from "./model-files/estimate-bytes.ts";
import type { LoadedModelHandle, LoadOptions } from "./registry/instances.ts";
import { createModelStates } from "./registry/model-states.ts";
import { Registry } from "./registry/registry.ts";
import { DeviceGuard } from "./runners/device-guard.ts";
import { createAdministration } from "./services/administration.ts";
import { createHealthService } from "./services/health.ts";
import { createInference } from "./services/inference.ts";
import { createModelsService } from "./services/models.ts";
import { setTimer } from "./util/timers.ts";
import { version } from "./version.ts";

export interface RunningServer {
  /** e.g. `http://127.0.0.1:8484`. */
  readonly url: string;
  /** Finishes what is in flight, unloads every model, and resolves when all of it has ended. */
  close(): Promise<void>;
}

/** Starts the server; resolves when it listens. Rejects with Node's error when the port cannot be had. */
export async function startServer(configuration: Configuration): Promise<RunningServer> {
  const { server: settings, models, aliases, defaults } = configuration;
  const log = await createLogger(configuration.logging);
  const now = (): number => performance.now();
  const guard = new DeviceGuard();
  const registry = new Registry({
    models,
    budgetBytes: configuration.memory.budgetBytes,
    estimateBytes: estimateModelBytes,
    load: (spec, options) => loadModel(spec, { ...options, configuration, log, guard }),
    onListenerFault: (error) => log.error({ err: error }, "A listener to the models' events failed."),
    now,
    setTimer,
  });
  const shutdown = new AbortController();
  const states = createModelStates(models.map(({ id }) => id));
  registry.subscribe(logModelEvents(log));
  registry.subscribe(states.apply);
  const catalog = createCatalog(models, {
    aliases,
    explainMissing: createMissingExplainer(configuration.hub, process.env),
    ...(configuration.openAiNames ? { openAiModels: defaults } : {}),
  });
  const health = createHealthService({ version, now, states });
  const app = createHttpApp({
    inference: createInference({
      catalog,
      acquire: (id, signal) => registry.acquire(id, signal),
      defaultModels: {
        embedding: defaults.embedding,
        image: defaults.image,
        "image-edit": defaults.image,
      },
    }),
    models: createModelsService({ catalog, states }),
    health,
    administration: createAdministration({
      catalog,
      states,
      acquire: (id, signal) => registry.acquire(id, signal),
      unload: (id, signal) => registry.unload(id, signal),
      subscribe: (listener) => registry.subscribe(listener),
      closing: shutdown.signal,
    }),
    settings: { ...settings, allowedHosts: [...settings.allowedHosts, settings.host, "localhost"] },
    log,
    createId: () => randomUUID().replaceAll("-", ""),
    now: () => Date.now(),
    version,
  });
  const { server, port } = await listen({ ...settings, app });
  // Rejects only when the server closes meanwhile.
  warmUpSchemas(shutdown.signal).catch(() => {});
  void preload(models, { registry, signal: shutdown.signal }).then(() => health.setStatus("ok"));
  return {
    url: `http://${settings.host.includes(":") ? `[${settings.host}]` : settings.host}:${port}`,
    async close() {
      health.setStatus("shutting_down");
      shutdown.abort(new ServerError("shutting_down", "The server is shutting down."));
      await closeServer(server, settings.shutdownTimeoutMs);
      await registry.close();
    },
  };
}

/** Makes glibc ask for huge pages for large allocations (its manual, "Memory Allocation Tunables"); other C libraries ignore it. */
const hugePages = {
  GLIBC_TUNABLES: [process.env["GLIBC_TUNABLES"], "glibc.malloc.hugetlb=1"].filter(Boolean).join(":"),
};

/** Variables that must be in a runner's environment before it starts. */
const runnerEnvironments: Readonly<Record<ModelKind, Readonly<Record<string, string>>>> = {
  // With one libuv worker every decode runs on the same thread, and the threads that llama.cpp creates anew for each decode
  // stop landing on the core their parent spins on.
  text: { UV_THREADPOOL_SIZE: "1", ...hugePages },
  embedding: {},
  image: {},
  upstream: {},
};

async function loadModel(
  spec: ModelSpec,
  {
    configuration,
    log,
    guard,
    signal,
    onEnd,
    onMemory,
    onDevice,
  }: LoadOptions & { configuration: Configuration; log: Logger; guard: DeviceGuard },
): Promise<LoadedModelHandle> {
  if (spec.kind === "upstream") {
    throw new ServerError(
      "model_load_failed",
      `The model '${spec.id}' is an upstream, and this version forwards to none.`,
    );
  }
  const { runners } = configuration;
  return await guard.start({
    spec,
    entry: new URL(import.meta.url.endsWith(".ts") ? "./runner.ts" : "./runner.js", import.meta.url),
    environment: runnerEnvironments[spec.kind],
    cacheDirectory: runners.cacheDirectory,
    memoryBudgetBytes: configuration.memory.budgetBytes,
    startTimeoutMs: runners.startTimeoutMs,
    loadTimeoutMs: runners.loadTimeoutMs,
    hangTimeoutMs: runners.hangTimeoutMs,
    streamIntervalMs: runners.streamIntervalMs,
    policy: runners.gpu,
    log: (level, message, facts) => log[level](facts, message),
    onExit: onEnd,
    onMemory,
    onDevice,
    signal,
  });
}

/** Loads the models that are configured with `preload`. A failure is logged, and the model's first request tries again. */
async function preload(
  models: Configuration["models"],
  { registry, signal }: { registry: Registry; signal: AbortSignal },
): Promise<void> {
  const wanted = models.filter((model) => model.preload);
  await Promise.allSettled(wanted.map(async ({ id }) => (await registry.acquire(id, signal)).release()));
}
