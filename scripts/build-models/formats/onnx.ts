// Writes ONNX ModelProto files. Field numbers follow onnx/onnx.proto (IR version 8, opset 17); large weights can go to a
// file beside the model, as exporters do above two gigabytes.

import { dirname, join } from "node:path";

import { type ByteSource, concatSources, writeSource, zeroBytes } from "./byte-source.ts";
import { floatField, integerField, lengthField, packedIntegersField } from "./protobuf.ts";

/** TensorProto.DataType of every element type the builders use. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
} as const;
export type ElementType = keyof typeof elementTypes;

/** A dimension is a size, or the name of one that is only known at run time. */
export type Dimension = number | string;

export interface Tensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Little-endian, row-major. */
  readonly data: ByteSource;
}

export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: Tensor };

export interface Node {
  readonly op: string;
  readonly name: string;
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly Dimension[];
}

export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
}

export interface WriteOnnxOptions {
  /** File name beside the model that takes the weights, for example `model.onnx_data`; left out: all in one file. */
  readonly externalData?: string;
}

const externalAlignmentBytes = 4096;
/** Smaller tensors stay in the model: shapes must be there for the runtime's own optimisations. */
const externalMinimumBytes = 1024;

/** Writes the model, and its weights file where one is asked for. */
export function writeOnnx(path: string, model: OnnxModel, options: WriteOnnxOptions = {}): void {
  const external: ByteSource[] = [];
  let externalBytes = 0;
  const initializers = model.initializers.map((tensor) => {
    if (options.externalData === undefined || tensor.data.byteLength < externalMinimumBytes) return tensorProto(tensor);
    const gap = (externalAlignmentBytes - (externalBytes % externalAlignmentBytes)) % externalAlignmentBytes;
    external.push(zeroBytes(gap), tensor.data);
    const offset = externalBytes + gap;
    externalBytes = offset + tensor.data.byteLength;
    return tensorProto(tensor, { location: options.externalData, offset });
  });
  if (options.externalData !== undefined) {
    writeSource(join(dirname(path), options.externalData), concatSources(external));
  }
  writeSource(path, modelProto(model, initializers));
}

/** The bytes of a model with all its weights inside. */
export function onnxBytes(model: OnnxModel): ByteSource {
  return modelProto(
    model,
    model.initializers.map((tensor) => tensorProto(tensor)),
  );
}

function modelProto(model: OnnxModel, initializers: readonly ByteSource[]): ByteSource {
  const graph = concatSources([
    ...model.nodes.map((node) => lengthField(1, nodeProto(node))),
    lengthField(2, model.name),
    ...initializers.map((tensor) => lengthField(5, tensor)),
    ...model.inputs.map((value) => lengthField(11, valueInfoProto(value))),
    ...model.outputs.map((value) => lengthField(12, valueInfoProto(value))),
  ]);
  return concatSources([
    integerField(1, 8),
    lengthField(2, "hearth"),
    lengthField(7, graph),
    lengthField(8, concatSources([lengthField(1, ""), integerField(2, 17)])),
  ]);
}

function nodeProto(node: Node): ByteSource {
  return concatSources([
    ...node.inputs.map((input) => lengthField(1, input)),
    ...node.outputs.map((output) => lengthField(2, output)),
    lengthField(3, node.name),
    lengthField(4, node.op),
    ...Object.entries(node.attributes).map(([name, attribute]) => lengthField(5, attributeProto(name, attribute))),
  ]);
}

function attributeProto(name: string, attribute: Attribute): ByteSource {
  const fields = [lengthField(1, name)];
  switch (attribute.kind) {
    case "float":
      fields.push(floatField(2, attribute.value), integerField(20, 1));
      break;
    case "int":
      fields.push(integerField(3, attribute.value), integerField(20, 2));
      break;
    case "string":
      fields.push(lengthField(4, attribute.value), integerField(20, 3));
      break;
    case "tensor":
      fields.push(lengthField(5, tensorProto(attribute.value)), integerField(20, 4));
      break;
    case "ints":
      fields.push(...attribute.value.map((value) => integerField(8, value)), integerField(20, 7));
      break;
  }
  return concatSources(fields);
}

function tensorProto(tensor: Tensor, external?: { location: string; offset: number }): ByteSource {
  const fields = [
    packedIntegersField(1, tensor.dims),
    integerField(2, elementTypes[tensor.type]),
    lengthField(8, tensor.name),
  ];
  if (external === undefined) return concatSources([...fields, lengthField(9, tensor.data)]);
  const entries = {
    location: external.location,
    offset: String(external.offset),
    length: String(tensor.data.byteLength),
  };
  for (const [key, value] of Object.entries(entries)) {
    fields.push(lengthField(13, concatSources([lengthField(1, key), lengthField(2, value)])));
  }
  return concatSources([...fields, integerField(14, 1)]);
}

function valueInfoProto(value: ValueInfo): ByteSource {
  const dims = value.dims.map((dim) =>
    lengthField(1, typeof dim === "number" ? integerField(1, dim) : lengthField(2, dim)),
  );
  const tensorType = concatSources([integerField(1, elementTypes[value.type]), lengthField(2, concatSources(dims))]);
  return concatSources([lengthField(1, value.name), lengthField(2, lengthField(1, tensorType))]);
}
