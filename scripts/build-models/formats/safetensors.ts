// Reads safetensors files: eight bytes of header length, a JSON header, then the tensors' bytes.

import { readFileSync } from "node:fs";

import { fromBfloat16Bits, fromHalfBits } from "./half-float.ts";

/** A weight as float32, whatever the file stores. */
export interface SafeTensor {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const readers: Readonly<Record<string, { bytes: number; read: (view: DataView, offset: number) => number }>> = {
  F32: { bytes: 4, read: (view, offset) => view.getFloat32(offset, true) },
  F16: { bytes: 2, read: (view, offset) => fromHalfBits(view.getUint16(offset, true)) },
  BF16: { bytes: 2, read: (view, offset) => fromBfloat16Bits(view.getUint16(offset, true)) },
};

/** All floating-point tensors of a file by name. Throws where the header is broken or a type is not one of F32, F16, BF16. */
export function readSafetensors(path: string): Map<string, SafeTensor> {
  const file = readFileSync(path);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > file.byteLength - 8) throw new RangeError(`${path}: the header reaches past the end of the file`);
  const header = JSON.parse(file.subarray(8, 8 + headerBytes).toString("utf8")) as Record<string, HeaderEntry>;
  const tensors = new Map<string, SafeTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const reader = readers[entry.dtype];
    if (reader === undefined) throw new TypeError(`${path}: ${name} has type ${entry.dtype}`);
    const values = new Float32Array(entry.shape.reduce((product, dim) => product * dim, 1));
    const [start, end] = entry.data_offsets;
    if (end - start !== values.length * reader.bytes) throw new RangeError(`${path}: ${name} has the wrong length`);
    for (let index = 0; index < values.length; index += 1) {
      values[index] = reader.read(view, 8 + headerBytes + start + index * reader.bytes);
    }
    tensors.set(name, { dims: entry.shape, values });
  }
  return tensors;
}
