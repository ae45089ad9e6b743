// The HTTP application over a fake backend, for `app.request()`: no socket, no process, no weights.
import type { Hono } from "hono";
import type { ConfiguredModel, ModelPurpose } from "../../src/domain/model.ts";
import type { Backend, BackendDescription } from "../../src/domain/backend.ts";
import { createHttpApp, serverRoutes } from "../../src/http/app.ts";
import type { HttpDependencies, HttpEnvironment, HttpSettings } from "../../src/http/context.ts";
import type { RouteGroup } from "../../src/http/route-table.ts";
import { createCatalog } from "../../src/registry/catalog.ts";
import { createModelStates } from "../../src/registry/model-states.ts";
import { createAdministration } from "../../src/services/administration.ts";
import { createHealthService } from "../../src/services/health.ts";
import { createInference } from "../../src/services/inference.ts";
import { createModelsService } from "../../src/services/models.ts";
import { createFakeBackend, type FakeScript } from "./fake-backend.ts";

export interface TestApp {
  readonly app: Hono<HttpEnvironment>;
  /** Lines of the log, by level. */
  readonly logged: { level: string; facts: unknown }[];
  /** Leases granted and not yet given back. */
  readonly leases: () => number;
  readonly post: (path: string, body: unknown, init?: RequestInit) => Promise<Response>;
}

export interface TestAppOptions {
  readonly script?: FakeScript;
  readonly description?: Partial<BackendDescription>;
  readonly settings?: Partial<HttpSettings>;
  /** Instead of the fake backend of `script`. */
  readonly acquire?: () => Promise<Backend>;
  /** Beside those of the server. */
  readonly routes?: readonly RouteGroup[];
}

function model(id: string, purpose: ModelPurpose): ConfiguredModel {
  const kind = purpose === "rerank" ? "embedding" : purpose;
  return { id, kind, purpose, createdSeconds: 1_700_000_000 } as ConfiguredModel;
}

/** One model of each purpose: `org/chat`, `embed`, `rank`, `draw`; the alias `gpt-4o` is `org/chat`. */
export function createTestApp({
  script = {},
  description = {},
  settings = {},
  acquire,
  routes = [],
}: TestAppOptions = {}): TestApp {
  const logged: TestApp["logged"] = [];
  let leases = 0;
  const catalog = createCatalog(
    [model("org/chat", "text"), model("embed", "embedding"), model("rank", "rerank"), model("draw", "image")],
    { aliases: new Map([["gpt-4o", "org/chat"]]) },
  );
  const states = createModelStates([]);
  const log = (level: string) => (facts: unknown) => {
    logged.push({ level, facts });
  };
  const deps: HttpDependencies = {
    inference: createInference({
      catalog,
      defaultModels: {},
      acquire: async () => {
        const backend = acquire === undefined ? createFakeBackend(script, description) : await acquire();
        leases += 1;
        return {
          backend,
          release: () => {
            leases -= 1;
          },
        };
      },
    }),
    models: createModelsService({ catalog, states }),
    health: createHealthService({ version: "1.2.3", states, now: () => 0 }),
    administration: createAdministration({
      catalog,
      states,
      acquire: () => Promise.reject(new Error("not tried here")),
      unload: () => Promise.resolve(),
      subscribe: () => () => {},
      closing: new AbortController().signal,
    }),
    settings: {
      bodyLimitBytes: 10_000,
      apiKeys: [],
      allowedHosts: ["localhost"],
      allowedOrigins: ["https://app.example"],
      maxConcurrentRequests: 0,
      requestTimeoutMs: 0,
      ssePingMs: 0,
      ...settings,
    },
    log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
    createId: () => "0123456789abcdef0123456789abcdef",
    now: () => 1_700_000_123_456,
    version: "1.2.3",
  };
  const app = createHttpApp(deps, [...serverRoutes, ...routes]);
  return {
    app,
    logged,
    leases: () => leases,
    post: async (path, body, init = {}) =>
      await app.request(path, {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...init,
        headers: { "content-type": "application/json", ...init.headers },
      }),
  };
}

/** The `data` of every event in a stream. */
export async function readEvents(response: Response): Promise<string[]> {
  return (await response.text())
    .split("\n\n")
    .flatMap((block) => block.split("\n"))
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice("data: ".length));
}
