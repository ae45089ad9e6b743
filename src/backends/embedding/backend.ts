// The embeddings backend: one ONNX encoder or cross-encoder, which all requests share by dynamic batching. It runs in a runner's process,
// because the runtime's calls block their thread.
import { availableParallelism } from "node:os";
import { createAdmission, estimateRetryAfterSeconds, type Admission } from "../common/admission.ts";
import { EmbeddingPolicy, type InputContext } from "../common/embedding-policy.ts";
import { createBackend, single } from "../common/operation-table.ts";
import { MicroBatcher, type RequestTimings } from "./batching/micro-batcher.ts";
import type { Backend, BackendContext } from "../../domain/backend.ts";
import type { EmbeddingRequest, EmbeddingResult, RerankRequest, RerankResult } from "../../domain/embedding.ts";
import { ServerError } from "../../domain/errors.ts";
import type { EmbeddingModelOptions, ModelSpec } from "../../domain/model.ts";
import { encodeBody, encodePair, encodeQuery, type EncodedText } from "./text/encode-text.ts";
import { finishScore } from "./head/encoder-head.ts";
import { loadEncoder, type LoadedEncoder } from "./load-encoder.ts";
import { createTimeSlices, yieldToEvents } from "../../util/time-slice.ts";

/** One text to evaluate, and the receiver of its result. */
interface Job {
  readonly text: EncodedText;
  /** Takes the vector, or the one score; the array is valid during the call only. */
  readonly deliver: (values: Float32Array) => void;
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
    handlers:
      encoder.scoreRule !== undefined
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
    const { inputs } = request;
    const settings = this.#encoder.encoding;
    const dimensions = this.#policy.resolveDimensions(request);
    const slices = createTimeSlices(signal);
    const encodeText: InputContext["encodeText"] = (text, { limit, truncation, trusted }) =>
      encodeBody(text, { limit, settings: { ...settings, truncation }, slices, trusted });
    const vectors = new Float32Array(inputs.length * dimensions);
    const jobs: Job[] = [];
    for (const [index, input] of inputs.entries()) {
      const read = await this.#policy.readInput(input, { index, request, encodeText });
      const ids = Int32Array.from(read.ids);
      jobs.push({
        text: { ids, secondAt: ids.length, promptTokens: read.promptTokens },
        deliver: (values) => {
          for (let i = 0; i < dimensions; i++) vectors[index * dimensions + i] = values[i] ?? 0;
        },
      });
    }
    const tokenizeMs = slices.workMs();
    const timings = await this.#submit(jobs, signal);
    const warnings = this.#policy.warningsOf(request);
    return {
      ...(warnings.length === 0 ? {} : { warnings }),
      vectors: this.#policy.finish(vectors, dimensions),
      dimensions,
      promptTokens: countTokens(jobs),
      timings: { tokenizeMs, ...timings },
    };
  }

  async #rerank({ query, documents, rawScores = false }: RerankRequest, signal: AbortSignal): Promise<RerankResult> {
    if (query === "") {
      throw new ServerError("invalid_value", { message: "query must not be empty.", param: "query" });
    }
    if (documents.length === 0) {
      throw new ServerError("invalid_value", { message: "documents must not be empty.", param: "documents" });
    }
    const slices = createTimeSlices(signal);
    const settings = this.#encoder.encoding;
    const encoded = await encodeQuery(query, { settings, slices });
    const scores = documents.map(() => 0);
    const rule = this.#encoder.scoreRule;
    const jobs: Job[] = [];
    for (const [index, document] of documents.entries()) {
      const text = await encodePair(encoded, { document, index, settings, slices });
      jobs.push({
        text,
        deliver: ([raw = 0]) => {
          scores[index] = rawScores || rule === undefined ? raw : finishScore(raw, rule);
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
    const { graph, head } = this.#encoder;
    const texts = jobs.map((job) => job.text);
    const { data, width } = head.apply(await graph.run(texts), texts);
    for (const [row, job] of jobs.entries()) job.deliver(data.subarray(row * width, (row + 1) * width));
  }
}

function countTokens(jobs: readonly Job[]): number {
  return jobs.reduce((sum, job) => sum + job.text.ids.length, 0);
}
