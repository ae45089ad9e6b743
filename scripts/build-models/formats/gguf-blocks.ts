// Quantises floats to ggml's block formats (ggml-common.h; ggml-quants.c, the reference quantisers), as far as the builders need them.

import { type ByteSource } from "./byte-source.ts";
import { toHalfBits } from "./half-float.ts";
import { type FloatSource } from "./weights.ts";

export type BlockFormat = "q8_0" | "q4_0" | "q4_K";

/** Elements and bytes of one block. */
export const blockSizes: Readonly<Record<BlockFormat, { readonly elements: number; readonly bytes: number }>> = {
  q8_0: { elements: 32, bytes: 34 },
  q4_0: { elements: 32, bytes: 18 },
  q4_K: { elements: 256, bytes: 144 },
};

type BlockWriter = (values: Float32Array, start: number, view: DataView, offset: number) => void;

const writers: Readonly<Record<BlockFormat, BlockWriter>> = { q8_0: writeQ8, q4_0: writeQ4, q4_K: writeQ4K };

/** Quantises a stream of floats whose length is a multiple of the block. */
export function encodeBlocks(source: FloatSource, format: BlockFormat): ByteSource {
  const size = blockSizes[format];
  const write = writers[format];
  return {
    byteLength: (source.length / size.elements) * size.bytes,
    *chunks() {
      for (const floats of source.chunks()) {
        const blocks = floats.length / size.elements;
        const bytes = new Uint8Array(blocks * size.bytes);
        const view = new DataView(bytes.buffer);
        for (let block = 0; block < blocks; block += 1) write(floats, block * size.elements, view, block * size.bytes);
        yield bytes;
      }
    },
  };
}

/** Half scale, then 32 signed bytes: value = scale * byte. */
function writeQ8(values: Float32Array, start: number, view: DataView, offset: number): void {
  let largest = 0;
  for (let index = 0; index < 32; index += 1) largest = Math.max(largest, Math.abs(values[start + index]!));
  const scale = largest / 127;
  const inverse = scale === 0 ? 0 : 1 / scale;
  view.setUint16(offset, toHalfBits(scale), true);
  for (let index = 0; index < 32; index += 1) {
    view.setInt8(offset + 2 + index, roundHalfAway(values[start + index]! * inverse));
  }
}

/** Half scale, then 16 bytes: low nibbles are elements 0..15, high ones 16..31; value = scale * (nibble - 8). */
function writeQ4(values: Float32Array, start: number, view: DataView, offset: number): void {
  let extreme = 0;
  for (let index = 0; index < 32; index += 1) {
    const value = values[start + index]!;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  const scale = extreme / -8;
  const inverse = scale === 0 ? 0 : 1 / scale;
  view.setUint16(offset, toHalfBits(scale), true);
  for (let index = 0; index < 16; index += 1) {
    const low = Math.min(15, Math.floor(values[start + index]! * inverse + 8.5));
    const high = Math.min(15, Math.floor(values[start + 16 + index]! * inverse + 8.5));
    view.setUint8(offset + 2 + index, low | (high << 4));
  }
}

/**
 * Eight sub-blocks of 32 with a 6-bit scale and minimum each, under one half scale for both: value = d * scale * nibble -
 * dmin * minimum. They are those of each sub-block's extremes; the reference also searches for a smaller error.
 */
function writeQ4K(values: Float32Array, start: number, view: DataView, offset: number): void {
  const ranges = new Float64Array(8);
  const floors = new Float64Array(8);
  for (let block = 0; block < 8; block += 1) {
    let lowest = 0;
    let highest = -Infinity;
    for (let index = 0; index < 32; index += 1) {
      const value = values[start + block * 32 + index]!;
      lowest = Math.min(lowest, value);
      highest = Math.max(highest, value);
    }
    floors[block] = -lowest;
    ranges[block] = (highest - lowest) / 15;
  }
  const scale = Math.max(...ranges) / 63;
  const floorScale = Math.max(...floors) / 63;
  view.setUint16(offset, toHalfBits(scale), true);
  view.setUint16(offset + 2, toHalfBits(floorScale), true);
  for (let block = 0; block < 8; block += 1) {
    const range = scale === 0 ? 0 : Math.round(ranges[block]! / scale);
    const floor = floorScale === 0 ? 0 : Math.round(floors[block]! / floorScale);
    putSixBits(view, { offset: offset + 4, block, range, floor });
    for (let index = 0; index < 32; index += 1) {
      const value = values[start + block * 32 + index]!;
      const nibble = range === 0 ? 0 : Math.round((value + floorScale * floor) / (scale * range));
      const byte = offset + 16 + (block >> 1) * 32 + index;
      const clamped = Math.max(0, Math.min(15, nibble));
      view.setUint8(byte, view.getUint8(byte) | (block % 2 === 0 ? clamped : clamped << 4));
    }
  }
}

interface SixBits {
  readonly offset: number;
  readonly block: number;
  readonly range: number;
  readonly floor: number;
}

/** Packs a scale and a minimum into the 12 bytes: blocks 4..7 keep their upper two bits in the spare bits of 0..3. */
function putSixBits(view: DataView, { offset, block, range, floor }: SixBits): void {
  const or = (at: number, bits: number): void => view.setUint8(offset + at, view.getUint8(offset + at) | bits);
  if (block < 4) {
    or(block, range);
    or(block + 4, floor);
    return;
  }
  or(block + 4, (range & 15) | ((floor & 15) << 4));
  or(block - 4, (range >> 4) << 6);
  or(block, (floor >> 4) << 6);
}

/** C's roundf: Math.round would take -2.5 to -2. */
function roundHalfAway(value: number): number {
  return value < 0 ? -Math.floor(-value + 0.5) : Math.floor(value + 0.5);
}
