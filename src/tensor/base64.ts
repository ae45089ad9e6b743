// Vectors on the wire: OpenAI's `encoding_format: "base64"` is the little-endian float32 bytes of the vector.
import { endianness } from "node:os";

const isBigEndian = endianness() === "BE";

/** Base64 of the little-endian float32 bytes, whatever the machine. */
export function encodeFloat32Base64(values: Float32Array): string {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return (isBigEndian ? Buffer.from(bytes).swap32() : bytes).toString("base64");
}

/**
 * The inverse of `encodeFloat32Base64`.
 * @throws RangeError where the decoded length is not a multiple of four bytes
 */
export function decodeFloat32Base64(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length % 4 !== 0) {
    throw new RangeError(`base64 holds ${bytes.length} bytes, which is no whole number of float32 values`);
  }
  // A copy, as small buffers lie unaligned in Node's shared pool.
  const copy = new Uint8Array(bytes);
  if (isBigEndian) {
    Buffer.from(copy.buffer).swap32();
  }
  return new Float32Array(copy.buffer);
}
