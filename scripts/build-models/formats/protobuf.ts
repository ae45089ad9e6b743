// The part of the protobuf wire format that ONNX needs: varints, 32-bit floats and length-delimited fields.
// A message is a ByteSource, so that a weight of gigabytes can lie inside one without being in memory.

import { type ByteSource, bytesOf, concatSources, textBytes } from "./byte-source.ts";

/** An integer field (int32, int64, enum); negative numbers take ten bytes, as the format demands. */
export function integerField(field: number, value: number | bigint): ByteSource {
  return bytesOf(Uint8Array.from([...varint(BigInt(field) << 3n), ...varint(BigInt.asUintN(64, BigInt(value)))]));
}

/** A `float` field. */
export function floatField(field: number, value: number): ByteSource {
  const bytes = new Uint8Array(5);
  bytes[0] = (field << 3) | 5;
  new DataView(bytes.buffer).setFloat32(1, value, true);
  return bytesOf(bytes);
}

/** A string, bytes or message field. */
export function lengthField(field: number, content: string | ByteSource): ByteSource {
  const source = typeof content === "string" ? textBytes(content) : content;
  const header = Uint8Array.from([...varint((BigInt(field) << 3n) | 2n), ...varint(BigInt(source.byteLength))]);
  return concatSources([bytesOf(header), source]);
}

/** Repeated integers in the packed encoding. */
export function packedIntegersField(field: number, values: readonly (number | bigint)[]): ByteSource {
  const bytes = values.flatMap((value) => varint(BigInt.asUintN(64, BigInt(value))));
  return lengthField(field, bytesOf(Uint8Array.from(bytes)));
}

/** One field as read from a message; `value` is a varint, the bits of a fixed-width field, or the bytes of a length field. */
export interface WireField {
  readonly field: number;
  readonly value: bigint | Uint8Array;
}

/** Reads the fields of a message in order. Throws a RangeError where the bytes end in the middle of a field. */
export function* readFields(bytes: Uint8Array): Iterable<WireField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(offset);
      offset += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (offset < bytes.byteLength) {
    const tag = readVarint();
    const field = Number(tag >> 3n);
    switch (Number(tag & 7n)) {
      case 0:
        yield { field, value: readVarint() };
        break;
      case 1:
        yield { field, value: view.getBigUint64(offset, true) };
        offset += 8;
        break;
      case 2: {
        const length = Number(readVarint());
        if (offset + length > bytes.byteLength)
          throw new RangeError(`field ${field} reaches past the end of its message`);
        yield { field, value: bytes.subarray(offset, offset + length) };
        offset += length;
        break;
      }
      case 5:
        yield { field, value: BigInt(view.getUint32(offset, true)) };
        offset += 4;
        break;
      default:
        throw new RangeError(`field ${field} has an unknown wire type`);
    }
  }
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}
