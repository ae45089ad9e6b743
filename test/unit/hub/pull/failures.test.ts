import { chmodSync, mkdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeHub, type SeenRequest } from "../../../support/hub/fake-hub.ts";
import { patternBytes } from "../../../support/hub/fake-repository.ts";
import { createHome, pull } from "../../../support/hub/pull-under-test.ts";
import { requirement } from "../../../support/skips/requires.ts";

let hub: FakeHub;
beforeAll(async () => {
  hub = await FakeHub.start();
  hub.commit("org/model", { "m-Q4_K_M.gguf": patternBytes(100), "m-Q8_0.gguf": patternBytes(2000) });
  hub.commit("org/private", { "m.gguf": patternBytes(100) });
  hub.repository("org/private").visibleTo = new Set(["hf_mine"]);
  hub.commit("org/gated", { "m.gguf": patternBytes(100) });
  hub.repository("org/gated").acceptedBy = new Set(["hf_accepted"]);
  hub.commit("org/disabled", { "m.gguf": patternBytes(100) });
  hub.repository("org/disabled").isDisabled = true;
  hub.commit("org/torch", { "config.json": "{}", "model.safetensors": patternBytes(100) });
  hub.commit("org/no-tokenizer", { "onnx/model.onnx": patternBytes(100) });
  hub.commit("org/no-onnx", { "model_index.json": "{}", "unet/diffusion_pytorch_model.safetensors": "x" });
  hub.commit("org/half", { "m-Q4_K_M-00001-of-00002.gguf": patternBytes(100) });
  hub.commit("org/empty", { "README.md": "x" });
});
afterAll(() => hub.close());

const questions = ({ url }: SeenRequest) => url.startsWith("/api/");

describe("a pull that the hub refuses", () => {
  it.each([
    [
      "org/gone",
      {},
      "missing-or-private",
      /^There is no public repository org\/gone: .* The hub does not say which\.$/,
    ],
    ["org/private", {}, "missing-or-private", /^There is no public repository org\/private/],
    ["org/private", { HF_TOKEN: "hf_other" }, "missing-or-private", /that your token may see/],
    ["org/gated", {}, "gated", /^org\/gated is gated: its authors ask everybody to accept their terms first\.$/],
    ["org/gated", { HF_TOKEN: "hf_other" }, "gated", /^org\/gated is gated/],
    ["org/disabled", {}, "disabled", /^The repository org\/disabled has been disabled by the hub/],
    ["org/model@v9", {}, "missing-revision", /^org\/model has no branch, tag or commit v9\.$/],
    ["hf:org/model/no.gguf", {}, "missing-file", /^org\/model has no file no\.gguf\.$/],
    ["org/model:Q2_K", {}, "missing-variant", /^org\/model has no variant Q2_K\.$/],
    ["org/torch", {}, "unsupported", /no \.gguf file, and no ONNX graph; its weights are for PyTorch\.$/],
    [
      "org/no-tokenizer",
      {},
      "unsupported",
      /^org\/no-tokenizer has the graph onnx\/model\.onnx but no tokenizer\.json\.$/,
    ],
    [
      "org/no-onnx",
      {},
      "unsupported",
      /^org\/no-onnx lacks text_encoder\/model\.onnx, .*: its weights are for PyTorch\.$/,
    ],
    ["org/half", {}, "missing-file", /^org\/half lacks 1 of the 2 parts of m-Q4_K_M-00001-of-00002\.gguf/],
    ["org/empty", {}, "unsupported", /^org\/empty has no model that can be served/],
    [
      "hf:org/model/README.md",
      {},
      "unsupported",
      /^README\.md of org\/model is neither a \.gguf nor an \.onnx file\.$/,
    ],
    ["nonsense-name", {}, "unknown-name", /^nonsense-name is not a known model\.$/],
    ["qwen3-4v", {}, "unknown-name", /Did you mean qwen3-4b\?$/],
    [
      "./model.gguf",
      {},
      "bad-reference",
      /^\.\/model\.gguf is a path, and what is on this machine need not be pulled\.$/,
    ],
    ["hf:x", {}, "bad-reference", /^hf:x names no repository/],
  ] as const)("%s with %j is %s", async (reference, variables, reason, message) => {
    const { failure } = await pull(reference, { home: createHome(hub, variables) });
    expect(failure).toMatchObject({ reason, message: expect.stringMatching(message) as string });
  });

  it.each([
    [
      "org/gated",
      {},
      /^Accept them at http:.*\/org\/gated, set HF_TOKEN to a token from .*\/settings\/tokens, then pull again\.$/,
    ],
    [
      "org/gated",
      { HF_TOKEN: "hf_other" },
      /with the account that the token in HF_TOKEN belongs to, then pull again\.$/,
    ],
    ["org/private", {}, /for a private one, set HF_TOKEN/],
    ["org/model:Q2_K", {}, /^It has Q4_K_M \(100 B\), Q8_0 \(2\.00 kB\)\.$/],
    [
      "org/torch",
      {},
      /^GGUF versions of a language model are at https:\/\/huggingface\.co\/models\?other=base_model:quantized:org\/torch/,
    ],
    ["./model.gguf", {}, /^Serve it: hearth serve --model \.\/model\.gguf$/],
  ] as const)("%s with %j says what to do", async (reference, variables, remedy) => {
    const { failure } = await pull(reference, { home: createHome(hub, variables) });
    expect(failure?.remedy).toMatch(remedy);
  });

  it("lets in whoever has accepted the terms", async () => {
    const { model } = await pull("org/gated", { home: createHome(hub, { HF_TOKEN: "hf_accepted" }) });
    expect(model?.bytes).toBe(100);
  });

  it.each([
    [
      "a token that is not accepted",
      { status: 401, body: '{"error":"Invalid credentials in Authorization header"}' },
      "token-rejected",
    ],
    [
      "a request that awaits an answer",
      { status: 403, headers: { "x-error-code": "GatedRepo", "x-error-message": "Your request is awaiting a review" } },
      "gated",
    ],
    ["a refusal without a reason", { status: 403 }, "forbidden"],
    ["a page of a proxy in place of the hub", { status: 200, body: "<html>" }, undefined],
  ] as const)("tells %s apart", async (_, fault, reason) => {
    hub.rules.length = 0;
    hub.fail(questions, { headers: { "content-type": "application/json" }, ...fault }, 100);
    const attempt = pull("org/model", { home: createHome(hub, { HF_TOKEN: "hf_x" }) });
    if (reason === undefined) await expect(attempt).resolves.toMatchObject({ failure: { reason: "protocol" } });
    else expect((await attempt).failure?.reason).toBe(reason);
    hub.rules.length = 0;
  });

  it("names the mirror that answers without being a hub", async () => {
    hub.fail(questions, { status: 200, body: "{}" }, 1);
    const { failure } = await pull("org/model", { home: createHome(hub) });
    expect(failure).toMatchObject({
      reason: "protocol",
      message: `${hub.endpoint} does not say which commit main of org/model is at.`,
    });
  });
});

describe("a listing", () => {
  const listing = (path: string, size = 10) =>
    JSON.stringify([
      { type: "file", path, size, oid: "0".repeat(40), lfs: { oid: "1".repeat(64), size, pointerSize: 1 } },
    ]);
  const tree = ({ url }: SeenRequest) => url.includes("/tree/");

  it.each([
    "../x.gguf",
    "/etc/x.gguf",
    "a/../../x.gguf",
    "CON.gguf",
    "aux/m.gguf",
    String.raw`a\b.gguf`,
    "x:y.gguf",
    "a/. /m.gguf",
  ])("with the path %j writes nothing", async (path) => {
    hub.fail(tree, { status: 200, headers: { "content-type": "application/json" }, body: listing(path) });
    const home = createHome(hub);
    const { failure } = await pull("org/model", { home });
    expect(failure).toMatchObject({ reason: "unsafe-path" });
  });

  it("with a file above 50 GB refuses it by name", async () => {
    hub.fail(tree, { status: 200, headers: { "content-type": "application/json" }, body: listing("big.gguf", 60e9) });
    const { failure } = await pull("org/model", { home: createHome(hub) });
    expect(failure).toMatchObject({
      reason: "too-large",
      message: "big.gguf has 60.0 GB, and the hub gives files above 50 GB only to its own client.",
      remedy: "Choose a smaller variant, or one in parts; or run: hf download org/model big.gguf",
    });
  });

  it("with more than the disk has room for is refused before the first byte, with the numbers", async () => {
    const parts = Array.from({ length: 3000 }, (_, index) => ({
      type: "file",
      path: `m-${String(index + 1).padStart(5, "0")}-of-03000.gguf`,
      size: 49e9,
      oid: "0".repeat(40),
      lfs: { oid: index.toString(16).padStart(64, "0"), size: 49e9, pointerSize: 1 },
    }));
    hub.fail(tree, { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(parts) });
    const since = hub.seen.length;
    const { failure } = await pull("org/model", { home: createHome(hub) });
    expect(failure).toMatchObject({
      reason: "disk-full",
      message: expect.stringMatching(/^147 TB are to be fetched, and [\d.]+ [GT]B are free on the disk of /) as string,
      remedy: expect.stringMatching(/^Free [\d.]+ TB, choose a smaller variant, or set HF_HUB_CACHE/) as string,
    });
    expect(hub.seen.slice(since).some(({ host }) => host === "store")).toBe(false);
  });
});

const notRoot = requirement(process.getuid?.() !== 0 && process.platform !== "win32", "a user whom permissions bind");

describe("a cache that cannot be written", () => {
  it.skipIf(!notRoot.isMet)(`is told with the variable that moves it${notRoot.note}`, async () => {
    const home = createHome(hub);
    mkdirSync(home.cache, { recursive: true });
    chmodSync(home.cache, 0o500);
    const { failure } = await pull("org/model", { home });
    chmodSync(home.cache, 0o700);
    expect(failure).toMatchObject({ reason: "disk-error", remedy: expect.stringContaining("HF_HUB_CACHE") as string });
  });

  it("is told where a file stands in the place of its folder", async () => {
    const home = createHome(hub, { HF_HUB_CACHE: "/dev/null/cache" });
    const { failure } = await pull("org/model", { home });
    expect(failure).toMatchObject({
      reason: "disk-error",
      message: expect.stringContaining("/dev/null/cache") as string,
    });
  });
});
