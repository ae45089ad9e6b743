// Weights as streams of float32: random ones, constants, and arrays. They are bit-identical on every platform, as only integer arithmetic
// and single IEEE operations are used: Math.exp, sin and log differ between engines.

import { type ByteSource } from "./byte-source.ts";
import { toBfloat16Bits, toHalfBits } from "./half-float.ts";

/** Floats that can be produced any number of times; every chunk but the last has `chunkElements` elements. */
export interface FloatSource {
  readonly length: number;
  /** Largest magnitude of an element, if known: an int8 scale can then be chosen without the data. */
  readonly bound?: number;
  chunks(): Iterable<Float32Array>;
}

export type FloatFormat = "float32" | "float16" | "bfloat16";

/** A multiple of every quantisation block, so that no block straddles two chunks. */
export const chunkElements = 1 << 16;

/**
 * Random numbers with mean 0 and standard deviation `std`, within 3 `std`: the sum of three 10-bit uniforms (Irwin-Hall)
 * out of one 32-bit draw of xoshiro128**. `key` names the tensor, so that no tensor depends on the order of writing.
 */
export function randomNormal(key: string, { length, std }: { length: number; std: number }): FloatSource {
  const step = std / 512;
  return {
    length,
    bound: std * 3,
    *chunks() {
      const next = createRandomBits(key);
      for (let start = 0; start < length; start += chunkElements) {
        const chunk = new Float32Array(Math.min(chunkElements, length - start));
        for (let index = 0; index < chunk.length; index += 1) {
          const bits = next();
          const sum = (bits & 1023) + ((bits >>> 10) & 1023) + ((bits >>> 20) & 1023);
          chunk[index] = (sum - 1534.5) * step;
        }
        yield chunk;
      }
    },
  };
}

/** `length` times the same value. */
export function constantFloats(length: number, value: number): FloatSource {
  return {
    length,
    bound: Math.abs(value),
    *chunks() {
      for (let start = 0; start < length; start += chunkElements) {
        yield new Float32Array(Math.min(chunkElements, length - start)).fill(value);
      }
    },
  };
}

/** A source over floats already in memory. */
export function floatsOf(values: Float32Array): FloatSource {
  return {
    length: values.length,
    *chunks() {
      for (let start = 0; start < values.length; start += chunkElements) {
        yield values.subarray(start, start + chunkElements);
      }
    },
  };
}

/** A source with `change` applied to each float and its index. */
export function mapFloats(source: FloatSource, change: (value: number, index: number) => number): FloatSource {
  return {
    length: source.length,
    *chunks() {
      let start = 0;
      for (const floats of source.chunks()) {
        const offset = start;
        yield floats.map((value, index) => change(value, offset + index));
        start += floats.length;
      }
    },
  };
}

/** All floats of a source in one array. */
export function readFloats(source: FloatSource): Float32Array {
  const values = new Float32Array(source.length);
  let offset = 0;
  for (const chunk of source.chunks()) {
    values.set(chunk, offset);
    offset += chunk.length;
  }
  return values;
}

/** Little-endian bytes of the floats in a floating-point format. */
export function encodeFloats(source: FloatSource, format: FloatFormat): ByteSource {
  const elementBytes = format === "float32" ? 4 : 2;
  return {
    byteLength: source.length * elementBytes,
    *chunks() {
      for (const floats of source.chunks()) {
        const bytes = new Uint8Array(floats.length * elementBytes);
        const view = new DataView(bytes.buffer);
        for (let index = 0; index < floats.length; index += 1) {
          const value = floats[index]!;
          if (format === "float32") view.setFloat32(index * 4, value, true);
          else view.setUint16(index * 2, format === "float16" ? toHalfBits(value) : toBfloat16Bits(value), true);
        }
        yield bytes;
      }
    },
  };
}

/** Symmetric int8: round(value / scale), clamped to -127..127. */
export function encodeInt8(source: FloatSource, scale: number): ByteSource {
  return {
    byteLength: source.length,
    *chunks() {
      for (const floats of source.chunks()) {
        const bytes = new Int8Array(floats.length);
        for (let index = 0; index < floats.length; index += 1) {
          bytes[index] = Math.max(-127, Math.min(127, Math.round(floats[index]! / scale)));
        }
        yield new Uint8Array(bytes.buffer);
      }
    },
  };
}

/** The `degree`-th root of a number in (0, 1], by bisection over multiplications only. */
export function exactRoot(value: number, degree: number): number {
  let low = 0;
  let high = 1;
  for (let round = 0; round < 64; round += 1) {
    const middle = (low + high) / 2;
    let power = 1;
    for (let factor = 0; factor < degree; factor += 1) power *= middle;
    if (power > value) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/** A generator of 32-bit words (xoshiro128**, Blackman and Vigna), its state spread from the key by FNV-1a and a mixer. */
export function createRandomBits(key: string): () => number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  const spread = (): number => {
    hash = (hash + 0x9e3779b9) | 0;
    let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return mixed ^ (mixed >>> 16);
  };
  let a = spread();
  let b = spread();
  let c = spread();
  let d = spread();
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  };
}
