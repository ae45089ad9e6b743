// What is refused of an encoder's folder before it is loaded, and in which words. The folders are those of the references, with one thing
// changed.
import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EmbeddingModelOptions } from "../../../../src/domain/model.ts";
import { readEncoderFolder, type EncoderFolder } from "../../../../src/model-files/encoder/encoder-folder.ts";
import { embeddingDefaults } from "../../../support/embedding.ts";
import { copyFixture, fixtureFolder, readFixture, type FixtureFamily } from "../../../support/reference-embeddings.ts";

function read(folder: string, options: Partial<EmbeddingModelOptions> = {}): EncoderFolder {
  return readEncoderFolder(folder, { ...embeddingDefaults, ...options });
}

/** The message with which the folder is refused. */
function refusal(folder: string, options: Partial<EmbeddingModelOptions> = {}): string {
  try {
    read(folder, options);
  } catch (error) {
    expect(error).toMatchObject({ kind: "model_load_failed" });
    return (error as Error).message;
  }
  throw new Error("The folder was not refused.");
}

function writeJson(folder: string, name: string, value: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(value));
}

/** A copy of the family's folder with other modules after its first two. */
function withModules(family: FixtureFamily, ...types: readonly string[]): string {
  const folder = copyFixture(family);
  const modules = ["models.Transformer", "models.Pooling", ...types].map((type, idx) => ({
    idx,
    name: String(idx),
    path: idx === 0 ? "" : `${idx}_${type.split(".").at(-1)}`,
    type: `sentence_transformers.${type}`,
  }));
  writeJson(folder, "modules.json", modules);
  return folder;
}

describe("modules", () => {
  it.each([
    "models.CNN",
    "models.LSTM",
    "models.WeightedLayerPooling",
    "sparse_encoder.models.SpladePooling",
    "base.modules.Router",
  ])("that are not followed are refused by name: %s", (type) => {
    expect(refusal(withModules("bert", type))).toContain(
      `modules.json asks for sentence_transformers.${type} as module 2, which is not supported. Supported are a Transformer`,
    );
  });

  it("that do nothing outside of training are passed over", () => {
    const { head } = read(withModules("bert", "models.Dropout", "models.Normalize"));
    expect(head).toMatchObject({ kind: "tokens", after: [{ kind: "normalize" }] });
  });

  it("of which one has no weights that can be read are refused with what to do", () => {
    const folder = copyFixture("labse");
    renameSync(join(folder, "2_Dense/model.safetensors"), join(folder, "2_Dense/pytorch_model.bin"));
    expect(refusal(folder)).toContain(
      "expected in 2_Dense/model.safetensors; its pytorch_model.bin is not read, convert it",
    );
    rmSync(join(folder, "2_Dense/pytorch_model.bin"));
    expect(refusal(folder)).toMatch(/2_Dense\/model\.safetensors\.$/);
    rmSync(join(folder, "2_Dense/config.json"));
    expect(refusal(folder)).toBe("modules.json names 2_Dense, which has no config.json.");
  });

  it("whose weights are cut off or of another shape are refused", () => {
    const folder = copyFixture("labse");
    const dense = readFixture("labse", "2_Dense", "config.json") as object;
    writeJson(folder, "2_Dense/config.json", { ...dense, out_features: 25 });
    expect(refusal(folder)).toBe("2_Dense/model.safetensors must have 'linear.bias' as floats [25]; found F32 [24].");
    writeFileSync(join(folder, "2_Dense/model.safetensors"), Buffer.alloc(12));
    expect(refusal(folder)).toMatch(/model\.safetensors is not a safetensors file/);
  });

  it("whose sizes do not follow on one another are refused", () => {
    const folder = copyFixture("labse");
    writeJson(folder, "1_Pooling/config.json", { pooling_mode: ["cls", "mean"] });
    expect(refusal(folder)).toBe("2_Dense takes vectors of 16 dimensions; what comes before it gives 32.");
  });

  it("with an activation that is not known are refused by its name", () => {
    const folder = copyFixture("labse");
    const dense = readFixture("labse", "2_Dense", "config.json") as object;
    writeJson(folder, "2_Dense/config.json", { ...dense, activation_function: "torch.nn.modules.activation.Mish" });
    expect(refusal(folder)).toContain(
      "2_Dense asks for the activation torch.nn.modules.activation.Mish; supported are Identity",
    );
  });

  it("that work on each token are refused", () => {
    const folder = copyFixture("labse");
    const dense = readFixture("labse", "2_Dense", "config.json") as object;
    writeJson(folder, "2_Dense/config.json", { ...dense, module_input_name: "token_embeddings" });
    expect(refusal(folder)).toBe("2_Dense works on 'token_embeddings', not on the text's one vector.");
  });

  it("count for nothing where the graph has them inside, but for the number of dimensions", () => {
    const folder = copyFixture("embedding-gemma");
    const modelFile = "model_with_sentence";
    rmSync(join(folder, "2_Dense/model.safetensors"));
    expect(read(folder, { modelFile }).head).toEqual({ kind: "vector", output: "sentence_embedding" });
    const dense = readFixture("embedding-gemma", "3_Dense", "config.json") as object;
    writeJson(folder, "3_Dense/config.json", { ...dense, out_features: 24 });
    expect(refusal(folder, { modelFile })).toContain(
      "has 16 dimensions, but 3_Dense gives 24: the graph does not hold all modules.",
    );
  });
});

describe("pooling", () => {
  const modesOf = (folder: string, options: Partial<EmbeddingModelOptions> = {}): unknown => {
    const { head } = read(folder, options);
    return head.kind === "tokens" ? head.pooling.modes : head.kind;
  };

  it("is that of the folder, in the older form and in the newer", () => {
    const folder = copyFixture("bert");
    writeJson(folder, "1_Pooling/config.json", { pooling_mode_lasttoken: true, pooling_mode_cls_token: true });
    expect(modesOf(folder)).toEqual(["cls", "last"]);
    writeJson(folder, "1_Pooling/config.json", { pooling_mode: ["lasttoken", "cls"] });
    expect(modesOf(folder)).toEqual(["last", "cls"]);
    writeJson(folder, "1_Pooling/config.json", { pooling_mode: "weightedmean" });
    expect(modesOf(folder)).toEqual(["weightedmean"]);
  });

  it("of a mode that is not known is refused by its name, unless the configuration overrides it", () => {
    const folder = copyFixture("bert");
    writeJson(folder, "1_Pooling/config.json", { pooling_mode: "attention" });
    expect(refusal(folder)).toContain(
      "1_Pooling/config.json asks for pooling 'attention'; supported are cls, max, mean",
    );
    expect(modesOf(folder, { pooling: "cls" })).toEqual(["cls"]);
    writeJson(folder, "1_Pooling/config.json", { pooling_mode_attention: true });
    expect(refusal(folder)).toContain("asks for pooling 'attention'");
  });

  it("is the last token for a decoder whose folder says nothing, and the mean for other encoders", () => {
    expect(modesOf(fixtureFolder("qwen3-cache"))).toEqual(["last"]);
    const folder = copyFixture("embedding-gemma");
    for (const name of ["modules.json", "1_Pooling"]) rmSync(join(folder, name), { recursive: true });
    expect(modesOf(folder)).toEqual(["mean"]);
  });
});

describe("the graph", () => {
  it.each([
    "model",
    "model_optimized",
    "encoder_model",
    "text_model",
    "model_int4",
    "model_fp16",
    "encoder_model_quantized",
  ])("is found by the name %s", (name) => {
    const folder = copyFixture("mpnet");
    renameSync(join(folder, "onnx/model_optimized.onnx"), join(folder, `onnx/${name}.onnx`));
    expect(read(folder).graph.name).toBe(`onnx/${name}.onnx`);
  });

  it("of another name is taken where the configuration names it, which the refusal says", () => {
    const folder = copyFixture("mpnet");
    renameSync(join(folder, "onnx/model_optimized.onnx"), join(folder, "onnx/decoder_model_merged.onnx"));
    expect(refusal(folder)).toContain("found onnx/decoder_model_merged.onnx. Set 'model_file' to the one to use.");
    expect(read(folder, { modelFile: "decoder_model_merged" }).graph.precision).toBe("custom");
  });

  it("with an input that nobody feeds is refused by its name", () => {
    const folder = copyFixture("bert");
    const graph = join(folder, "onnx/model.onnx");
    // A name of as many bytes, such as models have that are told a task.
    const renamed = readFileSync(graph, "latin1").replaceAll("token_type_ids", "task_label_ids");
    writeFileSync(graph, renamed, "latin1");
    expect(refusal(folder)).toContain(
      "The graph onnx/model.onnx has the input 'task_label_ids'; an encoder has input_ids",
    );
  });

  it("without an output that is known is refused with those it has", () => {
    const folder = copyFixture("bert");
    copyFileSync(join(fixtureFolder("cross-encoder"), "onnx/model.onnx"), join(folder, "onnx/model.onnx"));
    expect(refusal(folder)).toMatch(/Expected an output named sentence_embedding or .*; the graph has logits\./);
    const classifier = copyFixture("cross-encoder");
    cpSync(join(fixtureFolder("bert"), "onnx/model.onnx"), join(classifier, "onnx/model.onnx"));
    expect(refusal(classifier)).toBe(
      "Expected an output named logits in onnx/model.onnx; the graph has last_hidden_state.",
    );
  });

  it("that is no graph is refused", () => {
    const folder = copyFixture("bert");
    writeFileSync(join(folder, "onnx/model.onnx"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    expect(refusal(folder)).toContain("onnx/model.onnx is not an ONNX graph");
  });
});

describe("the scores of a cross-encoder", () => {
  it("of more than two labels are refused, and so is an activation that is not known", () => {
    const folder = copyFixture("cross-encoder");
    const config = readFixture("cross-encoder", "config.json") as object;
    const activation = (name: string): void =>
      writeJson(folder, "config.json", { ...config, sentence_transformers: { activation_fn: name } });
    activation("torch.nn.modules.activation.ELU");
    expect(refusal(folder)).toBe(
      "config.json asks for the activation torch.nn.modules.activation.ELU over 1 label, which is not supported.",
    );
    activation("torch.nn.modules.activation.Sigmoid");
    expect(read(folder).head).toMatchObject({ rule: { labels: 1, activation: "sigmoid" } });
  });
});

describe("other files", () => {
  it.each(["config.json", "tokenizer.json", "tokenizer_config.json"])("that are missing are named: %s", (name) => {
    const folder = copyFixture("bert");
    rmSync(join(folder, name));
    expect(refusal(folder)).toContain(name);
  });

  it("that hold no JSON are named", () => {
    const folder = copyFixture("bert");
    mkdirSync(join(folder, "1_Pooling"), { recursive: true });
    writeFileSync(join(folder, "1_Pooling/config.json"), "{");
    expect(refusal(folder)).toContain("1_Pooling/config.json is not valid JSON");
  });
});
