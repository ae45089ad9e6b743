// Writes files and folders with as much of a model as the detection of its kind reads, and no weights; encoders are copied whole.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fixtureFolder, type FixtureFamily } from "../../support/reference-embeddings.ts";

/** A temporary folder; `write` makes missing folders. */
export interface Sandbox {
  readonly folder: string;
  readonly path: (...segments: string[]) => string;
  readonly write: (name: string, content?: string | Uint8Array) => string;
  /** A copy of an encoder's folder; it has to be whole, because it is checked as far as can be without loading it. */
  readonly copyEncoder: (family: FixtureFamily, name: string) => void;
  readonly remove: () => void;
}

export function createSandbox(): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), "hearth-config-"));
  const path = (...segments: string[]) => join(folder, ...segments);
  return {
    folder,
    path,
    write: (name, content = "") => {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), content);
      return path(name);
    },
    copyEncoder: (family, name) => cpSync(fixtureFolder(family), path(name), { recursive: true }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

type GgufValue = string | number | readonly string[];

/** Bytes of a GGUF file of version 3 with metadata and no tensors (layout: ggml/docs/gguf.md). */
export function ggufBytes(metadata: Readonly<Record<string, GgufValue>>): Uint8Array {
  const entries = Object.entries(metadata);
  return Buffer.concat([
    Buffer.from("GGUF"),
    uint32(3),
    uint64(0),
    uint64(entries.length),
    ...entries.flatMap(([key, value]) => [text(key), ...typed(value)]),
  ]);
}

function typed(value: GgufValue): Buffer[] {
  if (typeof value === "string") return [uint32(8), text(value)];
  if (typeof value === "number") return [uint32(4), uint32(value)];
  return [uint32(9), uint32(8), uint64(value.length), ...value.map(text)];
}

function text(value: string): Buffer {
  return Buffer.concat([uint64(Buffer.byteLength(value)), Buffer.from(value)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
