import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";

import { readSource } from "../../../scripts/build-models/formats/byte-source.ts";
import { onnxBytes, type OnnxModel, writeOnnx } from "../../../scripts/build-models/formats/onnx.ts";
import { floatValues, parseOnnx, readOnnx } from "../../../scripts/build-models/formats/onnx-read.ts";
import { createGraph, float } from "../../../scripts/build-models/graph/builder.ts";
import { convolution, gelu, groupNorm, layerNorm, linear } from "../../../scripts/build-models/graph/layers.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder("build-models");

describe("the ONNX writer", () => {
  it("writes what the reader reads back: nodes, attributes, shapes and weights", () => {
    const model = exampleModel();
    expect(comparable(parseOnnx(readSource(onnxBytes(model))))).toEqual(comparable(model));
  });

  it("puts large weights into a file of the name asked for, at offsets of whole pages", () => {
    const model = exampleModel();
    const path = join(folder, "external.onnx");
    writeOnnx(path, model, { externalData: "weights.pb" });
    const inside = readSource(onnxBytes(model)).byteLength;
    expect(statSync(path).size).toBeLessThan(inside / 2);
    expect(readFileSync(path).includes("weights.pb")).toBe(true);
    expect(statSync(join(folder, "weights.pb")).size).toBeGreaterThan(4096);
    expect(comparable(readOnnx(path))).toEqual(comparable(model));
  });

  it("writes models that the runtime loads, with the same answer from either layout", async () => {
    const model = exampleModel();
    writeOnnx(join(folder, "whole.onnx"), model);
    writeOnnx(join(folder, "split.onnx"), model, { externalData: "model.onnx_data" });
    const answers = await Promise.all(
      ["whole.onnx", "split.onnx"].map(async (name) => {
        const session = await InferenceSession.create(join(folder, name));
        expect(session.inputMetadata[0]).toMatchObject({ name: "x", type: "float32", shape: ["batch", 64] });
        const x = new Tensor(
          "float32",
          Float32Array.from({ length: 128 }, (_, index) => index / 64 - 1),
          [2, 64],
        );
        return (await session.run({ x }))["y"]!.data as Float32Array;
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]!.every(Number.isFinite)).toBe(true);
  });

  it("refuses two weights of one name and values that do not fill their shape", () => {
    const graph = createGraph({ name: "wrong", seed: 1 });
    graph.filled("a", [2], 0);
    expect(() => graph.filled("a", [2], 0)).toThrow("two weights are called a");
    const values = { length: 3, chunks: () => [new Float32Array(3)] };
    expect(() => graph.given("b", { dims: [2], values })).toThrow(RangeError);
  });

  it("draws a layer's weights from its own name, whatever was added before it", () => {
    const weightOf = (before: boolean): Float32Array => {
      const graph = createGraph({ name: "order", seed: 3 });
      if (before) graph.weight("first", { dims: [4], std: 1 });
      graph.weight("second", { dims: [4], std: 1 });
      return floatValues(graph.build().initializers.at(-1)!);
    };
    expect(weightOf(true)).toEqual(weightOf(false));
  });
});

describe("layers", () => {
  it("compute what their formulas say", async () => {
    const graph = createGraph({ name: "layers", seed: 5 });
    const x = graph.input("x", "float32", [1, 4, 2, 2]);
    graph.output("norm", groupNorm(graph, "g", x, { channels: 4, groups: 2 }), { dims: [1, 4, 2, 2] });
    graph.output("gelu", gelu(graph, x), { dims: [1, 4, 2, 2] });
    const path = join(folder, "layers.onnx");
    writeOnnx(path, graph.build());
    const values = Float32Array.from({ length: 16 }, (_, index) => (index * index) / 30 - 3);
    const session = await InferenceSession.create(path);
    const result = await session.run({ x: new Tensor("float32", values, [1, 4, 2, 2]) });
    const norm = result["norm"]!.data as Float32Array;
    for (const start of [0, 8]) {
      const group = values.subarray(start, start + 8);
      const mean = group.reduce((sum, value) => sum + value, 0) / 8;
      const variance = group.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 8;
      for (const [index, value] of group.entries()) {
        expect(norm[start + index]).toBeCloseTo((value - mean) / Math.sqrt(variance + 1e-5), 4);
      }
    }
    // gelu(-3) = -0.0040496 and gelu(4.5) = 4.4999847, from tables of the normal distribution.
    const activated = result["gelu"]!.data as Float32Array;
    expect(activated[0]).toBeCloseTo(-0.0040496, 5);
    expect(activated[15]).toBeCloseTo(4.4999847, 4);
  });
});

function exampleModel(): OnnxModel {
  const graph = createGraph({ name: "example", seed: 2 });
  const x = graph.input("x", "float32", ["batch", 64]);
  // Two weights above the limit for external data, the first no whole number of pages long.
  const first = linear(graph, "first", x, { inputs: 64, outputs: 20 });
  const hidden = layerNorm(graph, "norm", linear(graph, "second", first, { inputs: 20, outputs: 64 }), { size: 64 });
  const image = graph.node("Reshape", [hidden, graph.int64([-1, 1, 8, 8])]);
  const filtered = convolution(graph, "filter", image, { inputs: 1, outputs: 2 });
  const soft = graph.node("LeakyRelu", [filtered], { alpha: float(0.1) });
  graph.output("y", soft, { dims: ["batch", 2, 8, 8] });
  return graph.build();
}

function comparable(model: OnnxModel): object {
  const initializers = model.initializers.map((tensor) => ({ ...tensor, data: [...readSource(tensor.data)] }));
  const nodes = model.nodes.map((node) => ({
    ...node,
    attributes: Object.fromEntries(
      Object.entries(node.attributes).map(([name, { kind, value }]) => [
        name,
        { kind, value: kind === "float" ? Math.fround(value) : value },
      ]),
    ),
  }));
  return { ...model, nodes, initializers };
}
