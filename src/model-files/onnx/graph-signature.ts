// The inputs and outputs of a graph, read without a runtime library, so that a graph of another kind is refused before it is loaded.
import { FieldReader, notAGraph, withFile, type Range } from "./field-reader.ts";

export interface GraphValue {
  readonly name: string;
  /** A number where the exporter fixed a size, else `undefined`. */
  readonly dims: readonly (number | undefined)[];
}

export interface GraphSignature {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

// Field numbers of onnx.proto: ModelProto.graph; GraphProto.initializer, input, output; TensorProto.name; ValueInfoProto.name, type;
// TypeProto.tensor_type; TypeProto.Tensor.shape; TensorShapeProto.dim; Dimension.dim_value.
const modelGraph = 7;
const graphInitializer = 5;
const graphInput = 11;
const graphOutput = 12;
const tensorName = 8;
const valueName = 1;
const valueType = 2;
const tensorType = 1;
const tensorShape = 2;
const shapeDim = 1;
const dimValue = 1;

/** @throws ServerError `model_load_failed` where the file is no ONNX graph */
export function readGraphSignature(path: string): GraphSignature {
  return withFile(path, (file, size) => {
    const reader = new FieldReader(file);
    try {
      const [graph] = reader.fields({ start: 0, end: size }, modelGraph);
      if (graph === undefined) throw new RangeError("it has no graph");
      // Old exporters list the weights among the inputs.
      const weights = new Set(
        [...reader.fields(graph, graphInitializer)].map((tensor) => nameOf(reader, tensor, tensorName)),
      );
      const values = (field: number): GraphValue[] =>
        [...reader.fields(graph, field)].map((value) => ({
          name: nameOf(reader, value, valueName),
          dims: dimsOf(reader, value),
        }));
      return { inputs: values(graphInput).filter(({ name }) => !weights.has(name)), outputs: values(graphOutput) };
    } catch (error) {
      throw notAGraph(error, path);
    }
  });
}

function nameOf(reader: FieldReader, message: Range, field: number): string {
  const [name] = reader.fields(message, field);
  return name === undefined ? "" : reader.text(name);
}

function dimsOf(reader: FieldReader, value: Range): (number | undefined)[] {
  let message: Range = value;
  for (const field of [valueType, tensorType, tensorShape]) {
    const [inner] = reader.fields(message, field);
    if (inner === undefined) return [];
    message = inner;
  }
  return [...reader.fields(message, shapeDim)].map((dim) => {
    const [size] = reader.numbers(dim, dimValue);
    return size;
  });
}
