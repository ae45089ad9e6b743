// How a text model picks tokens: the sampling parameters of a request, in domain words, with every default filled in
// by the model's configuration (a field left out = the model's default).

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
  /** Added to the logits of token ids; -100 bans, +100 forces. */
  readonly logitBias?: readonly (readonly [token: number, bias: number])[];
  /** Choice i samples with seed + i. Left out = random. */
  readonly seed?: number;
}

/** Upper limits of a request on its output. */
export interface OutputLimits {
  /** Left out = the model's default. 0 = only the prompt is evaluated (with echo). */
  readonly maxTokens?: number;
  /** Up to 4 strings; none of them appears in the output. */
  readonly stop: readonly string[];
}

/** What the output must look like. */
export type OutputConstraint =
  | { readonly type: "text" }
  | { readonly type: "json-object" }
  | { readonly type: "json-schema"; readonly name: string; readonly schema: JsonSchema; readonly strict: boolean }
  /** GBNF, as llama.cpp reads it. */
  | { readonly type: "grammar"; readonly grammar: string };

/** A JSON schema document as the caller sent it: an object, `true` or `false`. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };
