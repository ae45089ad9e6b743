import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findModels } from "../../../../src/hub/discover/find-models.ts";
import { createSandbox, ggufBytes } from "../../config/model-folders.ts";

const chat = ggufBytes({ "general.architecture": "llama" });
const embed = ggufBytes({ "general.architecture": "bert" });
const commit = "c".repeat(40);

/** A home in which every program has left something. */
const sandbox = createSandbox();
afterAll(() => sandbox.remove());
const home = sandbox.path("home");
const cache = "home/.cache/huggingface/hub";
const write = sandbox.write;

function snapshot(repository: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  const folder = `${cache}/models--${repository.replace("/", "--")}`;
  write(`${folder}/refs/main`, commit);
  for (const [path, content] of Object.entries(files)) {
    const tag = Buffer.from(path).toString("hex").padEnd(64, "0").slice(0, 64);
    write(`${folder}/blobs/${tag}`, content);
    const link = write(`${folder}/snapshots/${commit}/${path}.made`, "");
    symlinkSync(`${"../".repeat(path.split("/").length + 1)}blobs/${tag}`, link.replace(/\.made$/, ""));
  }
}
snapshot("org/chat-GGUF", { "m-Q4_K_M.gguf": chat, "m-Q8_0.gguf": chat, "mmproj-f16.gguf": chat, "README.md": "x" });
snapshot("org/encoder", { "config.json": "{}", "tokenizer.json": "{}", "onnx/model.onnx": "graph" });
snapshot("org/pipeline", { "model_index.json": "{}", "unet/model.onnx": "graph" });
snapshot("org/torch", { "config.json": "{}", "model.safetensors": "weights" });
write(`${cache}/models--org--empty/refs/main`, commit);
write(`${cache}/datasets--org--data/refs/main`, commit);
write(`${cache}/models--org--dangling/snapshots/${commit}/.keep`, "");
symlinkSync("../../blobs/gone", sandbox.path(`${cache}/models--org--dangling/snapshots/${commit}/m.gguf`));

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
function ollama(manifest: string, layers: readonly (readonly [type: string, digest: string])[]): void {
  const body = {
    layers: layers.map(([type, value]) => ({ mediaType: `application/vnd.ollama.image.${type}`, digest: value })),
  };
  write(`home/.ollama/models/manifests/${manifest}`, JSON.stringify(body));
}
write(`home/.ollama/models/blobs/${digest("a").replace(":", "-")}`, chat);
write(`home/.ollama/models/blobs/${digest("b").replace(":", "-")}`, "not a model");
write(`home/.ollama/models/blobs/${digest("d").replace(":", "-")}`, chat);
ollama("registry.ollama.ai/library/llama3.2/latest", [
  ["model", digest("a")],
  ["template", digest("b")],
]);
ollama("registry.ollama.ai/library/llama3.2/1b", [["model", digest("a")]]);
ollama("registry.ollama.ai/me/mine/v1", [
  ["model", digest("a")],
  ["adapter", digest("d")],
]);
ollama("hf.co/org/repo/Q4_K_M", [["model", digest("a")]]);
ollama("registry.ollama.ai/library/new-engine/latest", [["model", digest("b")]]);
ollama("registry.ollama.ai/library/traversal/latest", [["model", "sha256:../../../etc/passwd"]]);
write("home/.ollama/models/manifests/registry.ollama.ai/library/broken/latest", "{");

write("home/.lmstudio/models/publisher/model-GGUF/model-Q4_K_M.gguf", chat);
write("home/.lmstudio/models/publisher/model-GGUF/mmproj-model.gguf", chat);
write("home/.lmstudio/models/publisher/odd/odd.gguf", embed);
write("home/.cache/llama.cpp/org_repo_m-Q4_K_M.gguf", chat);
write("home/.cache/llama.cpp/org_repo_m-Q4_K_M.gguf.downloadInProgress", "part");
write("models/stories.gguf", chat);
write("models/deep/er/large-00001-of-00002.gguf", chat);
write("models/deep/er/large-00002-of-00002.gguf", "second part");
write("models/e5/tokenizer.json", "{}");
write("models/e5/onnx/model.onnx", "graph");
write("models/broken.gguf", "not a model");

const found = findModels({ environment: { HOME: home }, modelsDirectories: [sandbox.path("models")] });
const row = (name: string) => {
  const model = found.find((candidate) => candidate.name === name);
  return model === undefined ? undefined : [model.foundIn, model.purpose, model.path.replace(`${sandbox.folder}/`, "")];
};

describe("the models on this machine", () => {
  it.each([
    ["org/chat-GGUF:Q4_K_M", "hub cache", "text", `${cache}/models--org--chat-GGUF/snapshots/${commit}/m-Q4_K_M.gguf`],
    ["org/chat-GGUF:Q8_0", "hub cache", "text", `${cache}/models--org--chat-GGUF/snapshots/${commit}/m-Q8_0.gguf`],
    ["org/encoder", "hub cache", "embedding", `${cache}/models--org--encoder/snapshots/${commit}`],
    ["org/pipeline", "hub cache", "image", `${cache}/models--org--pipeline/snapshots/${commit}`],
    ["ollama:llama3.2", "ollama", "text", `home/.ollama/models/blobs/sha256-${"a".repeat(64)}`],
    ["ollama:llama3.2:1b", "ollama", "text", `home/.ollama/models/blobs/sha256-${"a".repeat(64)}`],
    ["ollama:me/mine:v1", "ollama", "text", `home/.ollama/models/blobs/sha256-${"a".repeat(64)}`],
    ["ollama:hf.co/org/repo:Q4_K_M", "ollama", "text", `home/.ollama/models/blobs/sha256-${"a".repeat(64)}`],
    [
      "lmstudio:publisher/model-GGUF:Q4_K_M",
      "lm studio",
      "text",
      "home/.lmstudio/models/publisher/model-GGUF/model-Q4_K_M.gguf",
    ],
    ["lmstudio:publisher/odd/odd", "lm studio", "embedding", "home/.lmstudio/models/publisher/odd/odd.gguf"],
    ["org_repo_m-Q4_K_M", "llama.cpp", "text", "home/.cache/llama.cpp/org_repo_m-Q4_K_M.gguf"],
    ["stories", "models dir", "text", "models/stories.gguf"],
    ["deep/er/large", "models dir", "text", "models/deep/er/large-00001-of-00002.gguf"],
    ["e5", "models dir", "embedding", "models/e5"],
  ])("include %s of the %s for %s", (name, ...expected) => {
    expect(row(name)).toEqual(expected);
  });

  it("are these and no others", () => {
    expect(found.filter(({ problem }) => problem === null)).toHaveLength(14);
  });

  it.each([
    ["org/torch", /cannot be served/],
    ["ollama:new-engine", /is not in GGUF format/],
    ["broken", /named \.gguf but does not begin as one/],
  ])("that cannot be served, such as %s, say why", (name, problem) => {
    expect(found.find((model) => model.name === name)?.problem).toMatch(problem);
  });

  it("count all parts of a model in parts", () => {
    expect(found.find(({ name }) => name === "deep/er/large")?.bytes).toBe(chat.length + "second part".length);
  });

  it("bring the adapters of an Ollama model along", () => {
    expect(found.find(({ name }) => name === "ollama:me/mine:v1")?.options).toEqual({
      lora: [{ path: join(home, ".ollama/models/blobs", `sha256-${"d".repeat(64)}`) }],
    });
  });

  it("are looked for where variables have moved them", () => {
    const moved = findModels({
      environment: { HOME: "/nowhere", OLLAMA_MODELS: join(home, ".ollama/models"), HF_HUB_CACHE: sandbox.path(cache) },
      modelsDirectories: [],
    });
    expect(moved.map(({ name }) => name)).toEqual(expect.arrayContaining(["ollama:llama3.2", "org/encoder"]));
  });
});
