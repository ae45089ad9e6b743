// Builds multi-head attention: self-attention, causal attention and attention to another sequence.

import { type Graph, type Value } from "./builder.ts";
import { cast, linear } from "./layers.ts";

/** The score of a masked key: it vanishes in the softmax, fits float16, and unlike infinity gives no NaN. */
export const maskedScore = -10_000;

export interface AttentionNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly output: string;
}

export interface AttentionOptions {
  readonly width: number;
  readonly heads: number;
  /** The sequence attended to, [batch, keys, contextWidth]. @default the queries themselves */
  readonly context?: { readonly value: Value; readonly width: number };
  /** Added to the scores; broadcast to [batch, heads, queries, keys]. */
  readonly mask?: Value;
  /** Biases on query, key and value; the output always has one. @default true */
  readonly bias?: boolean;
  readonly names: AttentionNames;
  /** Factor on the output projection's weights. @default 1 */
  readonly outputGain?: number;
}

/** [batch, queries, width] -> [batch, queries, width]. Heads are of width / heads; scores are scaled by its root. */
export function attention(graph: Graph, name: string, x: Value, options: AttentionOptions): Value {
  const { width, heads, names, bias = true, mask, outputGain = 1 } = options;
  const context = options.context ?? { value: x, width };
  const headWidth = width / heads;
  if (!Number.isInteger(headWidth)) throw new RangeError(`${name}: ${heads} heads do not divide a width of ${width}`);
  const project = (part: string, from: Value, inputs: number): Value => {
    const projected = linear(graph, `${name}.${part}`, from, { inputs, outputs: width, bias });
    return graph.node("Reshape", [projected, graph.int64([0, -1, heads, headWidth])]);
  };
  const query = graph.node("Transpose", [project(names.query, x, width)], { perm: [0, 2, 1, 3] });
  const key = graph.node("Transpose", [project(names.key, context.value, context.width)], { perm: [0, 2, 3, 1] });
  const value = graph.node("Transpose", [project(names.value, context.value, context.width)], { perm: [0, 2, 1, 3] });
  const products = graph.node("MatMul", [query, key]);
  const scaled = graph.node("Mul", [products, graph.scalar(1 / Math.sqrt(headWidth))]);
  const scores = mask === undefined ? scaled : graph.node("Add", [scaled, mask]);
  const mixed = graph.node("MatMul", [graph.node("Softmax", [scores], { axis: -1 }), value]);
  const joined = graph.node("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  const flat = graph.node("Reshape", [joined, graph.int64([0, -1, width])]);
  return linear(graph, `${name}.${names.output}`, flat, { inputs: width, outputs: width, gain: outputGain });
}

/** [batch, sequence] of 1 (look at it) and 0 (do not) -> [batch, 1, 1, sequence] of 0 and `maskedScore`. */
export function paddingMask(graph: Graph, attentionMask: Value): Value {
  const spread = graph.node("Unsqueeze", [attentionMask, graph.int64([1, 2])]);
  const inverted = graph.node("Sub", [graph.scalar(1), cast(graph, spread, graph.dtype)]);
  return graph.node("Mul", [inverted, graph.scalar(maskedScore)]);
}

/** [sequence, sequence] with `maskedScore` above the diagonal; `length` is a one-element tensor. */
export function causalMask(graph: Graph, length: Value): Value {
  const square = graph.node("Concat", [length, length], { axis: 0 });
  const full = graph.node("Expand", [graph.scalar(maskedScore, "float32"), square]);
  const upper = graph.node("Trilu", [full, graph.int64Scalar(1)], { upper: 1 });
  return cast(graph, upper, graph.dtype);
}

/** The size of one dimension of a value, as a one-element tensor. */
export function dimensionOf(graph: Graph, x: Value, axis: number): Value {
  return graph.node("Gather", [graph.node("Shape", [x]), graph.int64([axis])], { axis: 0 });
}
