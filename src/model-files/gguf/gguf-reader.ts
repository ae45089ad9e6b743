// Reads the head of a GGUF file (format: ggml's docs/gguf.md) without trusting it: every length is checked against the rest of the
// file before anything is allocated or read. Arrays such as the vocabulary are skipped, and the weights are never read. Reading is
// synchronous: the configuration reads heads before the server runs, a runner before it serves any call.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

export type GgufScalar = string | number | bigint | boolean;

export interface GgufHead {
  /** Single values by key; arrays are in {@link arrayLengths}. */
  readonly values: ReadonlyMap<string, GgufScalar>;
  readonly arrayLengths: ReadonlyMap<string, number>;
  /** Number of elements by ggml tensor type. */
  readonly elementsByType: ReadonlyMap<number, number>;
}

/** The file breaks the format. The message completes "The model file cannot be loaded: ...". */
export class GgufFormatError extends Error {}

// Limits far above any real model. A head that claims more would only exhaust memory.
const maximumTensors = 200_000;
const maximumEntries = 100_000;
const maximumKeyBytes = 65_535;
const maximumStringBytes = 16 * 1024 * 1024;
const maximumArrayDepth = 3;
const maximumDimensions = 4;

const type = { boolean: 7, string: 8, array: 9 };

/** Bytes of a value by its type number; 0 = of variable length. */
const valueBytes: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

/** Bytes read at a time, and the most that {@link peekGgufValues} reads. */
const windowBytes = 256 * 1024;

/** Reads the whole head. @throws GgufFormatError */
export function readGgufHead(path: string): GgufHead {
  return withReader(path, {}, (reader) => {
    const { tensors, entries } = readCounts(reader);
    const values = new Map<string, GgufScalar>();
    const arrayLengths = new Map<string, number>();
    readEntries(reader, { entries, values, arrayLengths });
    return { values, arrayLengths, elementsByType: readTensors(reader, tensors) };
  });
}

/**
 * The single values within the first 256 KiB; `undefined` where the file does not begin as GGUF. They are enough to tell a chat model,
 * an embedding model and a file that is no model apart, as writers put the facts of the architecture before the vocabulary. Whatever is
 * broken after that is reported when the model is loaded.
 */
export function peekGgufValues(path: string): ReadonlyMap<string, GgufScalar> | undefined {
  return withReader(path, { readableBytes: windowBytes }, (reader) => {
    if (!beginsAsGguf(reader)) return undefined;
    const values = new Map<string, GgufScalar>();
    try {
      readEntries(reader, { entries: readCounts(reader).entries, values, arrayLengths: new Map() });
    } catch (error) {
      // The 256 KiB are over, or the head is broken: the values before that are good.
      if (!(error instanceof GgufFormatError)) throw error;
    }
    return values;
  });
}

const magic = "GGUF";
/** Magic, version, and two counts. */
const shortestFileBytes = 24;

function beginsAsGguf(reader: BoundedReader): boolean {
  return reader.sizeBytes >= shortestFileBytes && reader.peek(magic.length) === magic;
}

function readCounts(reader: BoundedReader): { readonly tensors: number; readonly entries: number } {
  if (!beginsAsGguf(reader)) throw new GgufFormatError("it is not a GGUF file");
  reader.skip(magic.length);
  const version = reader.take(4).readUInt32LE();
  if (version !== 2 && version !== 3) {
    throw new GgufFormatError(`it is GGUF version ${version}; versions 2 and 3 are supported`);
  }
  const tensors = reader.count({ maximum: maximumTensors, bytesEach: 24, what: "tensors" });
  const entries = reader.count({ maximum: maximumEntries, bytesEach: 13, what: "metadata entries" });
  return { tensors, entries };
}

function readEntries(
  reader: BoundedReader,
  {
    entries,
    values,
    arrayLengths,
  }: {
    readonly entries: number;
    readonly values: Map<string, GgufScalar>;
    readonly arrayLengths: Map<string, number>;
  },
): void {
  for (let index = 0; index < entries; index += 1) {
    const key = reader.string(maximumKeyBytes);
    const valueType = reader.take(4).readUInt32LE();
    if (valueType === type.array) arrayLengths.set(key, skipArray(reader, 1));
    else values.set(key, readValue(reader, valueType));
  }
}

function readValue(reader: BoundedReader, valueType: number): GgufScalar {
  if (valueType === type.string) return reader.string(maximumStringBytes);
  const bytes = reader.take(bytesOf(valueType));
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

/** Skips an array and returns its length. */
function skipArray(reader: BoundedReader, depth: number): number {
  if (depth > maximumArrayDepth) throw new GgufFormatError("its metadata holds arrays within arrays");
  const elementType = reader.take(4).readUInt32LE();
  const isVariable = elementType === type.string || elementType === type.array;
  const bytesEach = elementType === type.string ? 8 : elementType === type.array ? 12 : bytesOf(elementType);
  const length = reader.count({ maximum: Number.MAX_SAFE_INTEGER, bytesEach, what: "array elements" });
  if (!isVariable) {
    reader.skip(length * bytesEach);
    return length;
  }
  for (let index = 0; index < length; index += 1) {
    if (elementType === type.string) reader.skipString();
    else skipArray(reader, depth + 1);
  }
  return length;
}

function readTensors(reader: BoundedReader, tensors: number): Map<number, number> {
  const elementsByType = new Map<number, number>();
  for (let index = 0; index < tensors; index += 1) {
    const name = reader.string(maximumKeyBytes);
    const dimensions = reader.take(4).readUInt32LE();
    if (dimensions > maximumDimensions) throw new GgufFormatError(`its tensor '${name}' has ${dimensions} dimensions`);
    const shape = reader.take(dimensions * 8);
    let elements = 1;
    for (let axis = 0; axis < dimensions; axis += 1) elements *= Number(shape.readBigUInt64LE(axis * 8));
    const tail = reader.take(12);
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

function withReader<T>(
  path: string,
  { readableBytes = Infinity }: { readonly readableBytes?: number },
  read: (reader: BoundedReader) => T,
): T {
  const file = openSync(path, "r");
  try {
    return read(new BoundedReader(file, { sizeBytes: fstatSync(file).size, readableBytes }));
  } finally {
    closeSync(file);
  }
}

/** Reads a file forwards, in pieces of 256 KiB and never past its end. */
class BoundedReader {
  readonly sizeBytes: number;
  readonly #file: number;
  readonly #end: number;
  #window = Buffer.alloc(0);
  #windowStart = 0;
  #position = 0;

  /** Reading ends after `readableBytes`, as if the file were cut off there. */
  constructor(
    file: number,
    { sizeBytes, readableBytes }: { readonly sizeBytes: number; readonly readableBytes: number },
  ) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
    this.#end = Math.min(sizeBytes, readableBytes);
  }

  /** The next bytes as Latin-1, without moving past them. */
  peek(length: number): string {
    const text = this.take(length).toString("latin1");
    this.#position -= length;
    return text;
  }

  take(length: number): Buffer {
    this.#assertReadable(length);
    if (this.#position < this.#windowStart || this.#position + length > this.#windowStart + this.#window.length) {
      this.#refill(length);
    }
    const start = this.#position - this.#windowStart;
    this.#position += length;
    return this.#window.subarray(start, start + length);
  }

  skip(length: number): void {
    this.#assertReadable(length);
    this.#position += length;
  }

  /** Reads a count of items of at least `bytesEach` bytes. @throws GgufFormatError where it is above `maximum` or the file is too short */
  count({ maximum, bytesEach, what }: { maximum: number; bytesEach: number; what: string }): number {
    const count = this.take(8).readBigUInt64LE();
    if (count > BigInt(maximum) || count * BigInt(bytesEach) > BigInt(this.sizeBytes - this.#position)) {
      throw new GgufFormatError(`its head claims ${count} ${what}, more than it can hold`);
    }
    return Number(count);
  }

  string(maximumBytes: number): string {
    const length = this.count({ maximum: maximumBytes, bytesEach: 1, what: "bytes of one text" });
    return this.take(length).toString("utf8");
  }

  skipString(): void {
    this.skip(this.count({ maximum: maximumStringBytes, bytesEach: 1, what: "bytes of one text" }));
  }

  #assertReadable(length: number): void {
    if (this.#position + length > this.#end) throw new GgufFormatError("it is cut off within its head");
  }

  #refill(length: number): void {
    const wanted = Math.min(Math.max(length, windowBytes), this.#end - this.#position);
    const window = Buffer.alloc(wanted);
    const read = readSync(this.#file, window, 0, wanted, this.#position);
    if (read < length) throw new GgufFormatError("it is cut off within its head");
    this.#window = window.subarray(0, read);
    this.#windowStart = this.#position;
  }
}
