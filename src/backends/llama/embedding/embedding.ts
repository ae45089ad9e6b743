// Embeddings from a GGUF. One text per decode: the binding returns the pooled vector of sequence 0 only (`GetEmbedding` in its
// addon/AddonContext.cpp), so that those of several texts in a batch could not be read. Requests alternate, text by text.
import { performance } from "node:perf_hooks";
import { createAdmission, type Admission } from "../../common/admission.ts";
import type { EmbeddingPolicy, EncodedBody, InputLength } from "../../common/embedding-policy.ts";
import { createTurns } from "../../common/turns.ts";
import type { EmbeddingRequest, EmbeddingResult } from "../../../domain/embedding.ts";
import { createPolicy, createTextEncoder, type InputReaderParts } from "./embedding-input.ts";
import type { NativeContextHandle } from "../native/context.ts";

export interface EmbeddingModelParts extends InputReaderParts {
  readonly context: NativeContextHandle;
  readonly pooling: "last" | "all";
  readonly maxQueue: number;
}

/** Answers embedding requests with one GGUF. A long request gives way to the others after every text. */
export class LlamaEmbedder {
  readonly #parts: EmbeddingModelParts;
  readonly #policy: EmbeddingPolicy;
  readonly #encode: ReturnType<typeof createTextEncoder>;
  readonly #turns = createTurns();
  readonly #admission: Admission;

  constructor(parts: EmbeddingModelParts) {
    this.#parts = parts;
    this.#policy = createPolicy(parts);
    this.#encode = createTextEncoder(parts);
    this.#admission = createAdmission({ running: 1, maxQueue: parts.maxQueue, retryAfterSeconds: () => 1 });
  }

  /**
   * Nothing of the request runs any more when it rejects.
   * @throws ServerError `overloaded` where the queue is full, and as the embedding policy; the signal's reason
   */
  async embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingResult> {
    const leave = this.#admission.enter(signal);
    try {
      return await this.#embed(request, signal);
    } finally {
      leave();
    }
  }

  async #embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingResult> {
    const dimensions = this.#policy.resolveDimensions(request);
    const submittedAt = performance.now();
    const inputs = await this.#readInputs(request, signal);
    const tokenizedAt = performance.now();
    const vectors = new Float32Array(inputs.length * dimensions);
    let promptTokens = 0;
    let inferenceMs = 0;
    for (const [index, ids] of inputs.entries()) {
      const endTurn = await this.#turns.take(signal);
      const startedAt = performance.now();
      try {
        vectors.set((await this.#evaluate(ids, signal)).subarray(0, dimensions), index * dimensions);
      } finally {
        endTurn();
      }
      inferenceMs += performance.now() - startedAt;
      promptTokens += ids.length;
    }
    const warnings = this.#policy.warningsOf(request);
    return {
      ...(warnings.length === 0 ? {} : { warnings }),
      vectors: this.#policy.finish(vectors, dimensions),
      dimensions,
      promptTokens,
      timings: {
        tokenizeMs: tokenizedAt - submittedAt,
        queueMs: performance.now() - tokenizedAt - inferenceMs,
        inferenceMs,
      },
    };
  }

  async #readInputs(request: EmbeddingRequest, signal: AbortSignal): Promise<readonly (readonly number[])[]> {
    const encodeText = (text: string, length: InputLength): Promise<EncodedBody> =>
      this.#encode(text, { ...length, signal });
    const read: (readonly number[])[] = [];
    for (const [index, input] of request.inputs.entries()) {
      read.push((await this.#policy.readInput(input, { index, request, encodeText })).ids);
    }
    return read;
  }

  /** The pooled vector of one input, of the model's whole width. */
  async #evaluate(ids: readonly number[], signal: AbortSignal): Promise<Float32Array> {
    const { context, pooling } = this.#parts;
    context.clear(0);
    // Pooling over all tokens reads the outputs of one batch, so the context's batch holds any input; a model that pools by its last
    // token may read it in several batches.
    for (let position = 0; position < ids.length; position += context.batchSize) {
      signal.throwIfAborted();
      const chunk = Uint32Array.from(ids.slice(position, position + context.batchSize));
      context.beginBatch(chunk.length);
      const logitsFor = pooling === "last" ? Uint32Array.of(chunk.length - 1) : chunk.map((_, index) => index);
      context.addToBatch(0, { position, tokens: chunk, logitsFor });
      await context.decode();
    }
    return Float32Array.from(context.embedding(ids.length));
  }
}
