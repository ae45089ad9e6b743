// The names of chat and completions for the domain's fields of sampling, limits and constraint.
import type { OutputLimits, SamplingOptions } from "../../../domain/sampling.ts";
import type { ParamNames } from "../../contract/param-names.ts";
import type { GenerationFields } from "./generation.ts";

type Names<T> = { readonly [K in keyof T & string]-?: keyof GenerationFields };

const samplingNames: Names<SamplingOptions> = {
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  minP: "min_p",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  repeatPenalty: "repeat_penalty",
  logitBias: "logit_bias",
  seed: "seed",
  reproducible: "reproducible",
};

const limitNames: Names<Omit<OutputLimits, "maxTokens">> = { stop: "stop" };

/** `maxTokens` = the field that limits the output's tokens, which differs between the endpoints. */
export function generationNames(request: Pick<GenerationFields, "grammar">, maxTokens: string): ParamNames {
  return {
    ...withPrefix("sampling", samplingNames),
    ...withPrefix("limits", { ...limitNames, maxTokens }),
    constraint: typeof request.grammar === "string" ? "grammar" : "response_format",
    "constraint.grammar": "grammar",
    "constraint.schema": "response_format.json_schema.schema",
  };
}

function withPrefix(prefix: string, names: Readonly<Record<string, string>>): ParamNames {
  return Object.fromEntries(Object.entries(names).map(([field, name]) => [`${prefix}.${field}`, name]));
}
