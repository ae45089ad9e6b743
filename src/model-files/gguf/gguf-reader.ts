// Reads the head of a GGUF file without trusting it: every length is held against what the file still has, before anything is
// allocated or walked. Big arrays such as the vocabulary are stepped over. Format: ggml's docs/gguf.md.
import { open, type FileHandle } from "node:fs/promises";

export type GgufScalar = string | number | bigint | boolean;

export interface GgufHead {
  /** Single values by key; arrays are in {@link arrayLengths}. */
  readonly values: ReadonlyMap<string, GgufScalar>;
  readonly arrayLengths: ReadonlyMap<string, number>;
  /** Number of elements by ggml tensor type. */
  readonly elementsByType: ReadonlyMap<number, number>;
}

/** What is wrong with the file, as the end of a sentence. */
export class GgufFormatError extends Error {}

/** Far above any real model; a head that claims more would only exhaust memory. */
const maximumTensors = 200_000;
const maximumEntries = 100_000;
const maximumKeyBytes = 65_535;
const maximumStringBytes = 16 * 1024 * 1024;
const maximumArrayDepth = 3;
const maximumDimensions = 4;

const type = { boolean: 7, string: 8, array: 9 };

/** Bytes of a value by type; 0 = of variable length, `undefined` = no such type. */
const valueBytes: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

/** @throws GgufFormatError */
export async function readGgufHead(path: string, sizeBytes: number): Promise<GgufHead> {
  const handle = await open(path, "r");
  try {
    return await readHead(new BoundedReader(handle, sizeBytes));
  } finally {
    await handle.close();
  }
}

async function readHead(reader: BoundedReader): Promise<GgufHead> {
  if (reader.remaining < 24 || (await reader.take(4)).toString("latin1") !== "GGUF") {
    throw new GgufFormatError("it is not a GGUF file");
  }
  const version = (await reader.take(4)).readUInt32LE();
  if (version !== 2 && version !== 3) {
    throw new GgufFormatError(`it is GGUF version ${version}; versions 2 and 3 are supported`);
  }
  const tensors = await reader.count({ maximum: maximumTensors, bytesEach: 24, what: "tensors" });
  const entries = await reader.count({ maximum: maximumEntries, bytesEach: 13, what: "metadata entries" });
  const values = new Map<string, GgufScalar>();
  const arrayLengths = new Map<string, number>();
  for (let index = 0; index < entries; index += 1) {
    const key = await reader.string(maximumKeyBytes);
    const valueType = (await reader.take(4)).readUInt32LE();
    if (valueType === type.array) arrayLengths.set(key, await skipArray(reader, 1));
    else values.set(key, await readValue(reader, valueType));
  }
  const elementsByType = await readTensors(reader, tensors);
  return { values, arrayLengths, elementsByType };
}

async function readValue(reader: BoundedReader, valueType: number): Promise<GgufScalar> {
  if (valueType === type.string) return reader.string(maximumStringBytes);
  const bytes = await reader.take(bytesOf(valueType));
  switch (valueType) {
    case 0:
      return bytes.readUInt8();
    case 1:
      return bytes.readInt8();
    case 2:
      return bytes.readUInt16LE();
    case 3:
      return bytes.readInt16LE();
    case 4:
      return bytes.readUInt32LE();
    case 5:
      return bytes.readInt32LE();
    case 6:
      return bytes.readFloatLE();
    case type.boolean:
      return bytes.readUInt8() !== 0;
    case 10:
      return bytes.readBigUInt64LE();
    case 11:
      return bytes.readBigInt64LE();
    default:
      return bytes.readDoubleLE();
  }
}

/** Steps over an array and answers its length. */
async function skipArray(reader: BoundedReader, depth: number): Promise<number> {
  if (depth > maximumArrayDepth) throw new GgufFormatError("its metadata holds arrays within arrays");
  const elementType = (await reader.take(4)).readUInt32LE();
  const isVariable = elementType === type.string || elementType === type.array;
  const bytesEach = elementType === type.string ? 8 : elementType === type.array ? 12 : bytesOf(elementType);
  const length = await reader.count({ maximum: Number.MAX_SAFE_INTEGER, bytesEach, what: "array elements" });
  if (!isVariable) {
    reader.skip(length * bytesEach);
    return length;
  }
  for (let index = 0; index < length; index += 1) {
    if (elementType === type.string) await reader.skipString();
    else await skipArray(reader, depth + 1);
  }
  return length;
}

async function readTensors(reader: BoundedReader, tensors: number): Promise<Map<number, number>> {
  const elementsByType = new Map<number, number>();
  for (let index = 0; index < tensors; index += 1) {
    const name = await reader.string(maximumKeyBytes);
    const dimensions = (await reader.take(4)).readUInt32LE();
    if (dimensions > maximumDimensions) throw new GgufFormatError(`its tensor '${name}' has ${dimensions} dimensions`);
    const shape = await reader.take(dimensions * 8);
    let elements = 1;
    for (let axis = 0; axis < dimensions; axis += 1) elements *= Number(shape.readBigUInt64LE(axis * 8));
    const tail = await reader.take(12);
    const tensorType = tail.readUInt32LE();
    if (tail.readBigUInt64LE(4) > BigInt(reader.sizeBytes)) {
      throw new GgufFormatError(`it is cut off: its tensor '${name}' begins behind its end`);
    }
    elementsByType.set(tensorType, (elementsByType.get(tensorType) ?? 0) + elements);
  }
  return elementsByType;
}

function bytesOf(valueType: number): number {
  const bytes = valueBytes[valueType];
  if (bytes === undefined) throw new GgufFormatError(`its metadata has a value of the unknown type ${valueType}`);
  return bytes;
}

const windowBytes = 1024 * 1024;

/** Reads forward through a file in large pieces and never past its end. */
class BoundedReader {
  readonly #handle: FileHandle;
  readonly sizeBytes: number;
  #window = Buffer.alloc(0);
  #windowStart = 0;
  #position = 0;

  constructor(handle: FileHandle, sizeBytes: number) {
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  get remaining(): number {
    return this.sizeBytes - this.#position;
  }

  async take(length: number): Promise<Buffer> {
    if (length > this.remaining) throw new GgufFormatError("it is cut off within its head");
    const offset = this.#position - this.#windowStart;
    if (offset + length > this.#window.length) await this.#refill(length);
    const start = this.#position - this.#windowStart;
    this.#position += length;
    return this.#window.subarray(start, start + length);
  }

  skip(length: number): void {
    if (length > this.remaining) throw new GgufFormatError("it is cut off within its head");
    this.#position += length;
  }

  /** A count of things that take at least `bytesEach` bytes: more than the file can hold is refused at once. */
  async count({ maximum, bytesEach, what }: { maximum: number; bytesEach: number; what: string }): Promise<number> {
    const count = (await this.take(8)).readBigUInt64LE();
    if (count > BigInt(maximum) || count * BigInt(bytesEach) > BigInt(this.remaining)) {
      throw new GgufFormatError(`its head claims ${count} ${what}, more than it can hold`);
    }
    return Number(count);
  }

  async string(maximumBytes: number): Promise<string> {
    const length = await this.count({ maximum: maximumBytes, bytesEach: 1, what: "bytes of one text" });
    return (await this.take(length)).toString("utf8");
  }

  async skipString(): Promise<void> {
    this.skip(await this.count({ maximum: maximumStringBytes, bytesEach: 1, what: "bytes of one text" }));
  }

  async #refill(length: number): Promise<void> {
    const wanted = Math.min(Math.max(length, windowBytes), this.remaining);
    const window = Buffer.alloc(wanted);
    const { bytesRead } = await this.#handle.read(window, 0, wanted, this.#position);
    if (bytesRead < length) throw new GgufFormatError("it is cut off within its head");
    this.#window = window.subarray(0, bytesRead);
    this.#windowStart = this.#position;
  }
}
