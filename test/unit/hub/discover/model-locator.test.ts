import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ModelPlaces } from "../../../../src/domain/hub/model-locator.ts";
import { loadConfiguration } from "../../../../src/config/load-configuration.ts";
import { createModelLocator } from "../../../../src/hub/discover/model-locator.ts";
import { FakeHub } from "../../../support/hub/fake-hub.ts";
import { createHome, pull, type PullHome } from "../../../support/hub/pull-under-test.ts";
import { createSandbox, ggufBytes } from "../../config/model-folders.ts";

const sandbox = createSandbox();
let hub: FakeHub;
let home: PullHome;
beforeAll(async () => {
  hub = await FakeHub.start();
  home = createHome(hub);
  const chat = Buffer.from(ggufBytes({ "general.architecture": "llama" }));
  hub.commit("org/chat-GGUF", { "m-Q4_K_M.gguf": chat, "m-Q8_0.gguf": chat });
  hub.commit("Qwen/Qwen3-0.6B-GGUF", { "Qwen3-0.6B-Q8_0.gguf": chat });
  await pull("org/chat-GGUF", { home });
  await pull("hf:org/chat-GGUF:Q8_0", { home, name: "mine" });
  // In the cache by another tool's doing.
  await pull("qwen3-0.6b", { home });
  home.store.remove("qwen3-0.6b");
  sandbox.write("models/stories.gguf", chat);
});
afterAll(async () => {
  sandbox.remove();
  await hub.close();
});

const places = (changes: Partial<ModelPlaces> = {}): ModelPlaces => ({
  storeDirectory: join(home.folder, "store"),
  knownModels: null,
  modelsDirectories: [sandbox.path("models")],
  offer: "pulled",
  ...changes,
});
const locator = (changes: Partial<ModelPlaces> = {}) => createModelLocator(places(changes), home.environment);
const load = (flags: Readonly<Record<string, readonly string[]>>) =>
  loadConfiguration({
    file: sandbox.write("empty.yaml"),
    flags: { "store-directory": [join(home.folder, "store")], "models-dir": [sandbox.path("models")], ...flags },
    environment: home.environment,
    cwd: sandbox.folder,
    createLocator: (found) => createModelLocator(found, home.environment),
  });

describe("a model by name", () => {
  it.each([
    "org/chat-GGUF",
    "hf:org/chat-GGUF",
    "org/chat-GGUF:Q4_K_M",
    "mine",
    "qwen3-0.6b",
    "Qwen/Qwen3-0.6B",
    "stories",
  ])("%s is found without its path", (name) => {
    expect(locator().locate(name)).toMatchObject({ path: expect.stringMatching(/\.gguf$/) as string });
  });

  it.each([
    ["qwen3-4b", "is a known model that is not on this machine: qwen3-4b. Fetch it with: hearth pull qwen3-4b"],
    ["hf:org/other", "is not on this machine: hf:org/other. Fetch it with: hearth pull hf:org/other"],
    ["ollama:gone", "is not on this machine: hearth list --discover prints what is (ollama:gone)"],
    ["qwen3-4v", "is neither a path nor a known model: qwen3-4v; did you mean qwen3-4b?"],
    ["hf:x", "is no reference: hf:x names no repository: write hf:ORG/REPO."],
    [
      "https://example.com/m.gguf",
      "is not on this machine: https://example.com/m.gguf. Fetch it with: hearth pull https://example.com/m.gguf",
    ],
  ])("%s that is not here says what to do", (name, problem) => {
    expect(locator().locate(name)).toEqual({ problem });
  });

  it.each(["./x", "/x/y.gguf", "https://inference.example.com/v1", "xyzzy"])("is not what %s means", (text) => {
    expect(locator().locate(text)).toBeUndefined();
  });
});

describe("a configuration", () => {
  it("serves what was pulled and what lies in models_dirs, although nobody has named it", () => {
    expect(load({}).models.map(({ id }) => id)).toEqual(["mine", "org/chat-GGUF", "stories"]);
  });

  it("serves also what other tools have where it is told to, each file once", () => {
    const { models } = load({ offer: ["found"] });
    expect(models.map(({ id }) => id)).toEqual(["mine", "org/chat-GGUF", "stories", "Qwen/Qwen3-0.6B-GGUF:Q8_0"]);
  });

  it("serves nothing unasked where it is told so", () => {
    expect(load({ offer: ["none"] }).models).toEqual([]);
  });

  it("takes names and references in the place of a path, with or without a name of its own", () => {
    const { models } = load({
      offer: ["none"],
      model: ["small=qwen3-0.6b,context_size=512", "hf:org/chat-GGUF:Q8_0", "stories"],
    });
    expect(models.map(({ id, path }) => [id, path.split("/").at(-1)])).toEqual([
      ["small", "Qwen3-0.6B-Q8_0.gguf"],
      ["org/chat-GGUF:Q8_0", "m-Q8_0.gguf"],
      ["stories", "stories.gguf"],
    ]);
    expect(models[0]?.options).toMatchObject({ contextSize: 512 });
  });

  it("says of a known model that is absent how to get it", () => {
    expect(() => load({ model: ["big=llama-3-70b"] })).toThrow(
      "--model: models.big.path is a known model that is not on this machine: llama-3-70b. Fetch it with: hearth pull llama-3-70b",
    );
  });

  it("prefers an existing folder to a repository of the same name", () => {
    sandbox.write("org/chat-GGUF/model_index.json", "{}");
    const { models } = load({ offer: ["none"], model: ["e=org/chat-GGUF"] });
    expect(models[0]?.path).toBe(sandbox.path("org/chat-GGUF"));
  });
});
