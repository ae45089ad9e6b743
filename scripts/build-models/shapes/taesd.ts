// Converts TAESD (github.com/madebyollin/taesd), a tiny autoencoder of Stable Diffusion's latents, from its published weights to ONNX with
// the names of a Stable Diffusion folder. Its latents are scaled already: the scaling factor is 1.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type OnnxModel, writeOnnx } from "../formats/onnx.ts";
import { readSafetensors, type SafeTensor } from "../formats/safetensors.ts";
import { floatsOf } from "../formats/weights.ts";
import { createGraph, type Graph, type Value } from "../graph/builder.ts";
import { upsampleTwice } from "../graph/layers.ts";

type Weights = ReadonlyMap<string, SafeTensor>;

/** Writes `vae_decoder/` and `vae_encoder/` from `taesd_decoder.safetensors` and `taesd_encoder.safetensors` in `source`. */
export function writeTaesd(folder: string, options: { source: string; variant?: "taesd" | "taesdxl" }): void {
  const { source, variant = "taesd" } = options;
  const parts = { vae_decoder: taesdDecoderModel, vae_encoder: taesdEncoderModel } as const;
  for (const [name, build] of Object.entries(parts)) {
    const file = `${variant}_${name.slice("vae_".length)}.safetensors`;
    mkdirSync(join(folder, name), { recursive: true });
    writeOnnx(join(folder, name, "model.onnx"), build(readSafetensors(join(source, file))));
    const config = {
      _class_name: "AutoencoderTiny",
      latent_channels: 4,
      scaling_factor: 1,
      block_out_channels: [64, 64, 64, 64],
    };
    writeFileSync(join(folder, name, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  }
}

/** latent_sample [batch, 4, height, width] -> sample [batch, 3, 8 * height, 8 * width], -1 to 1. */
export function taesdDecoderModel(weights: Weights): OnnxModel {
  const graph = createGraph({ name: "taesd_decoder", seed: 0 });
  const latents = graph.input("latent_sample", "float32", ["batch_size", 4, "height", "width"]);
  const three = graph.scalar(3);
  // Latents beyond three are pressed into -3 to 3, as the model was trained.
  const clamped = graph.node("Mul", [graph.node("Tanh", [graph.node("Div", [latents, three])]), three]);
  let hidden = graph.node("Relu", [plainConvolution(graph, "1", clamped, { weights })]);
  for (let index = 3; index < 19; index += 1) {
    // A number without weights is a layer without weights: upsampling.
    if (weights.has(`${index}.conv.0.weight`)) hidden = block(graph, String(index), hidden, weights);
    else if (weights.has(`${index}.weight`)) hidden = plainConvolution(graph, String(index), hidden, { weights });
    else hidden = upsampleTwice(graph, hidden);
  }
  const unit = plainConvolution(graph, "19", hidden, { weights });
  const pixels = graph.node("Sub", [graph.node("Mul", [unit, graph.scalar(2)]), graph.scalar(1)]);
  graph.output("sample", pixels, { dims: ["batch_size", 3, "pixel_height", "pixel_width"] });
  return graph.build();
}

/** sample [batch, 3, height, width], -1 to 1 -> latent_sample [batch, 4, height / 8, width / 8]. */
export function taesdEncoderModel(weights: Weights): OnnxModel {
  const graph = createGraph({ name: "taesd_encoder", seed: 0 });
  const pixels = graph.input("sample", "float32", ["batch_size", 3, "height", "width"]);
  let hidden = graph.node("Mul", [graph.node("Add", [pixels, graph.scalar(1)]), graph.scalar(0.5)]);
  for (let index = 0; index <= 14; index += 1) {
    if (weights.has(`${index}.conv.0.weight`)) {
      hidden = block(graph, String(index), hidden, weights);
    } else {
      // The convolutions without a bias are those that halve the picture.
      const stride = weights.has(`${index}.bias`) ? 1 : 2;
      hidden = plainConvolution(graph, String(index), hidden, { weights, stride });
    }
  }
  graph.output("latent_sample", hidden, { dims: ["batch_size", 4, "latent_height", "latent_width"] });
  return graph.build();
}

/** Three convolutions with ReLU between, plus the input, ReLU. */
function block(graph: Graph, name: string, x: Value, weights: Weights): Value {
  const first = graph.node("Relu", [plainConvolution(graph, `${name}.conv.0`, x, { weights })]);
  const second = graph.node("Relu", [plainConvolution(graph, `${name}.conv.2`, first, { weights })]);
  const third = plainConvolution(graph, `${name}.conv.4`, second, { weights });
  return graph.node("Relu", [graph.node("Add", [third, x])]);
}

function plainConvolution(
  graph: Graph,
  name: string,
  x: Value,
  { weights, stride = 1 }: { weights: Weights; stride?: number },
): Value {
  const inputs = [x];
  for (const part of [`${name}.weight`, `${name}.bias`]) {
    const tensor = weights.get(part);
    if (tensor !== undefined) inputs.push(graph.given(part, { dims: tensor.dims, values: floatsOf(tensor.values) }));
  }
  return graph.node("Conv", inputs, { kernel_shape: [3, 3], strides: [stride, stride], pads: [1, 1, 1, 1] });
}
