// Builds a UNet's embedding of the timestep: sines and cosines through two layers, plus the inputs that SDXL adds.

import { type Graph, type Value } from "../graph/builder.ts";
import { cast, linear, silu } from "../graph/layers.ts";
import { exactRoot, floatsOf } from "../formats/weights.ts";
import { type UnetOptions } from "./unet-options.ts";

export interface TimeEmbeddingOptions {
  /** Width of the sinusoids; the embedding itself is four times as wide. */
  readonly baseWidth: number;
  readonly options: UnetOptions;
}

/** The embedding after its activation, [batch or 1, 4 * baseWidth], as every residual block takes it. */
export function timeEmbedding(graph: Graph, input: TimeEmbeddingOptions): { value: Value; width: number } {
  const { baseWidth, options } = input;
  const width = baseWidth * 4;
  const timestep = graph.input("timestep", "int64", ["batch_size"]);
  const waves = sinusoids(graph, timestep, baseWidth);
  let embedded = twoLayers(graph, "time_embedding", waves, { inputs: baseWidth, width });
  if (options.addedText !== undefined) {
    embedded = graph.node("Add", [embedded, addedEmbedding(graph, width, options.addedText)]);
  }
  return { value: silu(graph, embedded), width };
}

/** SDXL: the pooled text and six sizes (height, width, crop top, crop left, target height, target width). */
function addedEmbedding(graph: Graph, width: number, added: NonNullable<UnetOptions["addedText"]>): Value {
  const pooled = graph.input("text_embeds", graph.dtype, ["batch_size", added.pooledWidth]);
  const timeIds = graph.input("time_ids", graph.dtype, ["batch_size", 6]);
  const waves = sinusoids(graph, timeIds, added.timeIdWidth);
  const flat = graph.node("Reshape", [waves, graph.int64([-1, added.timeIdWidth * 6])]);
  const joined = graph.node("Concat", [pooled, flat], { axis: 1 });
  return twoLayers(graph, "add_embedding", joined, { inputs: added.pooledWidth + added.timeIdWidth * 6, width });
}

function twoLayers(graph: Graph, name: string, x: Value, { inputs, width }: { inputs: number; width: number }): Value {
  const first = silu(graph, linear(graph, `${name}.linear_1`, x, { inputs, outputs: width }));
  return linear(graph, `${name}.linear_2`, first, { inputs: width, outputs: width });
}

/**
 * Any numbers -> [count, width]: cosines, then sines, of the number times 10000^(-i / half) for i below half of the width
 * (the sinusoids of "Attention Is All You Need", cosines first as Stable Diffusion has them). In float32 whatever the
 * graph's type: float16 cannot tell neighbouring timesteps apart at high frequencies.
 */
function sinusoids(graph: Graph, numbers: Value, width: number): Value {
  const half = width / 2;
  const ratio = exactRoot(1e-4, half);
  const frequencies = new Float32Array(half);
  let frequency = 1;
  for (let index = 0; index < half; index += 1) {
    frequencies[index] = frequency;
    frequency *= ratio;
  }
  const row = graph.given(`sinusoids.${numbers}.frequencies`, {
    dims: [1, half],
    values: floatsOf(frequencies),
    type: "float32",
  });
  const column = graph.node("Reshape", [cast(graph, numbers, "float32"), graph.int64([-1, 1])]);
  const angles = graph.node("Mul", [column, row]);
  const waves = graph.node("Concat", [graph.node("Cos", [angles]), graph.node("Sin", [angles])], { axis: 1 });
  return cast(graph, waves, graph.dtype);
}
