// What a graph weighs and which files its weights lie in. A graph above 2 GB keeps them beside it, under a name that is written in
// the graph itself (`model.onnx_data`, `model.onnx.data`, `weights.pb`, or one file per tensor).
import { createHash } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ServerError } from "../../domain/errors.ts";

export interface GraphWeights {
  /** Bytes of the graph itself. */
  readonly graphBytes: number;
  /** Bytes of its external data. */
  readonly externalBytes: number;
  /** Names relative to the graph's folder. */
  readonly externalFiles: readonly string[];
  /** Changes when the weights do: a hash over sizes, names, and both ends of every file. */
  readonly fingerprint: string;
}

// Field numbers of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.external_data, StringStringEntryProto.
const modelGraph = 7;
const graphInitializer = 5;
const tensorExternalData = 13;
const entryKey = 1;
const entryValue = 2;

/** A graph whose weights lie outside holds little but nodes; a larger file holds its weights itself. */
const largestBareGraphBytes = 256 * 2 ** 20;
const hashedEndBytes = 2 ** 20;

/** @throws ServerError `model_load_failed` where the file is no ONNX graph, or a file of its weights is missing */
export async function inspectGraphFile(path: string): Promise<GraphWeights> {
  const { size } = await stat(path);
  const externalFiles = size > largestBareGraphBytes ? [] : externalNames(await readFile(path), path);
  const hash = createHash("sha256");
  let externalBytes = 0;
  await hashEnds(hash, path);
  for (const name of externalFiles) {
    const file = join(dirname(path), name);
    const facts = await stat(file).catch(() => undefined);
    if (facts === undefined) {
      throw new ServerError(
        "model_load_failed",
        `The weights of ${path} lie in '${name}' beside it; that file is missing.`,
      );
    }
    externalBytes += facts.size;
    await hashEnds(hash, file);
  }
  return { graphBytes: size, externalBytes, externalFiles, fingerprint: hash.digest("hex").slice(0, 16) };
}

async function hashEnds(hash: ReturnType<typeof createHash>, path: string): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    hash.update(`${size} `);
    for (const position of [0, Math.max(0, size - hashedEndBytes)]) {
      const buffer = Buffer.alloc(Math.min(hashedEndBytes, size));
      await file.read(buffer, 0, buffer.length, position);
      hash.update(buffer);
    }
  } finally {
    await file.close();
  }
}

function externalNames(bytes: Uint8Array, path: string): string[] {
  const names = new Set<string>();
  try {
    for (const graph of fields(bytes, modelGraph)) {
      for (const tensor of fields(graph, graphInitializer)) {
        for (const entry of fields(tensor, tensorExternalData)) {
          const name = locationOf(entry);
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

function locationOf(entry: Uint8Array): string | undefined {
  const [key] = fields(entry, entryKey);
  const [value] = fields(entry, entryValue);
  const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
  return text(key) === "location" && value !== undefined ? text(value) : undefined;
}

/** The length-delimited fields of that number in a protobuf message, as views. */
function* fields(message: Uint8Array, wanted: number): Generator<Uint8Array, void, undefined> {
  let position = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = message[position++];
      if (byte === undefined) throw new RangeError("it ends inside a number");
      // Not shifted bitwise: lengths pass 2^31.
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number in it has no end");
  };
  while (position < message.length) {
    const key = varint();
    switch (key & 7) {
      case 0:
        varint();
        break;
      case 1:
        position += 8;
        break;
      case 2: {
        const length = varint();
        const end = position + length;
        if (end > message.length) throw new RangeError("it is cut off");
        if (Math.floor(key / 8) === wanted) yield message.subarray(position, end);
        position = end;
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
