// The model and the texts of the embedding benchmarks. The model has the published sizes of e5-small-v2 and random weights: speed does not
// depend on their values, so nothing has to be downloaded.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { bertModel, bertShapes } from "../build-models/shapes/bert.ts";
import { writeEmbeddingFolder } from "../build-models/shapes/embedding-folder.ts";
import { createEmbeddingBackend } from "../../src/backends/embedding/backend.ts";
import type { Backend } from "../../src/domain/backend.ts";
import type { EmbeddingResult, EncoderTimings } from "../../src/domain/embedding.ts";
import type { EmbeddingModelOptions } from "../../src/domain/model.ts";
import { pullEvents } from "../../src/util/event-queue.ts";

const root = resolve(import.meta.dirname, "../..");
const shape = bertShapes["e5-small"];
const seed = 384;

export type BenchPrecision = "fp32" | "int8";

/** Folder with `onnx/model.onnx` and `onnx/model_int8.onnx`, written once into `.bench/`. */
export function benchModelFolder(): string {
  const folder = join(root, ".bench", "e5-small-random");
  const tokenizer = tokenizerFiles();
  for (const [fileName, int8] of [
    ["model.onnx", false],
    ["model_int8.onnx", true],
  ] as const) {
    if (existsSync(join(folder, "onnx", fileName))) continue;
    writeEmbeddingFolder(folder, {
      model: bertModel({ seed, shape, int8 }),
      shape,
      tokenizer,
      fileName,
    });
  }
  return folder;
}

/** The published tokenizer of e5-small's family if it is on this machine, else the bundled model's. */
function tokenizerFiles(): Map<string, string> {
  const candidates = [resolve(root, "../shared/models/bert-uncased-tokenizer"), join(root, "models/tiny-embed")];
  const folder = candidates.find((candidate) => existsSync(join(candidate, "tokenizer.json")));
  if (folder === undefined) throw new Error(`No tokenizer in ${candidates.join(" or ")}.`);
  return new Map(
    ["tokenizer.json", "tokenizer_config.json"].map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}

export interface TextMix {
  readonly count: number;
  readonly seed: number;
  readonly medianWords: number;
  readonly maxWords: number;
}

/** Texts of log-normal length (sigma 0.8: search queries and paragraphs mixed). Each word is one token of the vocabulary. */
export function mixedTexts({ count, seed, medianWords, maxWords }: TextMix): string[] {
  const next = createUniform(seed);
  const words = vocabularyWords();
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const length = Math.max(3, Math.min(maxWords, Math.round(medianWords * Math.exp(0.8 * normal))));
    return Array.from({ length }, () => words[Math.floor(next() * words.length)]).join(" ");
  });
}

function vocabularyWords(): string[] {
  const { model } = JSON.parse(tokenizerFiles().get("tokenizer.json") ?? "{}") as {
    model: { vocab: Record<string, number> };
  };
  return Object.keys(model.vocab).filter((token) => /^[a-z]{3,}$/.test(token));
}

/** A generator of numbers in [0, 1) (Mulberry32): good enough for lengths and words, and the same on every machine. */
export function createUniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value = (value + Math.imul(value ^ (value >>> 7), value | 61)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface OpenBenchOptions extends Partial<EmbeddingModelOptions> {
  readonly precision: BenchPrecision;
  readonly threads: number;
}

export function openBenchBackend(folder: string, options: OpenBenchOptions): Promise<Backend> {
  return createEmbeddingBackend(
    {
      id: "bench",
      kind: "embedding",
      path: folder,
      options: {
        kind: "embedding",
        modelFile: null,
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
        maxPaddingShare: 0.1,
        executionProviders: ["cpu"],
        maxQueue: 64,
        ...options,
      },
      createdSeconds: 0,
      ttlMs: 0,
      pinned: false,
      preload: false,
    },
    {
      cacheDirectory: join(root, ".bench"),
      memoryBudgetBytes: Infinity,
      signal: new AbortController().signal,
      log: () => {},
    },
  );
}

/** Embeds `texts` as one request. */
export async function embedOnce(
  backend: Backend,
  texts: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<EncoderTimings> {
  let timings: EncoderTimings | undefined;
  const request = { inputs: texts };
  for await (const result of pullEvents<EmbeddingResult>((call) => backend.run("embedding", request, call), {
    window: 1,
    signal,
  })) {
    timings = result.timings;
  }
  if (timings === undefined) throw new Error("The backend gave no result.");
  return timings;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
