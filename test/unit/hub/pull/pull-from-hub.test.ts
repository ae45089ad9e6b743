import { lstatSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeHub } from "../../../support/hub/fake-hub.ts";
import { patternBytes } from "../../../support/hub/fake-repository.ts";
import { createHome, pull, type PullHome } from "../../../support/hub/pull-under-test.ts";
import { graphWithWeightsIn } from "../../../support/hub/onnx-graph.ts";

let hub: FakeHub;
beforeAll(async () => {
  hub = await FakeHub.start();
});
afterAll(() => hub.close());

const weights = patternBytes(300_000);
const gguf = {
  "model-Q8_0.gguf": patternBytes(1000, 2),
  "model-Q4_K_M.gguf": weights,
  "mmproj-model-f16.gguf": patternBytes(1000, 3),
  "README.md": "read me",
  "original/model.safetensors": patternBytes(1000, 4),
};

/** Every file below a folder, links with their targets. */
function tree(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !lstatSync(join(folder, name)).isDirectory())
    .map((name) => {
      const path = join(folder, name);
      return lstatSync(path).isSymbolicLink() ? `${name} -> ${readlinkSync(path)}` : name;
    })
    .toSorted();
}

function fetchedFrom(fake: FakeHub, since: number): string[] {
  return fake.seen
    .slice(since)
    .filter(({ method, host }) => method === "GET" && host === "store")
    .map(({ range }) => range ?? "whole");
}

describe("a pull from the hub", () => {
  it("lays the chosen files out as the shared cache has them, and nothing else", async () => {
    const commit = hub.commit("org/one", gguf);
    hub.repository("org/one").license = "apache-2.0";
    const home = createHome(hub);
    const { model, failure } = await pull("org/one", { home });
    expect(failure).toBeUndefined();
    const tag = hub.repositories.get("org/one")?.commits.get(commit)?.[1]?.tag;
    expect(tree(home.cache)).toEqual([
      `models--org--one/blobs/${tag}`,
      "models--org--one/refs/main",
      `models--org--one/snapshots/${commit}/model-Q4_K_M.gguf -> ../../blobs/${tag}`,
    ]);
    expect(readFileSync(join(home.cache, "models--org--one/refs/main"), "utf8")).toBe(commit);
    expect(model).toEqual({
      name: "org/one",
      source: "hf:org/one",
      path: join(home.cache, "models--org--one/snapshots", commit, "model-Q4_K_M.gguf"),
      bytes: 300_000,
      commit,
      license: { name: "apache-2.0", url: `${hub.endpoint}/org/one` },
    });
    expect(readFileSync(model?.path ?? "").equals(weights)).toBe(true);
  });

  it("tells what it does in order, with counts that end at the total", async () => {
    hub.commit("org/events", gguf);
    const { events } = await pull("hf:org/events:q8_0", { home: createHome(hub) });
    expect(events.map(({ type }) => type)).toEqual([
      "source",
      "resolved",
      "planned",
      "bytes",
      "file",
      "bytes",
      "finished",
    ]);
    expect(events[2]).toEqual({ type: "planned", files: 1, bytes: 1000, bytesPresent: 0 });
    expect(events.at(-2)).toMatchObject({ type: "bytes", bytesDone: 1000, bytes: 1000 });
  });

  it("sends the token to the hub and never to the host of the bytes", async () => {
    hub.commit("org/secret", gguf);
    hub.repository("org/secret").visibleTo = new Set(["hf_secret"]);
    const since = hub.seen.length;
    const home = createHome(hub, { HF_TOKEN: "hf_secret" });
    const { model, events } = await pull("org/secret", { home });
    expect(model).toBeDefined();
    const tokens = (host: string) =>
      new Set(
        hub.seen
          .slice(since)
          .filter((seen) => seen.host === host)
          .map(({ token }) => token),
      );
    expect(tokens("hub")).toEqual(new Set(["hf_secret"]));
    expect(tokens("store")).toEqual(new Set([null]));
    expect(JSON.stringify(events)).not.toContain("hf_secret");
    expect(
      tree(home.folder)
        .map((name) => name.split(" ")[0] as string)
        .filter((name) => !name.includes("snapshots"))
        .some((name) => readFileSync(join(home.folder, name)).includes("hf_secret")),
    ).toBe(false);
  });

  it("fetches a large file by several ranges at once", async () => {
    hub.commit("org/ranges", { "m.gguf": patternBytes(200_000, 9) });
    const since = hub.seen.length;
    const { failure } = await pull("org/ranges", { home: createHome(hub) });
    expect(failure).toBeUndefined();
    expect(fetchedFrom(hub, since).toSorted()).toEqual([
      "bytes=0-65535",
      "bytes=131072-196607",
      "bytes=196608-199999",
      "bytes=65536-131071",
    ]);
  });

  it("asks only questions where everything is here", async () => {
    hub.commit("org/again", gguf);
    const home = createHome(hub);
    await pull("org/again", { home });
    const since = hub.seen.length;
    const { events, model } = await pull("org/again", { home });
    expect(model?.bytes).toBe(300_000);
    expect(hub.seen.slice(since).map(({ url }) => url.split("?")[0])).toEqual([
      "/api/models/org/again/revision/main",
      expect.stringContaining("/api/models/org/again/tree/") as string,
    ]);
    expect(events).toContainEqual({ type: "planned", files: 1, bytes: 300_000, bytesPresent: 300_000 });
  });

  it("stays at the commit that it resolved when the branch moves on", async () => {
    const commit = hub.commit("org/moving", gguf);
    const { model } = await pull("org/moving", {
      home: createHome(hub),
      onEvent: ({ type }) => {
        if (type === "resolved") hub.commit("org/moving", { "model-Q4_K_M.gguf": patternBytes(10) });
      },
    });
    expect(model?.commit).toBe(commit);
    expect(readFileSync(model?.path ?? "").equals(weights)).toBe(true);
  });

  it("reads a listing of several pages", async () => {
    hub.commit("org/pages", gguf);
    hub.pageSize = 2;
    try {
      expect((await pull("org/pages", { home: createHome(hub) })).model?.bytes).toBe(300_000);
    } finally {
      hub.pageSize = 1000;
    }
  });

  it("follows a repository that was renamed", async () => {
    hub.commit("org/new-name", gguf);
    hub.commit("org/old-name", gguf);
    hub.repository("org/old-name").renamedTo = "org/new-name";
    const { model } = await pull("org/old-name", { home: createHome(hub) });
    expect(readFileSync(model?.path ?? "").equals(weights)).toBe(true);
  });

  it("keeps a reference for a branch, a tag and a pull request, and none for a commit", async () => {
    const commit = hub.commit("org/refs", gguf, "refs/pr/1");
    hub.commit("org/refs", gguf, "v1");
    const home = createHome(hub);
    for (const revision of ["refs/pr/1", "v1", commit]) {
      expect((await pull(`hf:org/refs@${revision}:Q8_0`, { home })).failure).toBeUndefined();
    }
    expect(tree(join(home.cache, "models--org--refs/refs"))).toEqual(["refs/pr/1", "v1"]);
  });

  it("fetches all parts of a model in parts, and opens the first", async () => {
    const part = (index: number) => [`m-Q4_K_M-0000${index}-of-00003.gguf`, patternBytes(1000, index)] as const;
    hub.commit("org/parts", Object.fromEntries([part(1), part(2), part(3), ["m-Q2_K.gguf", "x"]]));
    const { model } = await pull("org/parts:q4_k_m", { home: createHome(hub) });
    expect(model?.path.endsWith("m-Q4_K_M-00001-of-00003.gguf")).toBe(true);
    expect(model?.bytes).toBe(3000);
  });

  it("fetches an encoder with the external weights that its graph names, whatever their name, and no other graph", async () => {
    hub.commit("org/encoder", {
      "config.json": "{}",
      "tokenizer.json": "{}",
      "1_Pooling/config.json": "{}",
      "vocab.txt": "x",
      "model.safetensors": patternBytes(5000),
      "onnx/model.onnx": graphWithWeightsIn("weights.pb"),
      "onnx/weights.pb": patternBytes(70_000, 5),
      "onnx/model_int8.onnx": graphWithWeightsIn(),
      "onnx/other.onnx_data": patternBytes(100),
    });
    const { model, events } = await pull("org/encoder", { home: createHome(hub) });
    expect(tree(model?.path ?? "").map((line) => line.split(" ")[0])).toEqual([
      "1_Pooling/config.json",
      "config.json",
      "onnx/model.onnx",
      "onnx/weights.pb",
      "tokenizer.json",
    ]);
    expect(events.filter(({ type }) => type === "planned")).toMatchObject([{ files: 4 }, { files: 5 }]);
  });

  it("serves the graph that was asked for, although another lies beside it", async () => {
    hub.commit("org/variants", {
      "config.json": "{}",
      "tokenizer.json": "{}",
      "onnx/model.onnx": graphWithWeightsIn(),
      "onnx/model_qint8_avx512_vnni.onnx": graphWithWeightsIn(),
    });
    const home = createHome(hub);
    await pull("org/variants", { home });
    await pull("org/variants:int8", { home });
    expect(home.store.find("org/variants")?.options).toEqual({ model_file: "onnx/model" });
    expect(home.store.find("org/variants:int8")?.options).toEqual({ model_file: "onnx/model_qint8_avx512_vnni" });
  });

  it("fetches of a pipeline the graphs and settings, without safety checker and PyTorch weights", async () => {
    const graph = graphWithWeightsIn();
    hub.commit("org/pipeline", {
      "model_index.json": "{}",
      "scheduler/scheduler_config.json": "{}",
      "tokenizer/vocab.json": "{}",
      "tokenizer/merges.txt": "x",
      "text_encoder/config.json": "{}",
      "text_encoder/model.onnx": graph,
      "unet/config.json": "{}",
      "unet/model.onnx": graphWithWeightsIn("model.onnx_data"),
      "unet/model.onnx_data": patternBytes(9000),
      "unet/diffusion_pytorch_model.safetensors": patternBytes(9000),
      "vae/config.json": "{}",
      "vae_decoder/model.onnx": graph,
      "safety_checker/model.onnx": graph,
      "sd_xl_base_1.0.safetensors": patternBytes(9000),
    });
    const { model } = await pull("org/pipeline", { home: createHome(hub) });
    expect(tree(model?.path ?? "").map((line) => line.split(" ")[0])).toEqual([
      "model_index.json",
      "scheduler/scheduler_config.json",
      "text_encoder/config.json",
      "text_encoder/model.onnx",
      "tokenizer/merges.txt",
      "tokenizer/vocab.json",
      "unet/config.json",
      "unet/model.onnx",
      "unet/model.onnx_data",
      "vae/config.json",
      "vae_decoder/model.onnx",
    ]);
  });

  it("has real files in the snapshot, and no contents, where links are not wanted", async () => {
    const commit = hub.commit("org/no-links", gguf);
    const home = createHome(hub, { HF_HUB_DISABLE_SYMLINKS: "1" });
    const { model } = await pull("org/no-links", { home });
    expect(tree(join(home.cache, "models--org--no-links"))).toEqual([
      "refs/main",
      `snapshots/${commit}/model-Q4_K_M.gguf`,
    ]);
    expect(readFileSync(model?.path ?? "").equals(weights)).toBe(true);
    const since = hub.seen.length;
    await pull("org/no-links", { home });
    expect(fetchedFrom(hub, since)).toEqual([]);
  });

  it("leaves partial files of other tools alone", async () => {
    hub.commit("org/others", gguf);
    const home = createHome(hub);
    await pull("org/others:Q8_0", { home });
    const blobs = join(home.cache, "models--org--others/blobs");
    const tag = hub.repositories.get("org/others")?.commits.values().next().value?.[1]?.tag ?? "";
    for (const name of [`${tag}.incomplete`, `${tag}.downloadInProgress`]) writeFileSync(join(blobs, name), "theirs");
    expect((await pull("org/others:Q4_K_M", { home })).failure).toBeUndefined();
    for (const name of [`${tag}.incomplete`, `${tag}.downloadInProgress`]) {
      expect(readFileSync(join(blobs, name), "utf8")).toBe("theirs");
    }
  });

  it("fetches anew a content that has another length than it should", async () => {
    hub.commit("org/truncated", gguf);
    const home = createHome(hub);
    const { model } = await pull("org/truncated", { home });
    writeFileSync(model?.path ?? "", "cut");
    await pull("org/truncated", { home });
    expect(readFileSync(model?.path ?? "").equals(weights)).toBe(true);
  });
});

describe("a pull without network", () => {
  const offline = { HF_HUB_OFFLINE: "1" };
  const withVariables = (home: PullHome, variables: Record<string, string>): PullHome => ({
    ...home,
    environment: { ...home.environment, ...variables },
  });

  it("asks nobody where HF_HUB_OFFLINE is set, and takes what is here", async () => {
    hub.commit("org/offline", gguf);
    const home = createHome(hub);
    const { model } = await pull("org/offline", { home });
    home.store.remove("org/offline");
    const since = hub.seen.length;
    const again = await pull("org/offline", { home: withVariables(home, offline) });
    expect(again.model).toEqual({ ...model, license: null });
    expect(hub.seen.length).toBe(since);
  });

  it("says that the switch forbids it where something is missing", async () => {
    const { failure } = await pull("org/offline:Q8_0", { home: createHome(hub, offline) });
    expect(failure).toMatchObject({
      reason: "offline",
      message: "hf:org/offline:Q8_0 is not on this machine, and HF_HUB_OFFLINE forbids the network.",
    });
  });

  it("takes what is here, with a word, where the hub cannot be reached", async () => {
    hub.commit("org/far", gguf);
    const home = createHome(hub);
    await pull("org/far", { home });
    const away = withVariables(home, { HF_ENDPOINT: "http://127.0.0.1:9" });
    const { model, events } = await pull("org/far", { home: away });
    expect(model?.path).toContain("models--org--far");
    expect(events).toContainEqual({
      type: "note",
      message: "127.0.0.1:9 cannot be reached: it refuses the connection. What is on this machine is used.",
    });
  });
});
