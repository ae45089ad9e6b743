// Finds the size of a graph's weights and the files that hold them. A graph above 2 GB keeps its weights in files beside it, whose
// names are in the graph (`model.onnx_data`, `model.onnx.data`, `weights.pb`, or one file per tensor). Only the protobuf fields on the
// way to those names are read; tensors are skipped in the file, whatever their size.
import { createHash, type Hash } from "node:crypto";
import { readSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ServerError } from "../../domain/errors.ts";
import { FieldReader, notAGraph, withFile, type Range } from "./field-reader.ts";

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
    throw notAGraph(error, path);
  }
  return [...names].sort();
}

function locationOf(reader: FieldReader, entry: Range): string | undefined {
  const [key] = reader.fields(entry, entryKey);
  const [value] = reader.fields(entry, entryValue);
  if (key === undefined || value === undefined || reader.text(key) !== "location") return undefined;
  return reader.text(value);
}
