import { afterAll, describe, expect, it } from "vitest";
import { utimesSync } from "node:fs";
import type { Configuration } from "../../../src/config/configuration.ts";
import { loadConfiguration, type LoadOptions } from "../../../src/config/load-configuration.ts";
import { defaultCacheDirectory } from "../../../src/config/paths.ts";
import { readFixture } from "../../support/reference-embeddings.ts";
import { createSandbox, ggufBytes } from "./model-folders.ts";

const sandbox = createSandbox();
afterAll(() => sandbox.remove());
sandbox.write("chat.gguf", ggufBytes({ "general.architecture": "llama" }));
sandbox.write("embed.gguf", ggufBytes({ "general.architecture": "bert" }));
sandbox.copyEncoder("bert", "e5");
sandbox.copyEncoder("cross-encoder", "cross");
sandbox.write("sd/model_index.json", "{}");
const xlmRoberta = readFixture("xlm-roberta", "config.json") as object;

function load(yaml: string, options: Partial<LoadOptions> = {}): Configuration {
  const file = sandbox.write("hearth.yaml", yaml);
  return loadConfiguration({ file, flags: {}, environment: {}, cwd: sandbox.folder, ...options });
}

const model = (yaml: string) => {
  const [first] = load(`models:\n  m: ${yaml}`).models;
  if (first === undefined) throw new Error("no model");
  return first;
};

describe("precedence", () => {
  it("is flags over variables over the file over defaults", () => {
    const environment = { HEARTH_PORT: "3000", HEARTH_LOG_LEVEL: "error" };
    const flags = { "log-level": ["debug"] };
    expect(load("").server.port).toBe(8484);
    expect(load("server: { port: 2000 }").server.port).toBe(2000);
    expect(load("server: { port: 2000 }", { environment }).server.port).toBe(3000);
    expect(load("logging: { level: warn }", { environment, flags }).logging.level).toBe("debug");
    expect(load("server: { port: 2000 }", { environment, flags: { port: ["4000"] } }).server.port).toBe(4000);
  });

  it("takes the last value of a flag given twice, and all values of a list", () => {
    const { server } = load("", { flags: { port: ["1", "2"], "api-key": ["one", "two"] } });
    expect(server.port).toBe(2);
    expect(server.apiKeys).toEqual(["one", "two"]);
  });

  it("replaces a list as a whole rather than adding to it", () => {
    const yaml = "server: { api_keys: [from-file] }";
    expect(load(yaml, { environment: { HEARTH_API_KEY: "a, b" } }).server.apiKeys).toEqual(["a", "b"]);
  });

  it("keeps an API key of digits a text", () => {
    expect(load("", { environment: { HEARTH_API_KEY: "12345" } }).server.apiKeys).toEqual(["12345"]);
  });

  it("takes an empty variable for an unset one", () => {
    expect(load("server: { port: 2000 }", { environment: { HEARTH_PORT: "" } }).server.port).toBe(2000);
  });

  it("adds models and aliases of variables and flags to those of the file, replacing a model of the same name whole", () => {
    const yaml = "models: { a: { path: chat.gguf, threads: 3 }, b: { path: chat.gguf } }";
    const configuration = load(yaml, {
      environment: { HEARTH_MODEL: "c=chat.gguf; d=./e5,pinned=true", HEARTH_ALIAS: "x=c" },
      flags: { model: ["a=chat.gguf,threads=5,defaults.temperature=0.5"], alias: ["y=a", "z=b"] },
    });
    expect(configuration.models.map(({ id }) => id)).toEqual(["b", "c", "d", "a"]);
    expect(configuration.models.find(({ id }) => id === "d")).toMatchObject({ kind: "embedding", pinned: true });
    expect(configuration.models.at(-1)?.options).toMatchObject({
      threads: 5,
      defaults: { temperature: 0.5, topK: 40 },
    });
    expect([...configuration.aliases]).toEqual([
      ["x", "c"],
      ["y", "a"],
      ["z", "b"],
    ]);
  });

  it("finds the file by option, flag, then variable", () => {
    const yaml = (port: number) => `server: { port: ${port} }`;
    const one = sandbox.write("one.yaml", yaml(1));
    sandbox.write("two.yaml", yaml(2));
    sandbox.write("three.yaml", yaml(3));
    const options = {
      flags: { config: ["two.yaml"] },
      environment: { HEARTH_CONFIG: "three.yaml" },
      cwd: sandbox.folder,
    };
    expect(loadConfiguration({ ...options, file: one }).server.port).toBe(1);
    expect(loadConfiguration(options).server.port).toBe(2);
    expect(loadConfiguration({ ...options, flags: {} }).server.port).toBe(3);
  });
});

describe("values", () => {
  it("has the documented defaults", () => {
    const { server, logging, runners } = load("");
    expect(server).toEqual({
      host: "127.0.0.1",
      port: 8484,
      bodyLimitBytes: 25_000_000,
      apiKeys: [],
      allowedHosts: [],
      allowedOrigins: [],
      maxConnections: 1024,
      maxConcurrentRequests: 512,
      requestTimeoutMs: 3_600_000,
      shutdownTimeoutMs: 10_000,
      ssePingMs: 15_000,
    });
    expect(logging).toEqual({ level: "info", format: "auto" });
    expect(runners).toEqual({
      startTimeoutMs: 30_000,
      loadTimeoutMs: 600_000,
      hangTimeoutMs: 300_000,
      streamIntervalMs: "auto",
      gpu: "auto",
      cacheDirectory: defaultCacheDirectory({}),
    });
  });

  it("reads durations and sizes with their units from all three places", () => {
    expect(load("server: { request_timeout: 90, body_limit: 1KiB }").server).toMatchObject({
      requestTimeoutMs: 90_000,
      bodyLimitBytes: 1024,
    });
    const environment = { HEARTH_REQUEST_TIMEOUT: "2m", HEARTH_MEMORY_BUDGET: "2GiB" };
    expect(load("", { environment }).server.requestTimeoutMs).toBe(120_000);
    expect(load("", { environment }).memory.budgetBytes).toBe(2 ** 31);
    expect(load("", { flags: { "shutdown-timeout": ["500ms"] } }).server.shutdownTimeoutMs).toBe(500);
  });

  it("takes a section or a key with nothing after it as absent", () => {
    expect(load("server:\nlogging:\n  level:\naliases:\n").server.port).toBe(8484);
  });

  it("resolves paths of the file against its folder, and those of flags against the working folder", () => {
    const file = sandbox.write(
      "etc/hearth.yaml",
      "models: { a: { path: ../chat.gguf } }\nrunners: { cache_directory: c }",
    );
    const configuration = loadConfiguration({
      file,
      flags: { model: ["b=embed.gguf"] },
      environment: {},
      cwd: sandbox.folder,
    });
    expect(configuration.models.map(({ path }) => path)).toEqual([
      sandbox.path("chat.gguf"),
      sandbox.path("embed.gguf"),
    ]);
    expect(configuration.runners.cacheDirectory).toBe(sandbox.path("etc/c"));
  });

  it("shares options by anchors and merge keys", () => {
    const yaml = "models:\n  a: &base { path: chat.gguf, threads: 3 }\n  b: { <<: *base, parallel: 2 }";
    expect(load(yaml).models[1]?.options).toMatchObject({ threads: 3, parallel: 2 });
  });
});

describe("models", () => {
  it("carry the options of their kind with defaults filled in", () => {
    utimesSync(sandbox.path("chat.gguf"), 1_000_000_000, 1_000_000_000);
    expect(model("{ path: chat.gguf, ttl: 5m, preload: true, prefix_store: 1MiB }")).toEqual({
      id: "m",
      kind: "text",
      purpose: "text",
      path: sandbox.path("chat.gguf"),
      createdSeconds: 1_000_000_000,
      ttlMs: 300_000,
      pinned: false,
      preload: true,
      options: {
        kind: "text",
        contextSize: 0,
        parallel: "auto",
        batchSize: 512,
        threads: 0,
        gpuLayers: "auto",
        flashAttention: "auto",
        reproducible: false,
        mmap: "auto",
        swaFullCache: "auto",
        kvCacheType: "f16",
        lora: [],
        draftModel: null,
        promptLookup: 0,
        chatTemplate: null,
        chatTemplateKwargs: {},
        family: "auto",
        thinkingBudget: null,
        prefixStoreBytes: 1_048_576,
        maxQueue: 256,
        defaults: { temperature: 1, topP: 1, topK: 40, minP: 0.05, repeatPenalty: 1, maxTokens: 0 },
        embedding: false,
        embeddingOptions: {
          queryPrefix: "",
          passagePrefix: "",
          defaultPrefix: "",
          prompts: {},
          tokenIds: "auto",
          normalize: true,
          truncation: "truncate",
          dimensions: 0,
          maxTokens: 0,
        },
      },
    });
    expect(model("{ path: e5, query_prefix: 'query: ', min_dimensions: 8 }").options).toMatchObject({
      kind: "embedding",
      queryPrefix: "query: ",
      dimensions: 8,
      modelFile: null,
      executionProviders: ["auto"],
    });
    expect(model("{ path: sd, steps: 4 }").options).toMatchObject({ kind: "image", steps: 4, guidanceScale: null });
    expect(model("{ path: 'http://127.0.0.1:1/v1/', timeout: 30s }")).toMatchObject({
      kind: "upstream",
      path: "http://127.0.0.1:1/v1",
      options: { kind: "upstream", upstreamModel: null, timeoutMs: 30_000 },
    });
  });

  it("know whether a GGUF embeds: by its file, unless the configuration says", () => {
    expect(model("{ path: embed.gguf }")).toMatchObject({ purpose: "embedding", options: { embedding: true } });
    expect(model("{ path: chat.gguf, embedding: true }")).toMatchObject({ purpose: "embedding" });
    expect(model("{ path: embed.gguf, embedding: false }")).toMatchObject({ purpose: "text" });
  });

  it("take prompts from the model's own files when the configuration names none", () => {
    sandbox.copyEncoder("embedding-gemma", "gemma");
    const [query, passage] = ["task: search result | query: ", "title: none | text: "];
    const prompts = { query, document: passage, STS: "task: sentence similarity | query: " };
    const found = { queryPrefix: query, passagePrefix: passage, prompts };
    expect(model("{ path: gemma }").options).toMatchObject({ ...found, defaultPrefix: "" });
    expect(model("{ path: gemma, default_input_type: passage }").options).toMatchObject({ defaultPrefix: passage });
    expect(model("{ path: gemma, query_prefix: '' }").options).toMatchObject({
      queryPrefix: "",
      passagePrefix: passage,
      prompts: { ...prompts, query: "" },
    });
  });

  it("put before every text what the model's own files say, and take it for a role that they do not name", () => {
    sandbox.copyEncoder("modernbert", "modernbert");
    expect(model("{ path: modernbert }").options).toMatchObject({
      defaultPrefix: "search_document: ",
      queryPrefix: "search_document: ",
      passagePrefix: "search_document: ",
    });
    expect(model("{ path: modernbert, default_input_type: none }").options).toMatchObject({ defaultPrefix: "" });
  });

  it("take e5's prefixes for a model that is called so and says nothing, but for one trained with instructions", () => {
    const e5 = { queryPrefix: "query: ", passagePrefix: "passage: ", defaultPrefix: "query: " };
    expect(model("{ path: e5 }").options).toMatchObject(e5);
    expect(model("{ path: e5, default_input_type: none }").options).toMatchObject({ ...e5, defaultPrefix: "" });
    const bare = { queryPrefix: "", passagePrefix: "", defaultPrefix: "", prompts: {} };
    for (const name of ["multilingual-e5-large-instruct", "fe52-base"]) {
      sandbox.copyEncoder("xlm-roberta", name);
      expect(model(`{ path: ${name} }`).options).toMatchObject(bare);
    }
    sandbox.copyEncoder("xlm-roberta", "my-model");
    sandbox.write(
      "my-model/config.json",
      JSON.stringify({ ...xlmRoberta, _name_or_path: "intfloat/multilingual-e5-base" }),
    );
    expect(model("{ path: my-model }").options).toMatchObject(e5);
  });

  it("name other files as absolute paths, and a template as text or path", () => {
    const jinja = sandbox.write("t.jinja", "{{ x }}");
    const yaml = "{ path: chat.gguf, draft_model: chat.gguf, chat_template: t.jinja, lora: [{ path: chat.gguf }] }";
    const draftModel = sandbox.path("chat.gguf");
    const lora = [{ path: draftModel, scale: 1 }];
    expect(model(yaml).options).toMatchObject({ draftModel, chatTemplate: jinja, lora });
    expect(model("{ path: chat.gguf, chat_template: '{{ messages }}' }").options).toMatchObject({
      chatTemplate: "{{ messages }}",
    });
  });

  it("keep null among the variables of a template", () => {
    const yaml = "{ path: chat.gguf, draft_model: null, chat_template_kwargs: { tools: null } }";
    expect(model(yaml).options).toMatchObject({ draftModel: null, chatTemplateKwargs: { tools: null } });
  });

  it("survive the structured clone to a runner", () => {
    const spec = model("{ path: chat.gguf }");
    expect(structuredClone(spec)).toEqual(spec);
  });
});

describe("defaults", () => {
  const yaml = `
models:
  a: { path: cross }
  b: { path: e5 }
  c: { path: embed.gguf }
  d: { path: chat.gguf }
  e: { path: sd }
aliases: { ada: c }
`;

  it("are the first model of each purpose", () => {
    expect(load(yaml).defaults).toEqual({ text: "d", embedding: "b", rerank: "a", image: "e" });
    expect(load("").defaults).toEqual({ text: null, embedding: null, rerank: null, image: null });
  });

  it("may be named, by an alias too", () => {
    expect(load(`${yaml}\ndefaults: { embedding: ada }`).defaults.embedding).toBe("c");
    expect(load(yaml, { flags: { "default-embedding": ["c"] } }).defaults.embedding).toBe("c");
  });
});

describe("warnings", () => {
  it("name a variable that is probably misspelt, and ignore those of other programs", () => {
    const environment = { HEARTH_PROT: "1", HEARTH_BENCH_PEER: "x", HOME: "/" };
    expect(load("", { environment }).warnings).toEqual([
      "The variable HEARTH_PROT is not read; did you mean HEARTH_PORT?",
    ]);
  });

  it("name the variable of an upstream's key when it is not set", () => {
    const yaml = "models: { m: { path: 'http://x', api_key_variable: KEY } }";
    expect(load(yaml).warnings).toEqual([
      "The upstream model m takes its key from the variable KEY, which is not set.",
    ]);
    expect(load(yaml, { environment: { KEY: "k" } }).warnings).toEqual([]);
  });
});
