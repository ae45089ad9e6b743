// Reads ModelProto files that the writer has written, for tests and for reference implementations that need a fixture's weights. Weights
// are raw data or in external files; the older typed fields of TensorProto are refused.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { bytesOf } from "./byte-source.ts";
import {
  type Attribute,
  type Dimension,
  type ElementType,
  elementTypes,
  type Node,
  type OnnxModel,
  type Tensor,
  type ValueInfo,
} from "./onnx.ts";
import { readFields, type WireField } from "./protobuf.ts";

/** Reads a model; weights in files beside it are read too. Throws a RangeError on what it does not understand. */
export function readOnnx(path: string): OnnxModel {
  return parseOnnx(readFileSync(path), dirname(path));
}

/** Parses a model's bytes; `folder` is where its external data lies. */
export function parseOnnx(bytes: Uint8Array, folder?: string): OnnxModel {
  const graph = only(readFields(bytes), 7);
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  let name = "";
  for (const field of readFields(graph)) {
    if (field.field === 1) nodes.push(parseNode(message(field)));
    else if (field.field === 2) name = text(field);
    else if (field.field === 5) initializers.push(parseTensor(message(field), folder));
    else if (field.field === 11) inputs.push(parseValue(message(field)));
    else if (field.field === 12) outputs.push(parseValue(message(field)));
  }
  return { name, inputs, outputs, nodes, initializers };
}

/** The float32 values of an initializer of type float32. */
export function floatValues(tensor: Tensor): Float32Array {
  if (tensor.type !== "float32") throw new RangeError(`${tensor.name} has type ${tensor.type}`);
  const bytes = new Uint8Array(tensor.data.byteLength);
  let offset = 0;
  for (const chunk of tensor.data.chunks()) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return new Float32Array(bytes.buffer);
}

function parseNode(bytes: Uint8Array): Node {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Record<string, Attribute> = {};
  let name = "";
  let op = "";
  for (const field of readFields(bytes)) {
    if (field.field === 1) inputs.push(text(field));
    else if (field.field === 2) outputs.push(text(field));
    else if (field.field === 3) name = text(field);
    else if (field.field === 4) op = text(field);
    else if (field.field === 5) {
      const [key, attribute] = parseAttribute(message(field));
      attributes[key] = attribute;
    }
  }
  return { op, name, inputs, outputs, attributes };
}

function parseAttribute(bytes: Uint8Array): [string, Attribute] {
  let name = "";
  let attribute: Attribute | undefined;
  const integers: number[] = [];
  let type = 0;
  for (const field of readFields(bytes)) {
    if (field.field === 1) name = text(field);
    else if (field.field === 2) attribute = { kind: "float", value: floatOfBits(integer(field)) };
    else if (field.field === 3) attribute = { kind: "int", value: integer(field) };
    else if (field.field === 4) attribute = { kind: "string", value: text(field) };
    else if (field.field === 5) attribute = { kind: "tensor", value: parseTensor(message(field)) };
    else if (field.field === 8) integers.push(integer(field));
    else if (field.field === 20) type = integer(field);
  }
  if (type === 7) attribute = { kind: "ints", value: integers };
  if (attribute === undefined) throw new RangeError(`attribute ${name} has type ${type}`);
  return [name, attribute];
}

function parseTensor(bytes: Uint8Array, folder?: string): Tensor {
  let dims: number[] = [];
  let type: ElementType | undefined;
  let name = "";
  let data: Uint8Array | undefined;
  const external: Record<string, string> = {};
  for (const field of readFields(bytes)) {
    if (field.field === 1) dims = typeof field.value === "bigint" ? [...dims, integer(field)] : unpack(field.value);
    else if (field.field === 2) type = elementTypeOf(integer(field));
    else if (field.field === 8) name = text(field);
    else if (field.field === 9) data = message(field);
    else if (field.field === 13) {
      const [key, value] = [...readFields(message(field))].map((entry) => text(entry));
      external[key ?? ""] = value ?? "";
    }
  }
  if (external["location"] !== undefined && folder !== undefined) {
    const start = Number(external["offset"] ?? 0);
    const file = readFileSync(join(folder, external["location"]));
    data = file.subarray(start, external["length"] === undefined ? undefined : start + Number(external["length"]));
  }
  if (type === undefined || data === undefined) throw new RangeError(`tensor ${name} has no type or no raw data`);
  return { name, type, dims, data: bytesOf(data) };
}

function parseValue(bytes: Uint8Array): ValueInfo {
  let name = "";
  let type: ElementType | undefined;
  let dims: Dimension[] = [];
  for (const field of readFields(bytes)) {
    if (field.field === 1) name = text(field);
    if (field.field !== 2) continue;
    for (const part of readFields(only(readFields(message(field)), 1))) {
      if (part.field === 1) type = elementTypeOf(integer(part));
      else if (part.field === 2) dims = [...readFields(message(part))].map((dim) => parseDimension(message(dim)));
    }
  }
  if (type === undefined) throw new RangeError(`value ${name} has no type`);
  return { name, type, dims };
}

function parseDimension(bytes: Uint8Array): Dimension {
  for (const field of readFields(bytes)) return field.field === 1 ? integer(field) : text(field);
  return "";
}

function only(fields: Iterable<WireField>, number: number): Uint8Array {
  for (const field of fields) if (field.field === number) return message(field);
  throw new RangeError(`no field ${number}`);
}

function message({ field, value }: WireField): Uint8Array {
  if (typeof value === "bigint") throw new RangeError(`field ${field} is a number`);
  return value;
}

function integer({ field, value }: WireField): number {
  if (typeof value !== "bigint") throw new RangeError(`field ${field} is not a number`);
  return Number(BigInt.asIntN(64, value));
}

function text(field: WireField): string {
  return new TextDecoder().decode(message(field));
}

function unpack(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    values.push(Number(BigInt.asIntN(64, value)));
    value = 0n;
    shift = 0n;
  }
  return values;
}

function elementTypeOf(number: number): ElementType {
  for (const [name, value] of Object.entries(elementTypes)) if (value === number) return name as ElementType;
  throw new RangeError(`unknown element type ${number}`);
}

function floatOfBits(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
