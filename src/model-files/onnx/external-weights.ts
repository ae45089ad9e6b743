// What a graph weighs, and whether its weights are all there: a graph above 2 GB keeps them in files beside it, whose
// names are written in the graph itself (`model.onnx_data`, `model.onnx.data`, `weights.pb`, ...). Only the protobuf
// fields on the way to those names are read; tensors are skipped in the file.
import { open, stat, type FileHandle } from "node:fs/promises";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { ServerError } from "../../domain/errors.ts";

export interface WeightsOnDisk {
  /** Bytes of the graph and of its external data. */
  readonly bytes: number;
  /** Names of the external files, relative to the graph. */
  readonly externalFiles: readonly string[];
  /** Short hash over sizes, ends and names; changes when the weights do. */
  readonly fingerprint: string;
}

// Field numbers of onnx.proto.
const modelGraph = 7;
const graphInitializer = 5;
const tensorExternalData = 13;
const entryKey = 1;
const entryValue = 2;

/** @throws ServerError `model_load_failed` where a file of external data is missing, naming it */
export async function inspectWeights(path: string): Promise<WeightsOnDisk> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const externalFiles = [...(await externalLocations(file, size))].sort();
    const hash = createHash("sha256");
    let bytes = size;
    await hashEnds(hash, { file, size });
    for (const name of externalFiles) {
      const external = await stat(join(dirname(path), name)).catch(() => undefined);
      if (external === undefined) {
        throw new ServerError(
          "model_load_failed",
          `The weights of ${path} are in '${name}' beside it, which is missing.`,
        );
      }
      bytes += external.size;
      hash.update(`${name} ${external.size}`);
    }
    return { bytes, externalFiles, fingerprint: hash.digest("hex").slice(0, 12) };
  } finally {
    await file.close();
  }
}

async function hashEnds(
  hash: ReturnType<typeof createHash>,
  { file, size }: { readonly file: FileHandle; readonly size: number },
): Promise<void> {
  const windowBytes = 1 << 20;
  hash.update(String(size));
  for (const position of [0, Math.max(0, size - windowBytes)]) {
    const buffer = Buffer.alloc(Math.min(windowBytes, size));
    await file.read(buffer, 0, buffer.length, position);
    hash.update(buffer);
  }
}

async function externalLocations(file: FileHandle, size: number): Promise<Set<string>> {
  const locations = new Set<string>();
  const reader = new FieldReader(file);
  for await (const graph of reader.fields({ start: 0, end: size })) {
    if (graph.number !== modelGraph) continue;
    for await (const initializer of reader.fields(graph)) {
      if (initializer.number !== graphInitializer) continue;
      for await (const entry of reader.fields(initializer)) {
        if (entry.number !== tensorExternalData) continue;
        const strings = new Map<number, string>();
        for await (const field of reader.fields(entry)) strings.set(field.number, await reader.text(field));
        const location = strings.get(entryValue);
        if (strings.get(entryKey) === "location" && location !== undefined) locations.add(location);
      }
    }
  }
  return locations;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

interface Field extends Range {
  readonly number: number;
}

/** Walks the length-delimited fields of a protobuf message in a file, reading through one small window. */
class FieldReader {
  readonly #file: FileHandle;
  readonly #window = Buffer.alloc(64 * 1024);
  #windowStart = 0;
  #windowEnd = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async *fields({ start, end }: Range): AsyncGenerator<Field, void, undefined> {
    let position = start;
    while (position < end) {
      const key = await this.#varint(position);
      position = key.next;
      switch (key.value & 7) {
        case 0:
          position = (await this.#varint(position)).next;
          break;
        case 1:
          position += 8;
          break;
        case 2: {
          const length = await this.#varint(position);
          position = length.next + length.value;
          yield { number: Math.floor(key.value / 8), start: length.next, end: position };
          break;
        }
        case 5:
          position += 4;
          break;
        default:
          throw new ServerError("model_load_failed", "The graph is not an ONNX file: its fields cannot be read.");
      }
    }
  }

  async text({ start, end }: Range): Promise<string> {
    const buffer = Buffer.alloc(end - start);
    await this.#file.read(buffer, 0, buffer.length, start);
    return buffer.toString("utf8");
  }

  async #varint(start: number): Promise<{ value: number; next: number }> {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = await this.#byte(start + i);
      // Not shifted: lengths pass 2^31.
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return { value, next: start + i + 1 };
    }
    throw new ServerError("model_load_failed", "The graph is not an ONNX file: a number in it has no end.");
  }

  async #byte(position: number): Promise<number> {
    if (position < this.#windowStart || position >= this.#windowEnd) {
      const { bytesRead } = await this.#file.read(this.#window, 0, this.#window.length, position);
      if (bytesRead === 0) throw new ServerError("model_load_failed", "The graph is cut off: its file ends too early.");
      this.#windowStart = position;
      this.#windowEnd = position + bytesRead;
    }
    return this.#window[position - this.#windowStart] ?? 0;
  }
}
