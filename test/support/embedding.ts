// Helpers for tests of the embedding backend: default options, small encoders written to folders, and functions that run a request.
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { OnnxModel } from "../../scripts/build-models/formats/onnx.ts";
import { bertModel, type BertOptions, type BertShape } from "../../scripts/build-models/shapes/bert.ts";
import {
  writeEmbeddingFolder,
  type EmbeddingFolderOptions,
} from "../../scripts/build-models/shapes/embedding-folder.ts";
import { createEmbeddingBackend } from "../../src/backends/embedding/backend.ts";
import type { Backend, BackendContext } from "../../src/domain/backend.ts";
import type { EmbeddingRequest, EmbeddingResult, RerankRequest, RerankResult } from "../../src/domain/embedding.ts";
import type { EmbeddingModelOptions, ModelSpec } from "../../src/domain/model.ts";
import { runBackend } from "./run-backend.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const embeddingDefaults: EmbeddingModelOptions = {
  kind: "embedding",
  modelFile: null,
  precision: "auto",
  pooling: "auto",
  normalize: true,
  queryPrefix: "",
  passagePrefix: "",
  defaultPrefix: "",
  prompts: {},
  tokenIds: "auto",
  maxTokens: 0,
  truncation: "truncate",
  dimensions: 0,
  maxBatchTokens: 512,
  maxPaddingShare: 0.2,
  threads: 1,
  executionProviders: ["cpu"],
  maxQueue: 32,
};

/** The bundled model: 3 layers, 128 wide, vocabulary 2,048. */
export const tinyEmbedFolder = resolve(import.meta.dirname, "../../models/tiny-embed");

/** Small enough to be written and run in milliseconds. The vocabulary is that of the bundled tokenizer. */
export const smallShape: BertShape = {
  layers: 2,
  width: 64,
  heads: 4,
  feedForward: 128,
  vocabulary: 2048,
  positions: 512,
};

export interface OpenOptions {
  readonly options?: Partial<EmbeddingModelOptions>;
  readonly log?: BackendContext["log"];
}

export function openEmbedding(path: string, { options = {}, log = () => {} }: OpenOptions = {}): Promise<Backend> {
  const spec: ModelSpec = {
    id: "test-embedding",
    kind: "embedding",
    path,
    options: { ...embeddingDefaults, ...options },
    createdSeconds: 0,
    ttlMs: 0,
    pinned: false,
    preload: false,
  };
  return createEmbeddingBackend(spec, { cacheDirectory: tmpdir(), signal: new AbortController().signal, log });
}

export function embed(backend: Backend, request: EmbeddingRequest, signal?: AbortSignal): Promise<EmbeddingResult> {
  return only(runBackend(backend, "embedding", request, signal === undefined ? {} : { signal }));
}

export function rerank(backend: Backend, request: RerankRequest): Promise<RerankResult> {
  return only(runBackend(backend, "rerank", request));
}

/** The rows of a result. */
export function rowsOf({ vectors, dimensions }: EmbeddingResult): Float32Array[] {
  return Array.from({ length: vectors.length / dimensions }, (_, i) =>
    vectors.slice(i * dimensions, (i + 1) * dimensions),
  );
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)));
  return largest;
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}

export interface WrittenEncoder {
  readonly folder: string;
  readonly model: OnnxModel;
}

/** Writes encoders into folders of their own. */
export function createEncoderFolders(): {
  readonly write: (options?: Partial<BertOptions>, folder?: Partial<EmbeddingFolderOptions>) => WrittenEncoder;
} {
  const root = temporaryFolder("encoders");
  let count = 0;
  return {
    write(options = {}, folderOptions = {}) {
      const bert: BertOptions = { seed: 7, shape: smallShape, ...options };
      const model = bertModel(bert);
      count += 1;
      const folder = join(root, String(count));
      writeEmbeddingFolder(folder, {
        model,
        shape: bert.shape,
        tokenizer: bundledTokenizer(),
        modelType: bert.family ?? "bert",
        crossEncoder: bert.output === "logits",
        ...folderOptions,
      });
      return { folder, model };
    },
  };
}

/** The bundled model's tokenizer, by file name. */
export function bundledTokenizer(): Map<string, string> {
  return new Map(
    ["tokenizer.json", "tokenizer_config.json"].map((name) => [
      name,
      readFileSync(join(tinyEmbedFolder, name), "utf8"),
    ]),
  );
}

async function only<T>(events: AsyncIterable<T>): Promise<T> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  const [event] = all;
  if (event === undefined || all.length !== 1) throw new Error(`Expected one event, got ${all.length}.`);
  return event;
}
