// Builds an ONNX graph node by node. A value is given by its name. Random weights depend on the seed and their name, so a layer's weights do
// not change when another layer is added before it.

import { bytesOf } from "../formats/byte-source.ts";
import {
  type Attribute,
  type Dimension,
  type ElementType,
  elementTypes,
  type Node,
  type OnnxModel,
  type Tensor,
  type ValueInfo,
} from "../formats/onnx.ts";
import {
  constantFloats,
  encodeFloats,
  encodeInt8,
  type FloatSource,
  floatsOf,
  randomNormal,
} from "../formats/weights.ts";

export type Value = string;
/** The type of activations and stored weights. */
export type FloatType = "float32" | "float16";

export interface GraphOptions {
  readonly name: string;
  readonly seed: number;
  /** @default "float32" */
  readonly dtype?: FloatType;
  /** Matrix products with int8 weights and dynamically quantised activations, as `quantize_dynamic` writes them. @default false */
  readonly int8?: boolean;
  /** @default `dtype` */
  readonly storage?: WeightStorage;
}

/** The type of float32 weights in the file: "float16" halves the file, and the runtime widens them once while it loads. */
export type WeightStorage = FloatType;

export interface WeightOptions {
  readonly dims: readonly number[];
  /** Standard deviation of the random weights. */
  readonly std: number;
}

/** An attribute: a plain string, integer or list of integers; floats and tensors as an {@link Attribute}. */
export type AttributeInput = number | string | readonly number[] | Attribute;

export interface Graph {
  readonly dtype: FloatType;
  readonly int8: boolean;
  input(name: string, type: ElementType, dims: readonly Dimension[]): Value;
  /** Makes a value an output of the model under that name. */
  output(name: string, value: Value, info: { type?: ElementType; dims: readonly Dimension[] }): void;
  node(op: string, inputs: readonly Value[], attributes?: Readonly<Record<string, AttributeInput>>): Value;
  /** A node with several outputs. */
  nodes(
    op: string,
    inputs: readonly Value[],
    options: { outputs: number; attributes?: Readonly<Record<string, AttributeInput>> },
  ): Value[];
  /** A random weight in the graph's own type. */
  weight(name: string, options: WeightOptions): Value;
  /** A random weight as symmetric int8, with its scale. */
  int8Weight(name: string, options: WeightOptions): { values: Value; scale: Value };
  /** A weight with given values, in the graph's own type or the one named. */
  given(name: string, tensor: { dims: readonly number[]; values: FloatSource; type?: FloatType }): Value;
  filled(name: string, dims: readonly number[], value: number): Value;
  int64(values: readonly number[]): Value;
  int64Scalar(value: number): Value;
  /** A number in the graph's own type, or the one named. */
  scalar(value: number, type?: FloatType): Value;
  /** A one-dimensional float32 constant, whatever the graph's own type. */
  float32(values: readonly number[]): Value;
  /** The finished model. */
  build(): OnnxModel;
}

/** An empty graph. */
export function createGraph(options: GraphOptions): Graph {
  const dtype = options.dtype ?? "float32";
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const nodes: Node[] = [];
  const initializers = new Map<string, Tensor>();

  const addTensor = (tensor: Tensor): Value => {
    if (initializers.has(tensor.name)) throw new Error(`two weights are called ${tensor.name}`);
    initializers.set(tensor.name, tensor);
    return tensor.name;
  };
  const addFloats = (name: string, dims: readonly number[], values: FloatSource, type: FloatType = dtype): Value => {
    const length = elementCount(dims);
    if (length !== values.length) throw new RangeError(`${name}: ${values.length} values for ${dims.join(" x ")}`);
    return addTensor({ name, type, dims, data: encodeFloats(values, type) });
  };
  const random = (name: string, { dims, std }: WeightOptions): FloatSource =>
    randomNormal(`${options.seed}/${options.name}/${name}`, { length: elementCount(dims), std });
  const integers = (name: string, dims: readonly number[], values: readonly number[]): Value => {
    if (initializers.has(name)) return name;
    const data = bytesOf(new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
    return addTensor({ name, type: "int64", dims, data });
  };

  const graph: Graph = {
    dtype,
    int8: options.int8 ?? false,
    input(name, type, dims) {
      inputs.push({ name, type, dims });
      return name;
    },
    output(name, value, { type = dtype, dims }) {
      outputs.push({ name, type, dims });
      nodes.push({ op: "Identity", name: `output_${name}`, inputs: [value], outputs: [name], attributes: {} });
    },
    node(op, inputs, attributes = {}) {
      return graph.nodes(op, inputs, { outputs: 1, attributes })[0]!;
    },
    nodes(op, inputs, { outputs, attributes = {} }) {
      const name = `${op}_${nodes.length}`;
      const names = Array.from({ length: outputs }, (_, index) =>
        index === 0 ? `${name}_out` : `${name}_out${index}`,
      );
      nodes.push({ op, name, inputs, outputs: names, attributes: toAttributes(attributes) });
      return names;
    },
    weight(name, weightOptions) {
      const storage = options.storage ?? dtype;
      const values = random(name, weightOptions);
      if (storage === dtype) return addFloats(name, weightOptions.dims, values);
      const stored = addFloats(`${name}.stored`, weightOptions.dims, values, storage);
      nodes.push({
        op: "Cast",
        name: `widen_${name}`,
        inputs: [stored],
        outputs: [name],
        attributes: toAttributes({ to: elementTypes[dtype] }),
      });
      return name;
    },
    int8Weight(name, weightOptions) {
      const source = random(name, weightOptions);
      const scale = Math.fround((weightOptions.std * 3) / 127);
      const { dims } = weightOptions;
      const values = addTensor({ name: `${name}_quantized`, type: "int8", dims, data: encodeInt8(source, scale) });
      return { values, scale: addFloats(`${name}_scale`, [], floatsOf(Float32Array.of(scale)), "float32") };
    },
    given: (name, { dims, values, type = dtype }) => addFloats(name, dims, values, type),
    filled: (name, dims, value) => addFloats(name, dims, constantFloats(elementCount(dims), value)),
    int64: (values) => integers(`int64_${values.join("_")}`, [values.length], values),
    int64Scalar: (value) => integers(`int64_scalar_${value}`, [], [value]),
    scalar(value, type = dtype) {
      const name = `${type}_scalar_${value}`;
      return initializers.has(name) ? name : addFloats(name, [], floatsOf(Float32Array.of(value)), type);
    },
    float32(values) {
      const name = `float32_${values.join("_")}`;
      return initializers.has(name)
        ? name
        : addFloats(name, [values.length], floatsOf(Float32Array.from(values)), "float32");
    },
    build: () => ({ name: options.name, inputs, outputs, nodes, initializers: [...initializers.values()] }),
  };
  return graph;
}

/** A float attribute; plain numbers become integer ones. */
export function float(value: number): Attribute {
  return { kind: "float", value };
}

function toAttributes(inputs: Readonly<Record<string, AttributeInput>>): Record<string, Attribute> {
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, toAttribute(input)]));
}

function toAttribute(input: AttributeInput): Attribute {
  if (typeof input === "number") return { kind: "int", value: input };
  if (typeof input === "string") return { kind: "string", value: input };
  if ("kind" in input) return input;
  return { kind: "ints", value: input };
}

function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
