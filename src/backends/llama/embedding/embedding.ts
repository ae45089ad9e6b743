// Embeddings from a GGUF. One text per decode: the binding hands out the pooled vector of sequence 0 only (`GetEmbedding` in its
// addon/AddonContext.cpp), so that a batch of several texts could not be read. Requests take turns text by text.
import { performance } from "node:perf_hooks";
import type { EmbeddingRequest, EmbeddingResult } from "../../../domain/embedding.ts";
import { ServerError } from "../../../domain/errors.ts";
import type { TextModelOptions } from "../../../domain/model.ts";
import { InputReader } from "./embedding-input.ts";
import type { NativeContextHandle } from "../native/context.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

export interface EmbeddingModelParts {
  readonly context: NativeContextHandle;
  readonly vocabulary: Vocabulary;
  readonly options: TextModelOptions["embeddingOptions"];
  /** Longest input, tokens. */
  readonly maxTokens: number;
  readonly stripsAccents: boolean;
  readonly embeddingSize: number;
  readonly pooling: "last" | "all";
  readonly maxQueue: number;
}

/** One GGUF that embeds. A long request gives way to the others after every text, a cancelled one at once. */
export class LlamaEmbedder {
  readonly #parts: EmbeddingModelParts;
  readonly #reader: InputReader;
  /** Whoever waits for the context, first come first served. */
  #tail: Promise<unknown> = Promise.resolve();
  #running = 0;
  #disposed = false;

  constructor(parts: EmbeddingModelParts) {
    this.#parts = parts;
    this.#reader = new InputReader(parts);
  }

  async embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingResult> {
    const submittedAt = performance.now();
    const dimensions = this.#resolveDimensions(request.dimensions);
    if (this.#running > this.#parts.maxQueue) {
      throw new ServerError("overloaded", {
        message: "The model is busy. Please try again later.",
        retryAfterSeconds: 1,
      });
    }
    this.#running += 1;
    try {
      const inputs = await this.#readInputs(request, signal);
      const tokenizedAt = performance.now();
      let startedAt: number | undefined;
      const vectors = new Float32Array(inputs.length * dimensions);
      let promptTokens = 0;
      for (const [index, tokens] of inputs.entries()) {
        const vector = await this.#inTurn(() => {
          startedAt ??= performance.now();
          signal.throwIfAborted();
          return this.#evaluate(tokens, dimensions);
        });
        vectors.set(vector, index * dimensions);
        promptTokens += tokens.length;
      }
      startedAt ??= tokenizedAt;
      const timings = {
        queueMs: startedAt - tokenizedAt,
        tokenizeMs: tokenizedAt - submittedAt,
        inferenceMs: performance.now() - startedAt,
      };
      return { vectors, dimensions, promptTokens, timings };
    } finally {
      this.#running -= 1;
    }
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#tail;
  }

  async #readInputs(request: EmbeddingRequest, signal: AbortSignal): Promise<readonly (readonly number[])[]> {
    const inputs: (readonly number[])[] = [];
    for (const [index, input] of request.inputs.entries()) {
      const param = request.inputs.length === 1 ? "input" : `input[${index}]`;
      inputs.push(await this.#reader.read(input, { inputType: request.inputType, param, signal }));
    }
    return inputs;
  }

  /** One after the other: who asks again stands behind all who wait already. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(() => {
      if (this.#disposed) throw new ServerError("shutting_down", "The model is being unloaded.");
      return work();
    });
    this.#tail = turn.catch(() => {});
    return turn;
  }

  #resolveDimensions(asked: number | undefined): number {
    const { embeddingSize, options } = this.#parts;
    if (asked === undefined || asked === embeddingSize) return embeddingSize;
    if (options.dimensions === 0) {
      throw new ServerError("unsupported_parameter", {
        message: `This model does not support 'dimensions': its vectors have ${embeddingSize} and cannot be cut.`,
        param: "dimensions",
      });
    }
    if (asked >= options.dimensions && asked <= embeddingSize) return asked;
    throw new ServerError("invalid_value", {
      message: `'dimensions' must be between ${options.dimensions} and ${embeddingSize} for this model.`,
      param: "dimensions",
    });
  }

  async #evaluate(tokens: readonly number[], dimensions: number): Promise<Float32Array> {
    const { context, options, pooling } = this.#parts;
    context.clear(0);
    // Pooling over all tokens reads all outputs of one batch, and the context was made to hold them; a model whose last token
    // speaks for the text is read in pieces.
    for (let position = 0; position < tokens.length; position += context.batchSize) {
      const chunk = Uint32Array.from(tokens.slice(position, position + context.batchSize));
      context.beginBatch(chunk.length);
      const logitsFor = pooling === "last" ? Uint32Array.of(chunk.length - 1) : chunk.map((_, index) => index);
      context.addToBatch(0, { position, tokens: chunk, logitsFor });
      await context.decode();
    }
    const vector = Float32Array.from(context.embedding(tokens.length)).subarray(0, dimensions);
    return options.normalize ? normalize(vector) : vector;
  }
}

/** Length 1; a vector of zeros stays one. */
function normalize(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const length = Math.sqrt(sum);
  return length === 0 ? vector : vector.map((value) => value / length);
}
