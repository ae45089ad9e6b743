// The rules of an embedding request, the same for GGUF and ONNX models, so that two files of one encoder answer alike:
//
// - Prefix: a text gets the prefix of the request's role, else of the model's default role, unless it begins with one already.
// - Token ids: ids must be the model's own. They get special tokens and a prefix where these are missing.
// - Length: prefix and special tokens count. A longer input is cut (never its special tokens) or refused, by `truncation`.
// - Dimensions: a request may ask for the first ones only, where the configuration allows it (Matryoshka models).
// - Normalisation: vectors are scaled to length 1 after that cut, as sentence-transformers (`truncate_dim`, then
//   `normalize_embeddings`) and OpenAI's API do. With `normalize: false` a cut vector is the beginning of the whole one.
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
  /** Ids of the special tokens before and after a text. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Ids of a short text, without special tokens. */
  readonly encode: (text: string) => readonly number[];
}

export interface EncodedBody {
  /** Ids without special tokens. Of a text above the limit they are at least the first `limit`, or none if it is refused. */
  readonly ids: readonly number[];
  /** Tokens of the whole text where `truncation` is `error`, else the length of `ids`. */
  readonly tokens: number;
  /** The text was not read to its end and has more than `tokens`. */
  readonly isLowerBound?: boolean;
}

/** How much of an input is used, and what becomes of more. */
export interface InputLength {
  /** Tokens, without the special tokens around them. */
  readonly limit: number;
  readonly truncation: EmbeddingPolicyOptions["truncation"];
}

export interface InputContext {
  /** Index among the request's inputs. */
  readonly index: number;
  readonly inputType: EmbeddingRequest["inputType"];
  readonly truncate: EmbeddingRequest["truncate"];
  /** Encodes a text of any length; of one with more than `limit` tokens it need not read the rest. */
  readonly encodeText: (text: string, length: InputLength) => Promise<EncodedBody>;
}

/** The rules with the settings of one model. */
export class EmbeddingPolicy {
  readonly #parts: EmbeddingPolicyParts;

  constructor(parts: EmbeddingPolicyParts) {
    this.#parts = parts;
  }

  /**
   * The number of dimensions of the answer.
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
   * The ids of one input as the model evaluates them: prefix and special tokens included, cut to `maxTokens`.
   * @throws ServerError `invalid_value` for an empty input or an id outside the vocabulary, `context_length_exceeded` for one that is
   * too long where `truncation` is `error`
   */
  async readInput(input: EmbeddingInput, context: InputContext): Promise<number[]> {
    const { options, maxTokens, before, after } = this.#parts;
    const { inputType, truncate, index, encodeText } = context;
    const truncation = truncate === undefined ? options.truncation : truncate ? "truncate" : "error";
    const param = `inputs[${index}]`;
    if (input.length === 0) throw new ServerError("invalid_value", { message: "An input must not be empty.", param });
    const around = before.length + after.length;
    const limit = Math.max(0, maxTokens - around);
    const body =
      typeof input === "string"
        ? await encodeText(withPrefix(input, { inputType, options }), { limit, truncation })
        : this.#readIds(input, { inputType, param });
    if (body.tokens > limit && truncation === "error") {
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

  /** Scales each row of [inputs, dimensions] (row-major, already cut) to length 1 in place, unless `normalize` is off. */
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

/** The prefixes that a caller may have written into the text: the role's, or any of the model's where the request names no role. */
function writtenPrefixes(inputType: EmbeddingRequest["inputType"], options: PrefixOptions): string[] {
  const prefix = prefixFor(inputType, options);
  const prefixes = inputType === undefined ? [options.queryPrefix, options.passagePrefix, prefix] : [prefix];
  return prefixes.filter((written) => written !== "");
}

/** Adds the prefix unless the caller has written one; spaces at its end do not matter. */
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
