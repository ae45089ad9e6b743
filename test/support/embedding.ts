// Helpers for tests of the embedding backend: default options and functions that run a request.
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { createEmbeddingBackend } from "../../src/backends/embedding/backend.ts";
import type { Backend, BackendContext } from "../../src/domain/backend.ts";
import type { DeviceServices } from "../../src/domain/device.ts";
import type { EmbeddingRequest, EmbeddingResult, RerankRequest, RerankResult } from "../../src/domain/embedding.ts";
import type { EmbeddingModelOptions, ModelSpec } from "../../src/domain/model.ts";
import { runBackend } from "./run-backend.ts";

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

export interface OpenOptions {
  readonly options?: Partial<EmbeddingModelOptions>;
  readonly log?: BackendContext["log"];
  readonly devices?: DeviceServices;
  /** What was found out about devices is kept there. @default a folder for all */
  readonly cacheDirectory?: string;
}

export function openEmbedding(
  path: string,
  { options = {}, log = () => {}, devices, cacheDirectory = tmpdir() }: OpenOptions = {},
): Promise<Backend> {
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
  return createEmbeddingBackend(spec, {
    cacheDirectory,
    memoryBudgetBytes: Infinity,
    signal: new AbortController().signal,
    log,
    ...(devices === undefined ? {} : { devices }),
  });
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

async function only<T>(events: AsyncIterable<T>): Promise<T> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  const [event] = all;
  if (event === undefined || all.length !== 1) throw new Error(`Expected one event, got ${all.length}.`);
  return event;
}
