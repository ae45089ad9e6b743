// The rules of an embedding request, the same for GGUF and ONNX models, so that two files of one encoder answer alike:
//
// - Prefix: a text gets the prompt that the request names, or that of its role, else what the model puts before every text, unless it
//   begins with one already.
// - Token ids: OpenAI's are read back to text, where the model is configured so or asked for by a name of OpenAI's. Others must be the
//   model's own, which the answer's warnings say; they get special tokens and a prefix where these are missing.
// - Length: prefix and special tokens count. A longer input is cut (never its special tokens) or refused, by `truncation`.
// - Dimensions: a request may ask for the first ones only, where the configuration allows it (Matryoshka models).
// - Normalisation: vectors are scaled to length 1 after that cut, as sentence-transformers (`truncate_dim`, then
//   `normalize_embeddings`) and OpenAI's API do. With `normalize: false` a cut vector is the beginning of the whole one.
//
// Errors name the place as a path in the domain's request: `inputs[3]`, `inputs[3][7]`, `dimensions`.
import type { EmbeddingInput, EmbeddingRequest } from "../../domain/embedding.ts";
import { ServerError } from "../../domain/errors.ts";
import type { TextModelOptions } from "../../domain/model.ts";
import { normalizeRows } from "./normalize-rows.ts";
import { decodeOpenAiTokens } from "./openai-tokens.ts";

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
  readonly request: Omit<EmbeddingRequest, "inputs">;
  /**
   * Encodes a text of any length; of one with more than `limit` tokens it need not read the rest. Its first `trusted` characters are the
   * operator's, and special tokens in them are tokens.
   */
  readonly encodeText: (text: string, length: InputLength & { readonly trusted: number }) => Promise<EncodedBody>;
}

export interface ReadInput {
  /** As the model evaluates them: prefix and special tokens included, cut to the longest. */
  readonly ids: readonly number[];
  /** How many of the first ids are those of a prefix and of the special tokens before it; 0 without a prefix. */
  readonly promptTokens: number;
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
   * The ids of one input as the model evaluates them.
   * @throws ServerError `invalid_value` for an empty input, an id outside the vocabulary or a prompt that the model does not have,
   * `context_length_exceeded` for an input that is too long where `truncation` is `error`
   */
  async readInput(input: EmbeddingInput, { request, index, encodeText }: InputContext): Promise<ReadInput> {
    const { options, maxTokens, before, after, encode } = this.#parts;
    const { truncate } = request;
    const truncation = truncate === undefined ? options.truncation : truncate ? "truncate" : "error";
    const param = `inputs[${index}]`;
    if (input.length === 0) throw new ServerError("invalid_value", { message: "An input must not be empty.", param });
    const prefix = prefixFor(request, options);
    const around = before.length + after.length;
    const limit = Math.max(0, maxTokens - around);
    const text = await this.#textOf(input, { request, param });
    const body =
      text === undefined
        ? this.#readIds(input as readonly number[], { request, param })
        : await this.#encodePrefixed(text, { request, encodeText, length: { limit, truncation } });
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
    return { ids, promptTokens: prefix === "" ? 0 : before.length + encode(prefix).length };
  }

  /** Sentences about what callers of such a request may not expect. */
  warningsOf({ inputs, asksForOpenAi = false }: EmbeddingRequest): readonly string[] {
    const takesIds = inputs.some((input) => typeof input !== "string");
    return takesIds && !this.#takesOpenAiIds({ asksForOpenAi }) ? [ownIdsWarning] : [];
  }

  /** Scales each row of [inputs, dimensions] (row-major, already cut) to length 1 in place, unless `normalize` is off. */
  finish(vectors: Float32Array, dimensions: number): Float32Array {
    return this.#parts.options.normalize ? normalizeRows(vectors, dimensions) : vectors;
  }

  #takesOpenAiIds({ asksForOpenAi = false }: Pick<EmbeddingRequest, "asksForOpenAi">): boolean {
    const { tokenIds } = this.#parts.options;
    return tokenIds === "cl100k" || (tokenIds === "auto" && asksForOpenAi);
  }

  #encodePrefixed(
    text: string,
    { request, encodeText, length }: Pick<InputContext, "request" | "encodeText"> & { readonly length: InputLength },
  ): Promise<EncodedBody> {
    const { options } = this.#parts;
    const isWritten = writtenPrefixes(request, options).some((written) => text.startsWith(written.trimEnd()));
    const prefix = isWritten ? "" : prefixFor(request, options);
    return encodeText(prefix + text, { ...length, trusted: prefix.length });
  }

  /** The input as text; `undefined` for ids of the model's own. */
  async #textOf(input: EmbeddingInput, { request, param }: InputPlace): Promise<string | undefined> {
    if (typeof input === "string") return input;
    return this.#takesOpenAiIds(request) ? await decodeOpenAiTokens(input, param) : undefined;
  }

  #readIds(ids: readonly number[], { request, param }: InputPlace): EncodedBody {
    const { vocabularySize, before, after, options, encode } = this.#parts;
    const foreign = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
    if (foreign >= 0) {
      throw new ServerError("invalid_value", {
        message:
          `Token id ${ids[foreign]} is outside this model's vocabulary, whose ids are 0 to ${vocabularySize - 1}. ` +
          "Ids of another model's tokenizer cannot be used: send the text. OpenAI's ids (cl100k_base), which LangChain sends by default, " +
          "are read where the model's option token_ids is cl100k, or where it is asked for by a name of OpenAI's.",
        param: `${param}[${foreign}]`,
      });
    }
    const isFramed =
      ids.length >= before.length + after.length &&
      startsWith(ids, before) &&
      startsWith(ids.slice(ids.length - after.length), after);
    const body = isFramed ? ids.slice(before.length, ids.length - after.length) : ids;
    const isWritten = writtenPrefixes(request, options).some((prefix) => {
      const run = encode(prefix.trimEnd());
      return run.length > 0 && startsWith(body, run);
    });
    const whole = isWritten ? body : [...encode(prefixFor(request, options).trimEnd()), ...body];
    return { ids: whole, tokens: whole.length };
  }
}

interface InputPlace {
  readonly request: InputContext["request"];
  readonly param: string;
}

const ownIdsWarning =
  "Token ids in {inputs} were read as ids of this model's own tokenizer. OpenAI's (cl100k_base), which LangChain sends by default, are " +
  "read where the model's option token_ids is cl100k, or where it is asked for by a name of OpenAI's.";

type PrefixOptions = Pick<EmbeddingPolicyOptions, "queryPrefix" | "passagePrefix" | "defaultPrefix" | "prompts">;
type PromptRequest = Pick<EmbeddingRequest, "inputType" | "promptName">;

/** @throws ServerError `invalid_value` for a prompt that the model does not have, or one beside a role */
function prefixFor({ inputType, promptName }: PromptRequest, options: PrefixOptions): string {
  if (promptName !== undefined) {
    if (inputType !== undefined) {
      throw new ServerError("invalid_value", {
        message: "{inputType} and {promptName} both say what comes before a text: send one of them.",
        param: "promptName",
      });
    }
    return promptNamed(promptName, options);
  }
  switch (inputType ?? "default") {
    case "default":
      return options.defaultPrefix;
    case "query":
      return options.queryPrefix;
    case "passage":
      return options.passagePrefix;
    case "none":
      return "";
  }
}

function promptNamed(name: string, { prompts }: PrefixOptions): string {
  const prompt = Object.hasOwn(prompts, name) ? prompts[name] : undefined;
  if (prompt !== undefined) return prompt;
  const names = Object.keys(prompts).map((known) => `'${known}'`);
  throw new ServerError("invalid_value", {
    message: `This model has no prompt '${name}'; ${names.length === 0 ? "it has none" : `its prompts are ${names.join(", ")}`}.`,
    param: "promptName",
  });
}

/**
 * The prefixes that a caller may have written into the text: the one asked for, or any of the model's where the request asks for none.
 * Spaces at their ends do not matter.
 */
function writtenPrefixes(request: PromptRequest, options: PrefixOptions): string[] {
  const prefix = prefixFor(request, options);
  const isAsked = request.inputType !== undefined || request.promptName !== undefined;
  const prefixes = isAsked ? [prefix] : [options.queryPrefix, options.passagePrefix, prefix];
  return prefixes.filter((written) => written.trimEnd() !== "");
}

function startsWith(ids: readonly number[], run: readonly number[]): boolean {
  return run.every((id, index) => ids[index] === id);
}
