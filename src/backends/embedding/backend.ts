// The embeddings backend: one ONNX encoder or cross-encoder, which all requests share by dynamic batching. It runs in a runner's process,
// because the runtime's calls block their thread.
import { availableParallelism } from "node:os";
import { createAdmission, estimateRetryAfterSeconds, type Admission } from "../common/admission.ts";
import { EmbeddingPolicy, type EncodedBody, type InputLength } from "../common/embedding-policy.ts";
import { createBackend, single } from "../common/operation-table.ts";
import { MicroBatcher, type RequestTimings } from "./batching/micro-batcher.ts";
import type { Backend, BackendContext } from "../../domain/backend.ts";
import type { EmbeddingRequest, EmbeddingResult, RerankRequest, RerankResult } from "../../domain/embedding.ts";
import { ServerError } from "../../domain/errors.ts";
import type { EmbeddingModelOptions, ModelSpec } from "../../domain/model.ts";
import { encodeBody, encodePair, type EncodedText } from "./text/encode-text.ts";
import { embedTexts, scorePairs } from "./encoder.ts";
import { loadEncoder, type LoadedEncoder } from "./load-encoder.ts";
import { createTimeSlices, yieldToEvents } from "../../util/time-slice.ts";

/** One text to evaluate, and the receiver of its result. */
interface Job {
  readonly text: EncodedText;
  /** Takes the vector, or the one score; the array is valid during the call only. */
  readonly deliver: (values: ArrayLike<number>) => void;
}

/**
 * Loads the folder at `spec.path`.
 * @throws ServerError `model_load_failed` saying what was expected and what was found
 */
export async function createEmbeddingBackend(spec: ModelSpec, context: BackendContext): Promise<Backend> {
  const { options } = spec;
  if (options.kind !== "embedding") {
    throw new ServerError("model_load_failed", `The model '${spec.id}' is not configured as an embedding model.`);
  }
  const threads = options.threads > 0 ? options.threads : availableParallelism();
  const encoder = await loadEncoder(spec.path, { options, threads, context });
  const service = new EncoderService({ encoder, options });
  return createBackend(encoder.description, {
    handlers: encoder.isCrossEncoder
      ? { rerank: single((request, signal) => service.rerank(request, signal)) }
      : { embedding: single((request, signal) => service.embed(request, signal)) },
    dispose: () => service.dispose(),
  });
}

/** Answers requests for vectors or scores, all of them through one queue of micro-batches. */
class EncoderService {
  readonly #encoder: LoadedEncoder;
  readonly #policy: EmbeddingPolicy;
  readonly #batcher: MicroBatcher<Job>;
  readonly #admission: Admission;

  constructor({ encoder, options }: { readonly encoder: LoadedEncoder; readonly options: EmbeddingModelOptions }) {
    this.#encoder = encoder;
    const { tokenizer, maxTokens, vocabularySize } = encoder.encoding;
    const { dimensions } = encoder;
    this.#policy = new EmbeddingPolicy({
      options,
      maxTokens,
      dimensions,
      vocabularySize,
      ...tokenizer.single,
      encode: (text) => tokenizer.encode(text),
    });
    this.#batcher = new MicroBatcher<Job>({
      limits: { maxBatchTokens: options.maxBatchTokens, maxPaddingShare: options.maxPaddingShare },
      evaluate: (jobs) => this.#evaluate(jobs),
      now: () => performance.now(),
      yieldToEvents,
    });
    this.#admission = createAdmission({
      running: 1,
      maxQueue: options.maxQueue,
      retryAfterSeconds: () => estimateRetryAfterSeconds(this.#batcher),
    });
  }

  async embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingResult> {
    const leave = this.#admission.enter(signal);
    try {
      return await this.#embed(request, signal);
    } finally {
      leave();
    }
  }

  async rerank(request: RerankRequest, signal: AbortSignal): Promise<RerankResult> {
    const leave = this.#admission.enter(signal);
    try {
      return await this.#rerank(request, signal);
    } finally {
      leave();
    }
  }

  async dispose(): Promise<void> {
    await this.#batcher.close();
    await this.#encoder.graph.release();
  }

  async #embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingResult> {
    const { inputs, inputType, truncate } = request;
    const settings = this.#encoder.encoding;
    const dimensions = this.#policy.resolveDimensions(request);
    const slices = createTimeSlices(signal);
    const encodeText = (text: string, { limit, truncation }: InputLength): Promise<EncodedBody> =>
      encodeBody(text, { limit, settings: { ...settings, truncation }, slices });
    const vectors = new Float32Array(inputs.length * dimensions);
    const jobs: Job[] = [];
    for (const [index, input] of inputs.entries()) {
      const ids = Int32Array.from(await this.#policy.readInput(input, { index, inputType, truncate, encodeText }));
      jobs.push({
        text: { ids, secondAt: ids.length },
        deliver: (values) => {
          for (let i = 0; i < dimensions; i++) vectors[index * dimensions + i] = values[i] ?? 0;
        },
      });
    }
    const tokenizeMs = slices.workMs();
    const timings = await this.#submit(jobs, signal);
    return {
      vectors: this.#policy.finish(vectors, dimensions),
      dimensions,
      promptTokens: countTokens(jobs),
      timings: { tokenizeMs, ...timings },
    };
  }

  async #rerank({ query, documents }: RerankRequest, signal: AbortSignal): Promise<RerankResult> {
    if (query === "") {
      throw new ServerError("invalid_value", { message: "query must not be empty.", param: "query" });
    }
    if (documents.length === 0) {
      throw new ServerError("invalid_value", { message: "documents must not be empty.", param: "documents" });
    }
    const slices = createTimeSlices(signal);
    const settings = this.#encoder.encoding;
    const { ids } = await encodeBody(query, { limit: settings.maxTokens, settings, slices });
    const scores = documents.map(() => 0);
    const jobs: Job[] = [];
    for (const [index, document] of documents.entries()) {
      const text = await encodePair(ids, { document, index, settings, slices });
      jobs.push({
        text,
        deliver: (values) => {
          scores[index] = values[0] ?? 0;
        },
      });
    }
    const tokenizeMs = slices.workMs();
    const timings = await this.#submit(jobs, signal);
    return { scores, promptTokens: countTokens(jobs), timings: { tokenizeMs, ...timings } };
  }

  #submit(jobs: readonly Job[], signal: AbortSignal): Promise<RequestTimings> {
    return this.#batcher.submit(
      jobs.map((job) => ({ tokens: job.text.ids.length, item: job })),
      signal,
    );
  }

  async #evaluate(jobs: readonly Job[]): Promise<void> {
    const { graph, pooling, isCrossEncoder } = this.#encoder;
    const texts = jobs.map((job) => job.text);
    if (isCrossEncoder) {
      const scores = await scorePairs(texts, graph);
      for (const [row, job] of jobs.entries()) job.deliver([scores[row] ?? 0]);
      return;
    }
    const { vectors, dimensions } = await embedTexts(texts, { graph, pooling });
    for (const [row, job] of jobs.entries()) {
      job.deliver(vectors.subarray(row * dimensions, (row + 1) * dimensions));
    }
  }
}

function countTokens(jobs: readonly Job[]): number {
  return jobs.reduce((sum, job) => sum + job.text.ids.length, 0);
}
