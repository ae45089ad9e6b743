// The embeddings backend: one ONNX encoder (or cross-encoder) in this process, shared by all requests through dynamic
// batching. Runs in a child process, because the runtime's calls block the thread they are made on.
import { availableParallelism } from "node:os";
import { createAdmission, estimateRetryAfterSeconds } from "../common/admission.ts";
import { MicroBatcher } from "./batching/micro-batcher.ts";
import type { Backend, BackendContext, BackendDescription, Operation, Operations } from "../../domain/backend.ts";
import type { EmbeddingRequest, EmbeddingResult, RerankRequest, RerankResult } from "../../domain/embedding.ts";
import { ServerError } from "../../domain/errors.ts";
import type { EmbeddingModelOptions, ModelSpec } from "../../domain/model.ts";
import { normalizeRows } from "./pooling.ts";
import { encodeBody, encodeInput, encodePair, type EncodedText } from "./text/encode-text.ts";
import { embedTexts, scorePairs } from "./encoder.ts";
import { loadEncoder, type LoadedEncoder } from "./load-encoder.ts";
import { createTimeSlices, yieldToEvents } from "../../util/time-slice.ts";

/** One text on its way through the device, and where its result goes. */
interface Job {
  readonly text: EncodedText;
  /** Takes a view that is valid during the call only: the vector, or the one score. */
  readonly deliver: (values: ArrayLike<number>) => void;
}

type Handlers = {
  readonly [O in Operation]?: (
    request: Operations[O]["request"],
    signal: AbortSignal,
  ) => Promise<Operations[O]["event"]>;
};

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
  return new EmbeddingBackend({ encoder, options });
}

class EmbeddingBackend implements Backend {
  readonly description: BackendDescription;
  readonly #encoder: LoadedEncoder;
  readonly #options: EmbeddingModelOptions;
  readonly #batcher: MicroBatcher<Job>;
  readonly #admission;
  readonly #handlers: Handlers;
  #disposal: Promise<void> | undefined;

  constructor({ encoder, options }: { readonly encoder: LoadedEncoder; readonly options: EmbeddingModelOptions }) {
    this.#encoder = encoder;
    this.#options = options;
    this.description = encoder.description;
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
    this.#handlers = encoder.isCrossEncoder
      ? { rerank: (request, signal) => this.#rerank(request, signal) }
      : { embedding: (request, signal) => this.#embed(request, signal) };
  }

  async *run<O extends Operation>(
    operation: O,
    request: Operations[O]["request"],
    signal: AbortSignal,
  ): AsyncGenerator<Operations[O]["event"], void, undefined> {
    signal.throwIfAborted();
    const handler: Handlers[O] = this.#handlers[operation];
    if (handler === undefined) {
      const does = this.description.operations.join(" and ");
      throw new ServerError("unsupported_operation", `This model does ${does}, not ${operation}.`);
    }
    const leave = this.#admission.enter();
    try {
      yield await handler(request, signal);
    } finally {
      leave();
    }
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#batcher.close().then(() => this.#encoder.graph.release());
    return this.#disposal;
  }

  async #embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingResult> {
    const { inputs, inputType } = request;
    if (inputs.length === 0) {
      throw new ServerError("invalid_value", { message: "input must not be empty.", param: "input" });
    }
    const full = this.#encoder.dimensions;
    const dimensions = this.#checkedDimensions(request.dimensions);
    const slices = createTimeSlices(signal);
    const vectors = new Float32Array(inputs.length * dimensions);
    const jobs: Job[] = [];
    for (const [index, input] of inputs.entries()) {
      const text = await encodeInput(input, {
        // A caller who sent one text, or one flat list of token ids, knows no index.
        param: inputs.length === 1 ? "input" : `input[${index}]`,
        inputType,
        options: this.#options,
        settings: this.#encoder.encoding,
        slices,
      });
      jobs.push({
        text,
        deliver: (values) => {
          for (let i = 0; i < dimensions; i++) vectors[index * dimensions + i] = values[i] ?? 0;
        },
      });
    }
    const tokenizeMs = slices.workMs();
    const timings = await this.#submit(jobs, signal);
    if (this.#options.normalize || dimensions < full) normalizeRows(vectors, dimensions);
    return { vectors, dimensions, promptTokens: countTokens(jobs), timings: { ...timings, tokenizeMs } };
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
    await this.#submit(jobs, signal);
    return { scores, promptTokens: countTokens(jobs) };
  }

  #submit(jobs: readonly Job[], signal: AbortSignal): Promise<{ queueMs: number; inferenceMs: number }> {
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

  #checkedDimensions(asked: number | undefined): number {
    const full = this.#encoder.dimensions;
    if (asked === undefined || asked === full) return full;
    const smallest = this.#options.dimensions;
    if (smallest > 0 && Number.isInteger(asked) && asked >= smallest && asked < full) return asked;
    const allowed =
      smallest > 0 && smallest < full ? `from ${smallest} to ${full}` : `${full} only: its vectors cannot be cut`;
    throw new ServerError("invalid_value", {
      message: `dimensions is ${asked}; this model allows ${allowed}.`,
      param: "dimensions",
    });
  }
}

function countTokens(jobs: readonly Job[]): number {
  return jobs.reduce((sum, job) => sum + job.text.ids.length, 0);
}
