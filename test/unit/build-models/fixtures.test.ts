// Every fixture that the writers offer loads in the runtime it is for, and computes finite numbers of the right shape.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";

import {
  type DiffusionFixtureOptions,
  type EmbeddingFixtureOptions,
  writeDiffusionFixture,
  writeEmbeddingFixture,
} from "../../../scripts/build-models/fixtures.ts";
import { fromHalfBits, toHalfBits } from "../../../scripts/build-models/formats/half-float.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder("build-models");
const unetNames = ["encoder_hidden_states", "sample", "timestep"];
const xlNames = [...unetNames, "text_embeds", "time_ids"].sort();

describe("diffusion fixtures", () => {
  it.each<[string, DiffusionFixtureOptions, readonly string[]]>([
    ["sd1", { family: "sd1" }, unetNames],
    ["sd1 in float16 with weights.pb", { family: "sd1", dtype: "float16", externalData: "weights.pb" }, unetNames],
    ["sd-turbo", { family: "sd-turbo" }, unetNames],
    ["sdxl with external data", { family: "sdxl" }, xlNames],
  ])("%s", async (name, options, inputs) => {
    const root = join(folder, name.replaceAll(" ", "-"));
    writeDiffusionFixture(root, options);
    const unet = await InferenceSession.create(join(root, "unet/model.onnx"));
    expect([...unet.inputNames].sort()).toEqual(inputs);
    for (const part of ["text_encoder", "text_encoder_2", "unet", "vae_decoder", "vae_encoder"]) {
      if (existsSync(join(root, part))) await expectFinite(join(root, part, "model.onnx"));
    }
    const index = JSON.parse(readFileSync(join(root, "model_index.json"), "utf8")) as Record<string, unknown>;
    expect("text_encoder_2" in index).toBe(options.family.startsWith("sdxl"));
  });
});

describe("embedding fixtures", () => {
  it.each<[string, EmbeddingFixtureOptions, string]>([
    ["bert", {}, "last_hidden_state"],
    ["bert in float16", { dtype: "float16" }, "last_hidden_state"],
    ["bert in int8", { int8: true }, "last_hidden_state"],
    ["bert with external data", { externalData: "model.onnx_data" }, "last_hidden_state"],
    ["a cross-encoder", { output: "logits" }, "logits"],
  ])("%s", async (name, options, output) => {
    const root = join(folder, name.replaceAll(" ", "-"));
    writeEmbeddingFixture(root, options);
    expect(await expectFinite(join(root, "onnx/model.onnx"))).toEqual([output]);
  });

  it("in int8 stay close to float32", async () => {
    const answers: Float32Array[] = [];
    for (const int8 of [false, true]) {
      const root = join(folder, `precision-${int8}`);
      writeEmbeddingFixture(root, { int8 });
      const session = await InferenceSession.create(join(root, "onnx/model.onnx"));
      const ids = new Tensor("int64", BigInt64Array.of(2n, 40n, 50n, 3n), [1, 4]);
      const ones = new Tensor("int64", BigInt64Array.of(1n, 1n, 1n, 1n), [1, 4]);
      const zeros = new Tensor("int64", new BigInt64Array(4), [1, 4]);
      const result = await session.run({ input_ids: ids, attention_mask: ones, token_type_ids: zeros });
      answers.push(result["last_hidden_state"]!.data as Float32Array);
    }
    const [exact, rough] = answers as [Float32Array, Float32Array];
    const dot = (left: Float32Array, right: Float32Array): number =>
      left.reduce((sum, value, index) => sum + value * right[index]!, 0);
    expect(dot(exact, rough) / Math.sqrt(dot(exact, exact) * dot(rough, rough))).toBeGreaterThan(0.99);
  });
});

/** Runs a model on made-up inputs, two at a time, an odd 9 by 7 where pixels are free; gives its output names. */
async function expectFinite(path: string): Promise<string[]> {
  const session = await InferenceSession.create(path);
  const feeds: Record<string, Tensor> = {};
  for (const input of session.inputMetadata) {
    if (!input.isTensor) throw new Error(`${input.name} is no tensor`);
    const dims = input.shape.map((dim) => (typeof dim === "number" ? dim : sizeOf(dim, path)));
    feeds[input.name] = example(input.name, { type: input.type, dims });
  }
  const result = await session.run(feeds);
  for (const [name, tensor] of Object.entries(result)) {
    expect(tensor.dims[0], name).toBe(2);
    expect(floats(tensor).every(Number.isFinite), `${path} ${name}`).toBe(true);
  }
  return Object.keys(result);
}

function sizeOf(dimension: string, path: string): number {
  if (dimension === "batch_size") return 2;
  if (dimension === "sequence_length") return 77;
  if (path.includes("vae_encoder")) return 64;
  return dimension === "height" ? 9 : 7;
}

function example(name: string, { type, dims }: { type: string; dims: number[] }): Tensor {
  const length = dims.reduce((product, dim) => product * dim, 1);
  const whole = (index: number): number => {
    if (name === "timestep") return 981;
    if (name === "token_type_ids") return 0;
    return name === "attention_mask" ? 1 : 5 + (index % 77);
  };
  const numbers = Array.from({ length }, (_, index) =>
    type.startsWith("int") || name === "timestep" ? whole(index) : Math.sin(index),
  );
  if (type === "int64") return new Tensor("int64", BigInt64Array.from(numbers, BigInt), dims);
  if (type === "int32") return new Tensor("int32", Int32Array.from(numbers), dims);
  if (type === "float16") return new Tensor("float16", Uint16Array.from(numbers, toHalfBits), dims);
  return new Tensor("float32", Float32Array.from(numbers), dims);
}

function floats(tensor: Tensor): number[] {
  if (tensor.type !== "float16") return Array.from(tensor.data as Float32Array);
  const view = tensor.data as Uint16Array;
  return Array.from(new Uint16Array(view.buffer, view.byteOffset, view.length), fromHalfBits);
}
