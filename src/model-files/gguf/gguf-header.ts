// The first facts of a GGUF file, without a library: enough to tell a chat model from an embedding model and from files
// that are no model at all. Layout: ggml/docs/gguf.md. The weights are never read.
import { closeSync, openSync, readSync } from "node:fs";

export interface GgufFacts {
  /** `general.architecture`, e.g. `llama`, `bert`; `null` when the header does not say. */
  readonly architecture: string | null;
  /** `general.type`: `model`, `adapter`, `mmproj`... */
  readonly type: string | null;
  /** `<architecture>.pooling_type`: 0 none, 1 mean, 2 cls, 3 last, 4 rank; `null` when absent. */
  readonly poolingType: number | null;
}

const readBytes = 256 * 1024;
const scalarBytes = [1, 1, 2, 2, 4, 4, 4, 1, -1, -1, 8, 8, 8] as const;
const stringType = 8;
const arrayType = 9;
const uint32Type = 4;

/**
 * Reads the facts that stand in the first 256 KiB; what lies behind a long vocabulary is `null`, and writers put
 * the facts about the architecture before it. `null` when the file does not begin as a GGUF file.
 */
export function readGgufFacts(file: string): GgufFacts | null {
  const bytes = readStart(file);
  if (bytes.length < 24 || bytes.toString("latin1", 0, 4) !== "GGUF") return null;
  const cursor = new Cursor(bytes, 16);
  const facts = new Map<string, string | number>();
  try {
    const count = cursor.uint64();
    for (let index = 0; index < count; index++) {
      const key = cursor.string();
      const type = cursor.uint32();
      if (type === stringType) facts.set(key, cursor.string());
      else if (type === uint32Type) facts.set(key, cursor.uint32());
      else cursor.skip(type);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // The end of what was read: the facts so far stand.
  }
  const text = (key: string): string | null => {
    const value = facts.get(key);
    return typeof value === "string" ? value : null;
  };
  const architecture = text("general.architecture");
  const pooling = facts.get(`${architecture}.pooling_type`);
  return { architecture, type: text("general.type"), poolingType: typeof pooling === "number" ? pooling : null };
}

function readStart(file: string): Buffer {
  const handle = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(readBytes);
    return buffer.subarray(0, readSync(handle, buffer, 0, readBytes, 0));
  } finally {
    closeSync(handle);
  }
}

/** Reads little-endian values one after another; throws RangeError at the end of the bytes. */
class Cursor {
  readonly #bytes: Buffer;
  #offset: number;

  constructor(bytes: Buffer, offset: number) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  uint32(): number {
    const value = this.#bytes.readUInt32LE(this.#offset);
    this.#offset += 4;
    return value;
  }

  uint64(): number {
    const value = this.#bytes.readBigUInt64LE(this.#offset);
    this.#offset += 8;
    return Number(value);
  }

  string(): string {
    const length = this.uint64();
    const start = this.#offset;
    this.#advance(length);
    return this.#bytes.toString("utf8", start, this.#offset);
  }

  skip(type: number): void {
    if (type === stringType) {
      this.#advance(this.uint64());
    } else if (type === arrayType) {
      const element = this.uint32();
      const count = this.uint64();
      const size = scalarBytes[element] ?? -1;
      if (size > 0) this.#advance(size * count);
      else for (let index = 0; index < count; index++) this.skip(element);
    } else {
      const size = scalarBytes[type] ?? -1;
      if (size <= 0) throw new RangeError(`unknown GGUF type ${type}`);
      this.#advance(size);
    }
  }

  #advance(count: number): void {
    if (this.#offset + count > this.#bytes.length) throw new RangeError("end of the header");
    this.#offset += count;
  }
}
