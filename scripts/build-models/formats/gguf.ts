// Writes GGUF version 3 (ggml's docs/gguf.md): metadata of every kind, then tensors aligned to 32 bytes.

import { type ByteSource, bytesOf, concatSources, textBytes, writeSource, zeroBytes } from "./byte-source.ts";
import { encodeFloats, type FloatSource } from "./weights.ts";
import { type BlockFormat, encodeBlocks } from "./gguf-blocks.ts";

const scalarTypes = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;
const arrayType = 9;

export type MetadataScalarType = keyof typeof scalarTypes;
type Scalar = number | bigint | boolean | string;

/** A metadata value with its exact type: readers refuse, for example, an int32 where a uint32 belongs. */
export type MetadataValue =
  | { readonly type: MetadataScalarType; readonly value: Scalar }
  | { readonly type: "array"; readonly of: MetadataScalarType; readonly values: readonly Scalar[] };

/** Tensor formats and their ggml type numbers. */
const tensorTypes = { f32: 0, f16: 1, q4_0: 2, q8_0: 8, q4_K: 12, bf16: 30 } as const;
export type GgufTensorType = keyof typeof tensorTypes;

export interface GgufTensor {
  readonly name: string;
  /** ggml order: the first dimension is the one that is contiguous in memory, at most four. */
  readonly dims: readonly number[];
  readonly type: GgufTensorType;
  readonly values: FloatSource;
}

export interface GgufModel {
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  readonly tensors: readonly GgufTensor[];
}

const alignmentBytes = 32;

/** Writes the file. Throws where a tensor's values do not fit its dimensions, or its rows do not fit its blocks. */
export function writeGguf(path: string, model: GgufModel): void {
  writeSource(path, ggufBytes(model));
}

/** The bytes of the file. */
export function ggufBytes(model: GgufModel): ByteSource {
  const data = model.tensors.map((tensor) => tensorBytes(tensor));
  const infos: ByteSource[] = [];
  const padded: ByteSource[] = [];
  let offset = 0;
  for (const [index, tensor] of model.tensors.entries()) {
    const bytes = data[index]!;
    infos.push(
      string(tensor.name),
      scalar("uint32", tensor.dims.length),
      ...tensor.dims.map((dim) => scalar("uint64", dim)),
      scalar("uint32", tensorTypes[tensor.type]),
      scalar("uint64", offset),
    );
    const gap = gapAfter(bytes.byteLength);
    padded.push(bytes, zeroBytes(gap));
    offset += bytes.byteLength + gap;
  }
  const header = concatSources([
    textBytes("GGUF"),
    scalar("uint32", 3),
    scalar("uint64", model.tensors.length),
    scalar("uint64", model.metadata.size),
    ...[...model.metadata].flatMap(([key, value]) => [string(key), metadataValue(value)]),
    ...infos,
  ]);
  return concatSources([header, zeroBytes(gapAfter(header.byteLength)), ...padded]);
}

/** The bytes of one tensor in its format. */
export function tensorBytes(tensor: GgufTensor): ByteSource {
  const elements = tensor.dims.reduce((product, dim) => product * dim, 1);
  if (elements !== tensor.values.length) {
    throw new RangeError(`${tensor.name}: ${tensor.values.length} values for dimensions ${tensor.dims.join(" x ")}`);
  }
  switch (tensor.type) {
    case "f32":
      return encodeFloats(tensor.values, "float32");
    case "f16":
      return encodeFloats(tensor.values, "float16");
    case "bf16":
      return encodeFloats(tensor.values, "bfloat16");
    case "q8_0":
    case "q4_0":
    case "q4_K":
      return blocks(tensor, tensor.type);
  }
}

function blocks(tensor: GgufTensor, format: BlockFormat): ByteSource {
  const rowElements = tensor.dims[0] ?? 0;
  const blockElements = format === "q4_K" ? 256 : 32;
  if (rowElements % blockElements !== 0) {
    throw new RangeError(
      `${tensor.name}: rows of ${rowElements} do not divide into ${format} blocks of ${blockElements}`,
    );
  }
  return encodeBlocks(tensor.values, format);
}

function metadataValue(value: MetadataValue): ByteSource {
  if (value.type !== "array")
    return concatSources([scalar("uint32", scalarTypes[value.type]), scalar(value.type, value.value)]);
  return concatSources([
    scalar("uint32", arrayType),
    scalar("uint32", scalarTypes[value.of]),
    scalar("uint64", value.values.length),
    ...value.values.map((item) => scalar(value.of, item)),
  ]);
}

function scalar(type: MetadataScalarType, value: Scalar): ByteSource {
  if (type === "string") return string(String(value));
  const view = new DataView(new ArrayBuffer(8));
  const byteLength = writeScalar(view, type, value);
  return bytesOf(new Uint8Array(view.buffer, 0, byteLength));
}

function writeScalar(view: DataView, type: Exclude<MetadataScalarType, "string">, value: Scalar): number {
  switch (type) {
    case "uint8":
    case "bool":
      view.setUint8(0, Number(value));
      return 1;
    case "int8":
      view.setInt8(0, Number(value));
      return 1;
    case "uint16":
      view.setUint16(0, Number(value), true);
      return 2;
    case "int16":
      view.setInt16(0, Number(value), true);
      return 2;
    case "uint32":
      view.setUint32(0, Number(value), true);
      return 4;
    case "int32":
      view.setInt32(0, Number(value), true);
      return 4;
    case "float32":
      view.setFloat32(0, Number(value), true);
      return 4;
    case "uint64":
      view.setBigUint64(0, BigInt(value), true);
      return 8;
    case "int64":
      view.setBigInt64(0, BigInt(value), true);
      return 8;
    case "float64":
      view.setFloat64(0, Number(value), true);
      return 8;
  }
}

function string(text: string): ByteSource {
  const bytes = textBytes(text);
  return concatSources([scalar("uint64", bytes.byteLength), bytes]);
}

function gapAfter(byteLength: number): number {
  return (alignmentBytes - (byteLength % alignmentBytes)) % alignmentBytes;
}
