// Finds the size of a graph's weights and the files that hold them. A graph above 2 GB keeps its weights in files beside it, whose
// names are in the graph (`model.onnx_data`, `model.onnx.data`, `weights.pb`, or one file per tensor). Only the protobuf fields on the
// way to those names are read; tensors are skipped in the file, whatever their size.
import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ServerError } from "../../domain/errors.ts";

export interface GraphWeights {
  /** Bytes of the graph itself. */
  readonly graphBytes: number;
  /** Bytes of its external data. */
  readonly externalBytes: number;
  /** Names relative to the graph's folder. */
  readonly externalFiles: readonly string[];
  /** Hash over the size and both ends (1 MiB each) of every file. */
  readonly fingerprint: string;
}

// Field numbers of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.external_data, StringStringEntryProto.
const modelGraph = 7;
const graphInitializer = 5;
const tensorExternalData = 13;
const entryKey = 1;
const entryValue = 2;

const hashedEndBytes = 2 ** 20;
const windowBytes = 64 * 1024;
const longestNameBytes = 4096;

/** @throws ServerError `model_load_failed` where the file is no ONNX graph, or a file of its weights is missing */
export function inspectGraphFile(path: string): GraphWeights {
  const hash = createHash("sha256");
  const { bytes: graphBytes, names: externalFiles } = withFile(path, (file, size) => {
    hashEnds(hash, { file, size });
    return { bytes: size, names: externalNames(file, { size, path }) };
  });
  let externalBytes = 0;
  for (const name of externalFiles) {
    const beside = join(dirname(path), name);
    if (statSync(beside, { throwIfNoEntry: false }) === undefined) {
      throw new ServerError(
        "model_load_failed",
        `The weights of ${path} lie in '${name}' beside it; that file is missing.`,
      );
    }
    externalBytes += withFile(beside, (file, size) => {
      hashEnds(hash, { file, size });
      return size;
    });
  }
  return { graphBytes, externalBytes, externalFiles, fingerprint: hash.digest("hex").slice(0, 16) };
}

/**
 * The files in which a graph keeps its weights, by their names relative to its folder, whether or not they are there.
 * @throws ServerError `model_load_failed` where the file is no ONNX graph
 */
export function inspectGraphNames(path: string): readonly string[] {
  return withFile(path, (file, size) => externalNames(file, { size, path }));
}

function withFile<T>(path: string, use: (file: number, size: number) => T): T {
  const file = openSync(path, "r");
  try {
    return use(file, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

function hashEnds(hash: Hash, { file, size }: { readonly file: number; readonly size: number }): void {
  hash.update(`${size} `);
  for (const position of [0, Math.max(0, size - hashedEndBytes)]) {
    const buffer = Buffer.alloc(Math.min(hashedEndBytes, size));
    readSync(file, buffer, 0, buffer.length, position);
    hash.update(buffer);
  }
}

function externalNames(file: number, { size, path }: { readonly size: number; readonly path: string }): string[] {
  const names = new Set<string>();
  const reader = new FieldReader(file);
  try {
    for (const graph of reader.fields({ start: 0, end: size }, modelGraph)) {
      for (const tensor of reader.fields(graph, graphInitializer)) {
        for (const entry of reader.fields(tensor, tensorExternalData)) {
          const name = locationOf(reader, entry);
          if (name !== undefined) names.add(name);
        }
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ServerError("model_load_failed", `${path} is not an ONNX graph: ${error.message}.`, { cause: error });
  }
  return [...names].sort();
}

function locationOf(reader: FieldReader, entry: Range): string | undefined {
  const [key] = reader.fields(entry, entryKey);
  const [value] = reader.fields(entry, entryValue);
  if (key === undefined || value === undefined || reader.text(key) !== "location") return undefined;
  return reader.text(value);
}

/** Positions in the file of a message or of a field. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Reads protobuf messages from a file, 64 KiB at a time. @throws RangeError where the bytes are no message */
class FieldReader {
  readonly #file: number;
  readonly #window = Buffer.alloc(windowBytes);
  #windowStart = 0;
  #windowEnd = 0;

  constructor(file: number) {
    this.#file = file;
  }

  /** The length-delimited fields with the number `wanted`. */
  *fields({ start, end }: Range, wanted: number): Generator<Range, void, undefined> {
    let position = start;
    while (position < end) {
      const key = this.#varint(position);
      position = key.next;
      switch (key.value & 7) {
        case 0:
          position = this.#varint(position).next;
          break;
        case 1:
          position += 8;
          break;
        case 2: {
          const length = this.#varint(position);
          position = length.next + length.value;
          if (position > end) throw new RangeError("it is cut off");
          if (Math.floor(key.value / 8) === wanted) yield { start: length.next, end: position };
          break;
        }
        case 5:
          position += 4;
          break;
        default:
          throw new RangeError("its fields cannot be read");
      }
    }
  }

  text({ start, end }: Range): string {
    if (end - start > longestNameBytes) throw new RangeError("a name in it is too long");
    const buffer = Buffer.alloc(end - start);
    readSync(this.#file, buffer, 0, buffer.length, start);
    return buffer.toString("utf8");
  }

  #varint(start: number): { readonly value: number; readonly next: number } {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte(start + i);
      // Multiplied, as a bitwise shift would overflow: lengths pass 2^31.
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return { value, next: start + i + 1 };
    }
    throw new RangeError("a number in it has no end");
  }

  #byte(position: number): number {
    if (position < this.#windowStart || position >= this.#windowEnd) {
      const read = readSync(this.#file, this.#window, 0, windowBytes, position);
      if (read === 0) throw new RangeError("it ends inside a number");
      this.#windowStart = position;
      this.#windowEnd = position + read;
    }
    return this.#window[position - this.#windowStart]!;
  }
}
