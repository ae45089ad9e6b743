import { afterAll, describe, expect, it } from "vitest";
import { inspectPath } from "../../../src/model-files/inspect-path.ts";
import { shared, sharedPath } from "../../support/shared.ts";
import { createSandbox, ggufBytes } from "../config/model-folders.ts";

const reference = shared("models", "stories260K");

const sandbox = createSandbox();
afterAll(() => sandbox.remove());

const kindOf = (path: string) => {
  const finding = inspectPath(path);
  return finding.ok ? `${finding.kind} for ${finding.purpose}` : finding.message.replaceAll(sandbox.folder, "…");
};

const gguf = (name: string, metadata: Parameters<typeof ggufBytes>[0]) => sandbox.write(name, ggufBytes(metadata));
const expected =
  "Expected a .gguf file (text), a folder with tokenizer.json and an ONNX encoder (embedding), " +
  "a folder with model_index.json (image), or an http(s) URL (upstream).";

describe("a file", () => {
  it("that begins as GGUF is text", () => {
    expect(kindOf(gguf("chat.gguf", { "general.architecture": "llama" }))).toBe("text for text");
  });

  it("needs no ending .gguf, as the blobs of a cache have none", () => {
    expect(kindOf(gguf("blobs/sha256-abc", { "general.architecture": "qwen3" }))).toBe("text for text");
  });

  it("of an architecture without a language head is for embeddings", () => {
    expect(kindOf(gguf("bert.gguf", { "general.architecture": "bert" }))).toBe("text for embedding");
  });

  it("that asks for pooling is for embeddings, whatever its architecture", () => {
    const metadata = { "general.architecture": "qwen3", "general.tags": ["a", "b"], "qwen3.pooling_type": 3 };
    expect(kindOf(gguf("qwen3-embedding.gguf", metadata))).toBe("text for embedding");
    expect(kindOf(gguf("none.gguf", { ...metadata, "qwen3.pooling_type": 0 }))).toBe("text for text");
  });

  it("whose vocabulary goes past the part that is read is known by the values before it", () => {
    const tokens = Array.from({ length: 60_000 }, (_, index) => `token-${index}`);
    const path = gguf("long.gguf", { "general.architecture": "bert", tokens, "bert.pooling_type": 1 });
    expect(kindOf(path)).toBe("text for embedding");
  });

  it("that is cut off after its first values is known by them, and refused when it is loaded", () => {
    const whole = ggufBytes({ "general.architecture": "bert", "bert.context_length": 512, tokens: ["a", "b"] });
    const path = sandbox.write("half.gguf", whole.subarray(0, whole.length - 20));
    expect(kindOf(path)).toBe("text for embedding");
  });

  it("that is a part of a model or for another program is refused by name", () => {
    expect(kindOf(gguf("lora.gguf", { "general.architecture": "llama", "general.type": "adapter" }))).toBe(
      "is a LoRA adapter: name it under lora: of its model (…/lora.gguf)",
    );
    expect(kindOf(gguf("mmproj.gguf", { "general.architecture": "clip" }))).toBe(
      "is a vision projector and no model of its own (…/mmproj.gguf)",
    );
    expect(kindOf(gguf("rank.gguf", { "general.architecture": "bert", "bert.pooling_type": 4 }))).toBe(
      "is a GGUF reranker, which is not served: use its ONNX export, a folder (…/rank.gguf)",
    );
    expect(kindOf(sandbox.write("cut.gguf", "GGU"))).toBe(
      "cannot be served: …/cut.gguf is named .gguf but does not begin as one (a download cut short?)",
    );
    expect(kindOf(sandbox.write("sd/model_index.json", "{}"))).toBe(
      `cannot be served: …/sd/model_index.json is one file of a model: give its folder, …/sd. ${expected}`,
    );
    expect(kindOf(sandbox.write("notes.txt", "hello"))).toBe(
      `cannot be served: …/notes.txt is another kind of file. ${expected}`,
    );
  });

  it.skipIf(!reference.isMet)(`that a real converter wrote is read${reference.note}`, () => {
    expect(kindOf(sharedPath("models", "stories260K", "stories260K-f32.gguf"))).toBe("text for text");
  });
});

describe("a folder", () => {
  it("with model_index.json is image", () => {
    sandbox.write("image/model_index.json", "{}");
    expect(kindOf(sandbox.path("image"))).toBe("image for image");
  });

  it("of a pipeline that is not served is refused by its kind", () => {
    sandbox.write("flux/model_index.json", '{"_class_name":"FluxPipeline"}');
    sandbox.write("flux/transformer/model.onnx");
    expect(kindOf(sandbox.path("flux"))).toBe(
      "is a transformer pipeline (FluxPipeline), as SD3, Flux and PixArt are; these are not served. " +
        "Served are Stable Diffusion 1, 2 and XL, which have a unet/. (…/flux)",
    );
    sandbox.write("refiner/model_index.json", "{}");
    for (const part of ["unet", "text_encoder_2"]) sandbox.write(`refiner/${part}/model.onnx`);
    expect(kindOf(sandbox.path("refiner"))).toMatch(/^is an SDXL refiner, which is not served/);
  });

  it("with a tokenizer and a graph, at its top or in onnx/, is embedding", () => {
    sandbox.write("flat/tokenizer.json", "{}");
    sandbox.write("flat/model.onnx");
    sandbox.write("nested/tokenizer.json", "{}");
    sandbox.write("nested/onnx/model_quantized.onnx");
    expect(kindOf(sandbox.path("flat"))).toBe("embedding for embedding");
    expect(kindOf(sandbox.path("nested"))).toBe("embedding for embedding");
  });

  it("of a sequence classifier reranks", () => {
    sandbox.write("cross/tokenizer.json", "{}");
    sandbox.write("cross/onnx/model.onnx");
    sandbox.write("cross/config.json", JSON.stringify({ architectures: ["XLMRobertaForSequenceClassification"] }));
    expect(kindOf(sandbox.path("cross"))).toBe("embedding for rerank");
  });

  it("of anything else is refused with what is there", () => {
    sandbox.write("weights/a.gguf", ggufBytes({}));
    sandbox.write("graphs/onnx/model.onnx");
    sandbox.write("torch/tokenizer.json", "{}");
    sandbox.write("torch/model.safetensors");
    sandbox.write("other/readme.md");
    for (let index = 0; index < 8; index++) sandbox.write(`many/${index}.bin`);
    expect(kindOf(sandbox.path("weights"))).toBe(
      "is a folder that holds a.gguf: give the file itself, …/weights/a.gguf",
    );
    expect(kindOf(sandbox.path("graphs"))).toBe(
      `cannot be served: the folder …/graphs has ONNX graphs but no tokenizer.json. ${expected}`,
    );
    expect(kindOf(sandbox.path("torch"))).toBe(
      `cannot be served: the folder …/torch has a tokenizer but no .onnx graph, neither at its top nor in onnx/. ${expected}`,
    );
    expect(kindOf(sandbox.path("other"))).toBe(`cannot be served: the folder …/other holds readme.md. ${expected}`);
    expect(kindOf(sandbox.path("many"))).toContain("holds 0.bin, 1.bin, 2.bin, 3.bin, 4.bin, 5.bin and 2 more.");
  });
});

describe("anything else", () => {
  it("an http(s) URL is an upstream", () => {
    expect(kindOf("https://api.example.com/v1")).toBe("upstream for upstream");
    expect(kindOf("HTTP://127.0.0.1:8080")).toBe("upstream for upstream");
    expect(kindOf("http://")).toBe("is not a valid URL: http://");
  });

  it("a path that does not exist is refused with the nearest name, or the first folder that is missing", () => {
    gguf("here/model-q4.gguf", {});
    expect(kindOf(sandbox.path("here/model-q8.gguf"))).toBe(
      "does not exist: …/here/model-q8.gguf; did you mean …/here/model-q4.gguf?",
    );
    expect(kindOf(sandbox.path("heer/model-q4.gguf"))).toBe(
      "does not exist: …/heer/model-q4.gguf (there is no …/heer); did you mean …/here?",
    );
  });
});
