// Builds the layers of transformers and diffusion models from the operators of opset 17. Weights are named as in PyTorch (`NAME.weight`,
// `NAME.bias`) and have a standard deviation of 1/sqrt(fan-in), so that activations stay near one.

import { elementTypes } from "../formats/onnx.ts";
import { float, type Graph, type Value } from "./builder.ts";

export interface LinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** @default true */
  readonly bias?: boolean;
  /** Factor on the standard deviation 1/sqrt(inputs). @default 1 */
  readonly gain?: number;
}

/** [..., inputs] -> [..., outputs]. The weight is stored transposed, [inputs, outputs], as exporters do. */
export function linear(graph: Graph, name: string, x: Value, options: LinearOptions): Value {
  const { inputs, outputs, gain = 1 } = options;
  const weight = { dims: [inputs, outputs], std: gain / Math.sqrt(inputs) };
  const product = graph.int8
    ? int8Product(graph, x, graph.int8Weight(`${name}.weight`, weight))
    : graph.node("MatMul", [x, graph.weight(`${name}.weight`, weight)]);
  if (options.bias === false) return product;
  return graph.node("Add", [product, graph.weight(`${name}.bias`, { dims: [outputs], std: 0.02 })]);
}

/** The pattern of dynamic quantisation: uint8 activations, int32 accumulators, one scale per tensor. */
function int8Product(graph: Graph, x: Value, weight: { values: Value; scale: Value }): Value {
  const wide = cast(graph, x, "float32");
  const [quantized, scale, zero] = graph.nodes("DynamicQuantizeLinear", [wide], { outputs: 3 }) as [
    Value,
    Value,
    Value,
  ];
  const sum = graph.node("MatMulInteger", [quantized, weight.values, zero]);
  const factor = graph.node("Mul", [scale, weight.scale]);
  return cast(graph, graph.node("Mul", [cast(graph, sum, "float32"), factor]), graph.dtype);
}

/** Normalises the last dimension, [..., size]. */
export function layerNorm(graph: Graph, name: string, x: Value, options: { size: number; epsilon?: number }): Value {
  const scale = graph.filled(`${name}.weight`, [options.size], 1);
  const bias = graph.filled(`${name}.bias`, [options.size], 0);
  return graph.node("LayerNormalization", [x, scale, bias], { axis: -1, epsilon: float(options.epsilon ?? 1e-5) });
}

/** Rows of a table: [...] of integers -> [..., size]. */
export function embedding(
  graph: Graph,
  name: string,
  ids: Value,
  options: { count: number; size: number; std?: number },
): Value {
  const table = graph.weight(`${name}.weight`, { dims: [options.count, options.size], std: options.std ?? 1 });
  return graph.node("Gather", [table, ids], { axis: 0 });
}

export interface ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Square kernel. @default 3 */
  readonly kernel?: number;
  /** @default 1 */
  readonly stride?: number;
  /** Top, left, bottom, right. @default as many as keep the size at stride 1 */
  readonly pads?: readonly [number, number, number, number];
  readonly gain?: number;
}

/** [batch, inputs, height, width] -> [batch, outputs, height, width]. */
export function convolution(graph: Graph, name: string, x: Value, options: ConvolutionOptions): Value {
  const { inputs, outputs, kernel = 3, stride = 1, gain = 1 } = options;
  const around = (kernel - 1) / 2;
  const std = gain / Math.sqrt(inputs * kernel * kernel);
  const weight = graph.weight(`${name}.weight`, { dims: [outputs, inputs, kernel, kernel], std });
  const bias = graph.weight(`${name}.bias`, { dims: [outputs], std: 0.02 });
  return graph.node("Conv", [x, weight, bias], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: options.pads ?? [around, around, around, around],
  });
}

export interface GroupNormOptions {
  readonly channels: number;
  readonly groups: number;
  /** @default 1e-5 */
  readonly epsilon?: number;
}

/** Group normalisation of [batch, channels, height, width]: instances of the groups, then a factor and a term per channel. */
export function groupNorm(graph: Graph, name: string, x: Value, options: GroupNormOptions): Value {
  const { channels, groups } = options;
  const grouped = graph.node("Reshape", [x, graph.int64([0, groups, -1])]);
  const ones = graph.filled(`${name}.instance.weight`, [groups], 1);
  const zeros = graph.filled(`${name}.instance.bias`, [groups], 0);
  const normal = graph.node("InstanceNormalization", [grouped, ones, zeros], {
    epsilon: float(options.epsilon ?? 1e-5),
  });
  const restored = graph.node("Reshape", [normal, graph.node("Shape", [x])]);
  const scaled = graph.node("Mul", [restored, graph.filled(`${name}.weight`, [channels, 1, 1], 1)]);
  return graph.node("Add", [scaled, graph.filled(`${name}.bias`, [channels, 1, 1], 0)]);
}

/** x * sigmoid(x). */
export function silu(graph: Graph, x: Value): Value {
  return graph.node("Mul", [x, graph.node("Sigmoid", [x])]);
}

/** The exact form: x / 2 * (1 + erf(x / sqrt 2)). */
export function gelu(graph: Graph, x: Value): Value {
  const error = graph.node("Erf", [graph.node("Div", [x, graph.scalar(Math.SQRT2)])]);
  return graph.node("Mul", [graph.node("Mul", [x, graph.node("Add", [error, graph.scalar(1)])]), graph.scalar(0.5)]);
}

/** OpenAI's CLIP: x * sigmoid(1.702 x). */
export function quickGelu(graph: Graph, x: Value): Value {
  return graph.node("Mul", [x, graph.node("Sigmoid", [graph.node("Mul", [x, graph.scalar(1.702)])])]);
}

/** Changes the element type. */
export function cast(graph: Graph, x: Value, type: keyof typeof elementTypes): Value {
  return graph.node("Cast", [x], { to: elementTypes[type] });
}

/** Doubles height and width by repeating pixels. */
export function upsampleTwice(graph: Graph, x: Value): Value {
  return graph.node("Resize", [x, "", graph.float32([1, 1, 2, 2])], nearest);
}

/** Repeats pixels until height and width are those of `like`. */
export function upsampleTo(graph: Graph, x: Value, like: Value): Value {
  const front = graph.node("Slice", [graph.node("Shape", [x]), graph.int64([0]), graph.int64([2])]);
  const back = graph.node("Slice", [graph.node("Shape", [like]), graph.int64([2]), graph.int64([4])]);
  const sizes = graph.node("Concat", [front, back], { axis: 0 });
  return graph.node("Resize", [x, "", "", sizes], nearest);
}

const nearest = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" } as const;
