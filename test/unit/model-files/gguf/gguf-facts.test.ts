// Broken and hostile files: each is refused with a reason before the native library opens it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readGguf } from "../../../../src/model-files/gguf/gguf-facts.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const folder = temporaryFolder("gguf");

function file(name: string, ...parts: readonly (string | Buffer)[]): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part as string))));
  return path;
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function u64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(value);
  return buffer;
}

const text = (value: string): Buffer => Buffer.concat([u64(BigInt(value.length)), Buffer.from(value)]);
const header = (tensors: bigint, entries: bigint, version = 3): Buffer =>
  Buffer.concat([Buffer.from("GGUF"), u32(version), u64(tensors), u64(entries)]);
const stringType = 8;
const arrayType = 9;

describe("readGguf", () => {
  it.each([
    ["a file that is not there", join(folder, "absent.gguf"), /no such file/],
    ["a folder", folder, /not a file/],
    ["an empty file", file("empty.gguf"), /not a GGUF file/],
    ["another format", file("other.gguf", "PK\u0003\u0004 and so on, long enough for a header"), /not a GGUF file/],
    ["an old version", file("old.gguf", header(0n, 0n, 1)), /version 1/],
    ["counts that no model has", file("huge.gguf", header(2n ** 60n, 3n)), /claims 1152921504606846976 tensors/],
    [
      "counts that the file cannot hold",
      file("short.gguf", header(1000n, 1000n)),
      /claims 1000 tensors, more than it can hold/,
    ],
    [
      "a string longer than the file",
      file("string.gguf", header(0n, 1n), u64(2n ** 50n), Buffer.alloc(64)),
      /more than it can hold/,
    ],
    [
      "an array longer than the file",
      file(
        "array.gguf",
        header(0n, 1n),
        text("tokenizer.ggml.tokens"),
        u32(arrayType),
        u32(stringType),
        u64(2n ** 40n),
        Buffer.alloc(64),
      ),
      /more than it can hold/,
    ],
    [
      "arrays within arrays without end",
      file(
        "nested.gguf",
        header(0n, 1n),
        text("deep"),
        u32(arrayType),
        ...Array.from({ length: 5000 }, () => Buffer.concat([u32(arrayType), u64(1n)])),
      ),
      /arrays within arrays/,
    ],
    [
      "a file without architecture",
      file("plain.gguf", header(0n, 1n), text("general.name"), u32(stringType), text("nobody")),
      /names no architecture/,
    ],
    [
      "a model without vocabulary",
      file("mute.gguf", header(0n, 1n), text("general.architecture"), u32(stringType), text("llama")),
      /has no vocabulary/,
    ],
  ])("refuses %s", async (_, path, reason) => {
    await expect(readGguf(path)).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringMatching(reason),
    });
  });
});
