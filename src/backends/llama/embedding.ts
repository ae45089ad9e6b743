// Embeddings from a GGUF: one input per decode, in the order of the requests. The library pools over sequence 0 only.
import { performance } from "node:perf_hooks";
import type { EmbeddingInput, EmbeddingRequest, EmbeddingResult } from "../../domain/embedding.ts";
import { ServerError } from "../../domain/errors.ts";
import type { TextModelOptions } from "../../domain/model.ts";
import type { NativeContextHandle } from "./native-context.ts";
import { assertTokensInVocabulary } from "./admission.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface EmbeddingModelParts {
  readonly context: NativeContextHandle;
  readonly vocabulary: Vocabulary;
  readonly options: TextModelOptions["embeddingOptions"];
  /** Longest input, tokens. */
  readonly maxTokens: number;
  readonly embeddingSize: number;
  readonly pooling: "last" | "all";
  readonly maxQueue: number;
}

/** One GGUF that embeds. Requests are served one after the other; a cancelled one gives way before its next input. */
export class LlamaEmbedder {
  readonly #parts: EmbeddingModelParts;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #disposed = false;

  constructor(parts: EmbeddingModelParts) {
    this.#parts = parts;
  }

  async embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingResult> {
    const submittedAt = performance.now();
    const dimensions = this.#resolveDimensions(request.dimensions);
    const inputs = request.inputs.map((input, index) =>
      this.#tokenize(input, { request, index, total: request.inputs.length }),
    );
    const tokenizedAt = performance.now();
    if (this.#waiting > this.#parts.maxQueue) {
      throw new ServerError("overloaded", {
        message: "The model is busy. Please try again later.",
        retryAfterSeconds: 1,
      });
    }
    this.#waiting += 1;
    const turn = this.#tail;
    const work = (async () => {
      await turn.catch(() => {});
      const startedAt = performance.now();
      const vectors = new Float32Array(inputs.length * dimensions);
      let promptTokens = 0;
      for (const [index, tokens] of inputs.entries()) {
        signal.throwIfAborted();
        if (this.#disposed) throw new ServerError("shutting_down", "The model is being unloaded.");
        vectors.set(await this.#evaluate(tokens, dimensions), index * dimensions);
        promptTokens += tokens.length;
      }
      const timings = {
        queueMs: startedAt - tokenizedAt,
        tokenizeMs: tokenizedAt - submittedAt,
        inferenceMs: performance.now() - startedAt,
      };
      return { vectors, dimensions, promptTokens, timings };
    })();
    this.#tail = work;
    try {
      return await work;
    } finally {
      this.#waiting -= 1;
    }
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#tail.catch(() => {});
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

  #tokenize(
    input: EmbeddingInput,
    { request, index, total }: { request: EmbeddingRequest; index: number; total: number },
  ): readonly number[] {
    const { vocabulary, options, maxTokens } = this.#parts;
    const param = total === 1 ? "input" : `input[${index}]`;
    const role = request.inputType ?? options.defaultInputType;
    const prefix = role === "query" ? options.queryPrefix : role === "passage" ? options.passagePrefix : "";
    let tokens: readonly number[];
    if (typeof input === "string") {
      tokens = vocabulary.tokenize(prefix + input, { parseSpecial: false });
    } else {
      assertTokensInVocabulary(input, { vocabularySize: vocabulary.size, param });
      // The caller's ids stay as they are: a prefix goes before them as tokens of its own.
      tokens = [...vocabulary.tokenize(prefix, { parseSpecial: false }), ...input];
    }
    const { frame } = vocabulary;
    const start = tokens[0] === frame.start[0] ? [] : frame.start;
    const end = tokens.at(-1) === frame.end[0] ? [] : frame.end;
    const room = maxTokens - start.length - end.length;
    if (tokens.length > room) {
      if (options.truncation === "error") {
        throw new ServerError("context_length_exceeded", {
          message: `This model's maximum context length is ${maxTokens} tokens, however you requested ${tokens.length + start.length + end.length} tokens. Please reduce your input.`,
          param,
        });
      }
      tokens = tokens.slice(0, room);
    }
    const all = [...start, ...tokens, ...end];
    if (all.length === 0) throw new ServerError("invalid_value", { message: "The input has no tokens.", param });
    return all;
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
