import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { readSafetensors } from "../../../scripts/build-models/formats/safetensors.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder("build-models");

function writeFile(name: string, header: object, data: readonly number[]): string {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.byteLength));
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([length, text, Buffer.from(data)]));
  return path;
}

describe("readSafetensors", () => {
  it("gives float32, float16 and bfloat16 tensors as float32 with their shapes", () => {
    const header = {
      __metadata__: { format: "pt" },
      wide: { dtype: "F32", shape: [1, 2], data_offsets: [0, 8] },
      half: { dtype: "F16", shape: [2], data_offsets: [8, 12] },
      brain: { dtype: "BF16", shape: [1], data_offsets: [12, 14] },
    };
    const path = writeFile("good", header, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0x3c, 0, 0xc0, 0x49, 0xc0]);
    const tensors = readSafetensors(path);
    expect([...tensors.keys()]).toEqual(["wide", "half", "brain"]);
    expect(tensors.get("wide")).toEqual({ dims: [1, 2], values: Float32Array.of(1, -2) });
    expect(tensors.get("half")!.values).toEqual(Float32Array.of(1, -2));
    expect(tensors.get("brain")!.values).toEqual(Float32Array.of(-3.140625));
  });

  it("refuses another type, a wrong length, and a header longer than the file", () => {
    const integers = { a: { dtype: "I64", shape: [1], data_offsets: [0, 8] } };
    expect(() => readSafetensors(writeFile("integers", integers, Array<number>(8).fill(0)))).toThrow("type I64");
    const short = { a: { dtype: "F32", shape: [2], data_offsets: [0, 4] } };
    expect(() => readSafetensors(writeFile("short", short, [0, 0, 0, 0]))).toThrow("wrong length");
    const path = join(folder, "cut");
    writeFileSync(path, Buffer.from([255, 0, 0, 0, 0, 0, 0, 0, 123]));
    expect(() => readSafetensors(path)).toThrow("past the end");
  });
});
