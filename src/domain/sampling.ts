// The sampling parameters of a request to a text model, and the limits and the form of its output. A sampling parameter that is left
// out takes the default of the model's configuration; one without such a default has no effect then.
import type { WrittenOrder } from "../util/written-order.ts";

export interface SamplingOptions {
  /** 0 = greedy. */
  readonly temperature?: number;
  readonly topP?: number;
  /** 0 = off. */
  readonly topK?: number;
  readonly minP?: number;
  /** Over generated tokens, -2..2. */
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  /** 1 = off; over the last tokens of prompt and answer. */
  readonly repeatPenalty?: number;
  /** Added to the logits of token ids; -100 bans a token, unless what the output must be leaves no other one. */
  readonly logitBias?: readonly (readonly [token: number, bias: number])[];
  /** Choice i samples with seed + i. Left out = random. */
  readonly seed?: number;
  /** True = refuse the request where the model is not configured to answer it the same at any load. */
  readonly reproducible?: boolean;
}

/** Upper limits of a request on its output. */
export interface OutputLimits {
  /** Left out = the model's default. 0 = only the prompt is evaluated (with echo). */
  readonly maxTokens?: number;
  /** Up to 4 strings; none of them appears in the output. */
  readonly stop: readonly string[];
}

/** The form that the output must have. */
export type OutputConstraint =
  | { readonly type: "text" }
  | { readonly type: "json-object" }
  | {
      readonly type: "json-schema";
      readonly name: string;
      readonly schema: JsonSchema;
      readonly strict: boolean;
      /** Of the schema's keys. */
      readonly order?: WrittenOrder;
    }
  /** GBNF, as llama.cpp reads it. */
  | { readonly type: "grammar"; readonly grammar: string };

/** A JSON schema document as the caller sent it: an object, `true` or `false`. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };
