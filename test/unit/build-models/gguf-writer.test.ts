import { join } from "node:path";
import { readGgufFileInfo } from "node-llama-cpp";
import { describe, expect, it } from "vitest";

import { readSource } from "../../../scripts/build-models/formats/byte-source.ts";
import {
  type GgufTensorType,
  type MetadataValue,
  tensorBytes,
  writeGguf,
} from "../../../scripts/build-models/formats/gguf.ts";
import { fromHalfBits } from "../../../scripts/build-models/formats/half-float.ts";
import { floatsOf, randomNormal, readFloats } from "../../../scripts/build-models/formats/weights.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder("build-models");

describe("the GGUF writer", () => {
  it("writes every kind of metadata so that node-llama-cpp's reader gives it back", async () => {
    const path = join(folder, "kinds.gguf");
    const metadata = new Map<string, MetadataValue>([
      ["general.architecture", { type: "string", value: "llama" }],
      ["kinds.uint8", { type: "uint8", value: 200 }],
      ["kinds.int8", { type: "int8", value: -100 }],
      ["kinds.uint16", { type: "uint16", value: 60_000 }],
      ["kinds.int16", { type: "int16", value: -30_000 }],
      ["kinds.uint32", { type: "uint32", value: 4_000_000_000 }],
      ["kinds.int32", { type: "int32", value: -2_000_000_000 }],
      ["kinds.float32", { type: "float32", value: 0.5 }],
      ["kinds.bool", { type: "bool", value: true }],
      ["kinds.uint64", { type: "uint64", value: 2n ** 40n }],
      ["kinds.int64", { type: "int64", value: -(2n ** 40n) }],
      ["kinds.float64", { type: "float64", value: 0.1 }],
      ["kinds.words", { type: "array", of: "string", values: ["Ġa", "ß", ""] }],
      ["kinds.numbers", { type: "array", of: "int32", values: [1, -2] }],
    ]);
    const values = floatsOf(Float32Array.of(1, 2, 3, 4, 5, 6));
    writeGguf(path, {
      metadata,
      tensors: [
        { name: "first", dims: [3, 2], type: "f32", values },
        { name: "second", dims: [6], type: "f16", values },
      ],
    });
    const info = await readGgufFileInfo(path, { logWarnings: false });
    expect(info.version).toBe(3);
    expect((info.metadata as unknown as { kinds: Record<string, unknown> }).kinds).toEqual({
      uint8: 200,
      int8: -100,
      uint16: 60_000,
      int16: -30_000,
      uint32: 4_000_000_000,
      int32: -2_000_000_000,
      float32: 0.5,
      bool: true,
      uint64: 2n ** 40n,
      int64: -(2n ** 40n),
      float64: 0.1,
      words: ["Ġa", "ß", ""],
      numbers: [1, -2],
    });
    // Offsets are multiples of 32, counted from the start of the data.
    const tensors = info.fullTensorInfo!.map(({ name, dimensions, ggmlType, offset }) => ({
      name,
      dimensions,
      ggmlType,
      offset: Number(offset),
    }));
    expect(tensors).toEqual([
      { name: "first", dimensions: [3, 2], ggmlType: 0, offset: 0 },
      { name: "second", dimensions: [6], ggmlType: 1, offset: 32 },
    ]);
  });

  it("refuses values that do not fill the dimensions and rows that do not divide into blocks", () => {
    const values = randomNormal("x", { length: 96, std: 1 });
    expect(() => tensorBytes({ name: "t", dims: [95], type: "f32", values })).toThrow(RangeError);
    expect(() => tensorBytes({ name: "t", dims: [48, 2], type: "q8_0", values })).toThrow("blocks of 32");
    expect(() => tensorBytes({ name: "t", dims: [96], type: "q4_K", values })).toThrow("blocks of 256");
  });
});

describe("block formats", () => {
  const source = randomNormal("blocks", { length: 1024, std: 1 });
  const original = readFloats(source);
  // The widest step between two levels of a block whose values lie within -3 to 3, and half of it as the error.
  const cases: [GgufTensorType, (bytes: Uint8Array) => Float32Array, number][] = [
    ["q8_0", fromQ8, 3 / 127 / 2 + 0.002],
    ["q4_0", fromQ4, 3 / 8 + 0.01],
    ["q4_K", fromQ4K, 6 / 15 / 2 + 0.07],
  ];
  it.each(cases)("%s keeps values within half a step of its scale", (type, decode, tolerance) => {
    const decoded = decode(readSource(tensorBytes({ name: "t", dims: [256, 4], type, values: source })));
    expect(decoded.length).toBe(original.length);
    const worst = original.reduce((largest, value, index) => Math.max(largest, Math.abs(value - decoded[index]!)), 0);
    expect(worst).toBeLessThan(tolerance);
  });
});

function fromQ8(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: (bytes.length / 34) * 32 }, (_, index) => {
    const block = Math.floor(index / 32) * 34;
    return fromHalfBits(view.getUint16(block, true)) * view.getInt8(block + 2 + (index % 32));
  });
}

function fromQ4(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: (bytes.length / 18) * 32 }, (_, index) => {
    const block = Math.floor(index / 32) * 18;
    const byte = bytes[block + 2 + (index % 16)]!;
    const nibble = index % 32 < 16 ? byte & 15 : byte >> 4;
    return fromHalfBits(view.getUint16(block, true)) * (nibble - 8);
  });
}

/** After get_scale_min_k4 of ggml-quants.c. */
function fromQ4K(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: (bytes.length / 144) * 256 }, (_, index) => {
    const block = Math.floor(index / 256) * 144;
    const within = index % 256;
    const group = Math.floor(within / 32);
    const scales = block + 4;
    const six = (at: number): number => bytes[scales + at]!;
    const scale = group < 4 ? six(group) & 63 : (six(group + 4) & 15) | ((six(group - 4) >> 6) << 4);
    const floor = group < 4 ? six(group + 4) & 63 : (six(group + 4) >> 4) | ((six(group) >> 6) << 4);
    const byte = bytes[block + 16 + Math.floor(group / 2) * 32 + (within % 32)]!;
    const nibble = group % 2 === 0 ? byte & 15 : byte >> 4;
    return (
      fromHalfBits(view.getUint16(block, true)) * scale * nibble - fromHalfBits(view.getUint16(block + 2, true)) * floor
    );
  });
}
