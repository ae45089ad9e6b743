// What an embedding request means, decided once for GGUF and ONNX models, so that two files of one encoder answer alike:
//
// - Prefix: that of the request's role, else of the model's default role; never before a text that begins with one already.
// - Token ids: the model's own. Special tokens around them and a prefix before them are added where they are missing.
// - Length: prefix and special tokens count. What is too long is cut, never the special tokens, or refused, by `truncation`.
// - Dimensions: the first ones are kept, where the configuration allows cutting (models of the Matryoshka kind).
// - Length of the vectors: brought to 1 after the cut, as sentence-transformers does (`truncate_dim`, then `normalize_embeddings`)
//   and OpenAI's API. With `normalize: false` nothing is scaled, so that a cut vector is the beginning of the whole one.
//
// Errors name the place as a path in the domain's request: `inputs[3]`, `inputs[3][7]`, `dimensions`.
import type { EmbeddingInput, EmbeddingRequest } from "../../domain/embedding.ts";
import { ServerError } from "../../domain/errors.ts";
import type { TextModelOptions } from "../../domain/model.ts";

export type EmbeddingPolicyOptions = Omit<TextModelOptions["embeddingOptions"], "maxTokens">;

export interface EmbeddingPolicyParts {
  readonly options: EmbeddingPolicyOptions;
  /** Tokens of one input, prefix and special tokens included. */
  readonly maxTokens: number;
  /** Width of a whole vector. */
  readonly dimensions: number;
  /** Ids are below this. */
  readonly vocabularySize: number;
  /** The special tokens around one text. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Ids of a short text, without special tokens around it. */
  readonly encode: (text: string) => readonly number[];
}

export interface EncodedBody {
  /** Ids without the special tokens around them; where the text has more than the limit, at least the first `limit` of them. */
  readonly ids: readonly number[];
  /** Tokens of the whole text where `truncation` is `error`, else those in `ids`. */
  readonly tokens: number;
  /** The text has more than `tokens`: it was not read to its end. */
  readonly isLowerBound?: boolean;
}

export interface InputContext {
  /** Place among the inputs. */
  readonly index: number;
  readonly inputType: EmbeddingRequest["inputType"];
  /** Encodes as much of a text of any length as can be used. */
  readonly encodeText: (text: string, limit: number) => Promise<EncodedBody>;
}

/** The rules for one model. */
export class EmbeddingPolicy {
  readonly #parts: EmbeddingPolicyParts;

  constructor(parts: EmbeddingPolicyParts) {
    this.#parts = parts;
  }

  /**
   * The dimensions of the answer.
   * @throws ServerError `invalid_value` for a request without inputs or dimensions out of range, `unsupported_parameter` for
   * dimensions where the model allows no cutting
   */
  resolveDimensions({ inputs, dimensions }: EmbeddingRequest): number {
    if (inputs.length === 0) {
      throw new ServerError("invalid_value", { message: "There must be at least one input.", param: "inputs" });
    }
    const { dimensions: all, options } = this.#parts;
    if (dimensions === undefined || dimensions === all) return all;
    const smallest = options.dimensions;
    if (smallest === 0) {
      throw new ServerError("unsupported_parameter", {
        message: `This model does not support specifying dimensions: its vectors have ${all} and cannot be cut.`,
        param: "dimensions",
      });
    }
    if (Number.isInteger(dimensions) && dimensions >= smallest && dimensions < all) return dimensions;
    throw new ServerError("invalid_value", {
      message: `Invalid dimensions ${dimensions}: this model allows ${Math.min(smallest, all)} to ${all}.`,
      param: "dimensions",
    });
  }

  /**
   * The ids of one input as they are evaluated.
   * @throws ServerError `invalid_value` for an empty input or an id that is not the model's, `context_length_exceeded` by policy
   */
  async readInput(input: EmbeddingInput, context: InputContext): Promise<number[]> {
    const { options, maxTokens, before, after } = this.#parts;
    const { inputType, index, encodeText } = context;
    const param = `inputs[${index}]`;
    if (input.length === 0) throw new ServerError("invalid_value", { message: "An input must not be empty.", param });
    const around = before.length + after.length;
    const limit = Math.max(0, maxTokens - around);
    const body =
      typeof input === "string"
        ? await encodeText(withPrefix(input, { inputType, options }), limit)
        : this.#readIds(input, { inputType, param });
    if (body.tokens > limit && options.truncation === "error") {
      const count = `${body.isLowerBound === true ? "at least " : ""}${body.tokens + around}`;
      throw new ServerError("context_length_exceeded", {
        message:
          `This model's maximum context length is ${maxTokens} tokens, however you requested ${count} tokens ` +
          "(prefix and special tokens included). Please reduce your input.",
        param,
      });
    }
    const ids = [...before, ...body.ids.slice(0, limit), ...after];
    if (ids.length === 0) throw new ServerError("invalid_value", { message: "The input has no tokens.", param });
    return ids;
  }

  /** Scales vectors that are cut already, [inputs, dimensions] row-major and in place, where the model's vectors are normalised. */
  finish(vectors: Float32Array, dimensions: number): Float32Array {
    return this.#parts.options.normalize ? normalizeRows(vectors, dimensions) : vectors;
  }

  #readIds(
    ids: readonly number[],
    { inputType, param }: { readonly inputType: EmbeddingRequest["inputType"]; readonly param: string },
  ): EncodedBody {
    const { vocabularySize, before, after, options, encode } = this.#parts;
    const foreign = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
    if (foreign >= 0) {
      throw new ServerError("invalid_value", {
        message:
          `Token id ${ids[foreign]} is outside this model's vocabulary, whose ids are 0 to ${vocabularySize - 1}. ` +
          "Ids of another model's tokenizer cannot be used: send the text.",
        param: `${param}[${foreign}]`,
      });
    }
    const isFramed =
      ids.length >= before.length + after.length &&
      startsWith(ids, before) &&
      startsWith(ids.slice(ids.length - after.length), after);
    const body = isFramed ? ids.slice(before.length, ids.length - after.length) : ids;
    const isWritten = writtenPrefixes(inputType, options).some((prefix) => {
      const run = encode(prefix.trimEnd());
      return run.length > 0 && startsWith(body, run);
    });
    const whole = isWritten ? body : [...encode(prefixFor(inputType, options).trimEnd()), ...body];
    return { ids: whole, tokens: whole.length };
  }
}

type PrefixOptions = Pick<EmbeddingPolicyOptions, "queryPrefix" | "passagePrefix" | "defaultInputType">;

function prefixFor(inputType: EmbeddingRequest["inputType"], options: PrefixOptions): string {
  switch (inputType ?? options.defaultInputType) {
    case "query":
      return options.queryPrefix;
    case "passage":
      return options.passagePrefix;
    case "none":
      return "";
  }
}

/** What counts as a prefix of the caller's own: that of the role, or any of the model's where the request names no role. */
function writtenPrefixes(inputType: EmbeddingRequest["inputType"], options: PrefixOptions): string[] {
  const prefix = prefixFor(inputType, options);
  const prefixes = inputType === undefined ? [options.queryPrefix, options.passagePrefix, prefix] : [prefix];
  return prefixes.filter((written) => written !== "");
}

/** A prefix that the caller wrote is not doubled; spaces after it do not matter. */
function withPrefix(
  text: string,
  { inputType, options }: { readonly inputType: EmbeddingRequest["inputType"]; readonly options: PrefixOptions },
): string {
  const isWritten = writtenPrefixes(inputType, options).some((written) => text.startsWith(written.trimEnd()));
  return isWritten ? text : prefixFor(inputType, options) + text;
}

/** Divides every vector of [batch, dimensions] by its Euclidean length, in place. A zero vector stays zero. */
function normalizeRows(vectors: Float32Array, dimensions: number): Float32Array {
  for (let start = 0; start < vectors.length; start += dimensions) {
    let sum = 0;
    for (let i = start; i < start + dimensions; i++) sum += vectors[i]! * vectors[i]!;
    if (sum === 0) continue;
    const scale = 1 / Math.sqrt(sum);
    for (let i = start; i < start + dimensions; i++) vectors[i]! *= scale;
  }
  return vectors;
}

function startsWith(ids: readonly number[], run: readonly number[]): boolean {
  return run.every((id, index) => ids[index] === id);
}
