// The messages about a configuration, word for word.
import { afterAll, describe, expect, it } from "vitest";
import { loadConfiguration, type LoadOptions } from "../../../../src/config/load-configuration.ts";
import { ConfigurationError } from "../../../../src/config/problems/problems.ts";
import { createSandbox, ggufBytes } from "../model-folders.ts";

const sandbox = createSandbox();
afterAll(() => sandbox.remove());
sandbox.write("chat.gguf", ggufBytes({ "general.architecture": "llama" }));
sandbox.write("sd/model_index.json", "{}");
sandbox.write("embed.gguf", ggufBytes({ "general.architecture": "bert" }));

/** The lines of the error; the sandbox's path is written as `…`. */
function linesOf(options: Partial<LoadOptions>): string[] {
  try {
    loadConfiguration({ flags: {}, environment: {}, cwd: sandbox.folder, ...options });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message.replaceAll(sandbox.folder, "…").split("\n");
  }
  return [];
}

const problemsOf = (yaml: string, options: Partial<LoadOptions> = {}) =>
  linesOf({ file: sandbox.write("h.yaml", yaml), ...options });

describe("unknown keys", () => {
  it.each([
    ["server: { prot: 1 }", "…/h.yaml:1:11: server.prot is not a known key; did you mean port?"],
    ["server: { bodyLimit: 1 }", "…/h.yaml:1:11: server.bodyLimit is not a known key; did you mean body_limit?"],
    ["model: {}", "…/h.yaml:1:1: model is not a known key; did you mean models?"],
    ["port: 1", "…/h.yaml:1:1: port is not a known key; did you mean server.port?"],
    ["server: { level: info }", "…/h.yaml:1:11: server.level is not a known key; did you mean logging.level?"],
    ["memory: { zzz: 1 }", "…/h.yaml:1:11: memory.zzz is not a known key; the keys here are budget"],
    [
      "models:\n  a/b:\n    path: chat.gguf\n    contextSize: 1",
      '…/h.yaml:4:5: models."a/b".contextSize is not a known key; did you mean context_size?',
    ],
    [
      "models:\n  m:\n    path: chat.gguf\n    steps: 1",
      "…/h.yaml:4:5: models.m.steps is not a known key; it is for models of kind image, and this one is of kind text",
    ],
    [
      "models: { m: { path: chat.gguf, defaults: { temprature: 1 } } }",
      "…/h.yaml:1:45: models.m.defaults.temprature is not a known key; did you mean temperature?",
    ],
    [
      "models: { m: { path: chat.gguf, lora: [{ path: chat.gguf, weight: 1 }] } }",
      "…/h.yaml:1:59: models.m.lora[0].weight is not a known key; the keys here are path, scale",
    ],
  ])("%s", (yaml, expected) => {
    expect(problemsOf(yaml)).toEqual([expected]);
  });
});

describe("wrong values", () => {
  it.each([
    ["server: { port: 70000 }", "server.port must be a whole number from 0 to 65535, not 70000"],
    ["server: { port: 1.5 }", "server.port must be a whole number from 0 to 65535, not 1.5"],
    ["server: { port: abc }", 'server.port must be a whole number from 0 to 65535, not "abc"'],
    ["server: { max_connections: -1 }", "server.max_connections must be a whole number of at least 0, not -1"],
    ["server: { host: '' }", 'server.host must be text of at least one character, not ""'],
    [
      "server: { body_limit: big }",
      'server.body_limit must be a size such as 25MB or 2GiB (a bare number is bytes), not "big"',
    ],
    [
      "server: { request_timeout: 1 hour }",
      'server.request_timeout must be a duration such as 30s, 5m or 1h (a bare number is seconds), not "1 hour"',
    ],
    [
      "memory: { budget: half }",
      'memory.budget must be auto, a share such as 60%, or a size such as 12GiB, not "half"',
    ],
    [
      "logging: { level: warning }",
      'logging.level must be one of debug, info, warn, error, silent, not "warning"; did you mean warn?',
    ],
    ["server: 5", "server must be a mapping of keys, not 5"],
    ["models: [a]", 'models must map model names to { path, ... }, not ["a"]'],
    ["models: { m: x.gguf }", 'models.m must be a model: { path, ... }, not "x.gguf"'],
    ["aliases: { a: 5 }", "aliases.a must be text of at least one character, not 5"],
  ])("%s", (yaml, expected) => {
    expect(problemsOf(yaml).map((line) => line.replace(/^…\/h\.yaml:1:\d+: /, ""))).toEqual([expected]);
  });

  it("never shows an API key", () => {
    expect(problemsOf("server: { api_keys: hunter2 }")).toEqual([
      "…/h.yaml:1:11: server.api_keys must be a list of texts",
    ]);
    expect(problemsOf("server: { api_keys: [77] }")).toEqual([
      "…/h.yaml:1:22: server.api_keys[0] must be text of at least one character",
    ]);
  });
});

describe("models", () => {
  it.each([
    ["m:", "models.m.path is missing: it must be a file, a folder or a URL"],
    ["m: { path: 5 }", "models.m.path must be a file, a folder or a URL"],
    ["m: { path: chat.ggf }", "models.m.path does not exist: …/chat.ggf; did you mean …/chat.gguf?"],
    [
      "m: { path: 's3://bucket/x' }",
      "models.m.path must be a file, a folder, or a URL of http or https, not of s3: s3://bucket/x",
    ],
    [
      "m: { path: chat.gguf, kind: txt }",
      'models.m.kind must be one of text, embedding, image, upstream, not "txt"; did you mean text?',
    ],
    ["m: { path: sd, kind: text }", "models.m.kind is text, but the path is a model of kind image: …/sd"],
    ["m: { path: chat.gguf, draft_model: d.gguf }", "models.m.draft_model names a file that does not exist: …/d.gguf"],
    [
      "m: { path: chat.gguf, gpu_layers: all }",
      'models.m.gpu_layers must be auto, max, or a count of layers, not "all"',
    ],
    ["' ': { path: chat.gguf }", 'models." " is not a model name: a name is not empty and has no spaces at its ends'],
  ])("%s", (yaml, expected) => {
    expect(problemsOf(`models:\n  ${yaml}`).map((line) => line.replace(/^…\/h\.yaml:2:\d+: /, ""))).toEqual([expected]);
  });

  it("have their options checked even when the path is wrong", () => {
    expect(problemsOf("models: { m: { path: nowhere, stepps: 1 } }")).toEqual([
      "…/h.yaml:1:16: models.m.path does not exist: …/nowhere",
      "…/h.yaml:1:31: models.m.stepps is not a known key; did you mean steps, which is for models of kind image?",
    ]);
  });
});

describe("aliases and defaults", () => {
  const models = "models: { chat: { path: chat.gguf }, embed: { path: embed.gguf } }";

  it.each([
    ["aliases: { a: caht }", "aliases.a names the model caht, which is not configured; did you mean chat?"],
    ["aliases: { a: zzzzz }", "aliases.a names the model zzzzz, which is not configured"],
    ["aliases: { a: b, b: chat }", "aliases.a names b, which is itself an alias: name the model, chat"],
    ["aliases: { chat: embed }", "aliases.chat is the name of a model too: give the alias another name"],
    ["aliases: { a: a }", "aliases.a names a, which is itself an alias: name the model, a"],
    ["defaults: { text: cat }", "defaults.text names the model cat, which is not configured; did you mean chat?"],
    ["defaults: { text: embed }", "defaults.text names embed, which is for embedding, not for text"],
  ])("%s", (yaml, expected) => {
    const lines = problemsOf(`${models}\n${yaml}`).map((line) => line.replace(/^…\/h\.yaml:2:\d+: /, ""));
    expect(lines).toEqual([expected]);
  });
});

describe("the file itself", () => {
  it("is refused when it is absent, a folder, no YAML, or no mapping", () => {
    expect(linesOf({ flags: { config: ["gone.yaml"] } })).toEqual([
      "…/gone.yaml:1:1: the configuration file does not exist",
    ]);
    expect(linesOf({ flags: { config: ["sd"] } })).toEqual([
      "…/sd:1:1: the configuration must be a file, and this is a folder",
    ]);
    expect(problemsOf("- a\n- b")).toEqual([
      "…/h.yaml:1:1: the configuration must be a mapping of sections such as models: and server:",
    ]);
    expect(problemsOf("server:\n  port: 1\n  port: 2")).toEqual([
      "…/h.yaml:3:3: not valid YAML: Map keys must be unique",
    ]);
    expect(problemsOf("server: *x")).toEqual([
      expect.stringMatching(/^…\/h\.yaml:1:1: not valid YAML: Unresolved alias/) as string,
    ]);
  });
});

describe("places", () => {
  it("are the variable or the flag by which the value was set", () => {
    const environment = { HEARTH_PORT: "x", HEARTH_MODEL: "=broken" };
    const flags = { "log-level": ["loud"], model: ["m=nowhere", "=x", "m2=", "m3=chat.gguf,stpes=1"], alias: ["a"] };
    expect(problemsOf("", { environment, flags })).toEqual([
      'HEARTH_MODEL: must be NAME=PATH, such as stories=./stories.gguf, not "=broken"',
      '--model: must be NAME=PATH, such as stories=./stories.gguf, not "=x"',
      '--model: has no path after "m2="',
      '--alias: must be NAME=MODEL, such as gpt-4o=my-model, not "a"',
      'HEARTH_PORT: server.port must be a whole number from 0 to 65535, not "x"',
      '--log-level: logging.level must be one of debug, info, warn, error, silent, not "loud"',
      "--model: models.m.path does not exist: …/nowhere",
      "--model: models.m3.stpes is not a known key; did you mean steps, which is for models of kind image?",
    ]);
  });

  it("follow the file from top to bottom, all problems at once", () => {
    const yaml = "aliases: { a: b }\nserver:\n  prot: 1\n  port: x\nmodels:\n  m: { path: gone }";
    expect(problemsOf(yaml).map((line) => line.split(" ")[0])).toEqual([
      "…/h.yaml:1:12:",
      "…/h.yaml:3:3:",
      "…/h.yaml:4:3:",
      "…/h.yaml:6:8:",
    ]);
  });
});
