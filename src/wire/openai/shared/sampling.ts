// Maps the fields that chat and completions share to the domain's sampling, limits and constraint.
import type { JsonSchema, OutputConstraint, SamplingOptions } from "../../../domain/sampling.ts";
import { given } from "../../contract/common.ts";
import { writtenOrder } from "../../../util/written-order.ts";
import type { GenerationFields } from "./generation.ts";
import type { ResponseFormat } from "./response-format.ts";

/** The sampling parameters of a request. */
export type SamplingFields = Pick<
  GenerationFields,
  | "temperature"
  | "top_p"
  | "top_k"
  | "min_p"
  | "presence_penalty"
  | "frequency_penalty"
  | "repeat_penalty"
  | "logit_bias"
  | "seed"
  | "reproducible"
>;

export function toSamplingOptions(request: SamplingFields): SamplingOptions {
  return {
    ...given("temperature", request.temperature),
    ...given("topP", request.top_p),
    // vLLM's clients write -1 for off.
    ...given("topK", request.top_k === -1 ? 0 : request.top_k),
    ...given("minP", request.min_p),
    ...given("presencePenalty", request.presence_penalty),
    ...given("frequencyPenalty", request.frequency_penalty),
    ...given("repeatPenalty", request.repeat_penalty),
    ...given("logitBias", toLogitBias(request.logit_bias)),
    ...given("seed", toSafeSeed(request.seed)),
    ...given("reproducible", request.reproducible),
  };
}

/**
 * A seed that every runtime can take: safe integers, negative ones included, stay what they are; a larger one is folded
 * into 53 bits (its high bits onto its low ones, which JSON's numbers leave empty there, so different seeds stay apart).
 */
export function toSafeSeed(seed: number | null | undefined): number | undefined {
  if (seed === null || seed === undefined) return undefined;
  if (Number.isSafeInteger(seed)) return seed;
  const bits = BigInt(seed);
  return Number(BigInt.asUintN(53, bits ^ (bits >> 53n)));
}

export function toStopStrings(stop: string | readonly string[] | null | undefined): readonly string[] {
  if (stop === null || stop === undefined) return [];
  return typeof stop === "string" ? [stop] : stop;
}

export function toOutputConstraint(
  request: Pick<GenerationFields, "grammar"> & { readonly response_format?: ResponseFormat | null | undefined },
): OutputConstraint {
  if (typeof request.grammar === "string") return { type: "grammar", grammar: request.grammar };
  const format = request.response_format;
  switch (format?.type) {
    case "json_schema": {
      const { name, schema, strict } = format.json_schema;
      return {
        type: "json-schema",
        name,
        schema,
        strict: strict ?? false,
        ...given("order", writtenOrder(schema)),
      };
    }
    case "json_object":
      return format.schema
        ? {
            type: "json-schema",
            name: "response",
            schema: format.schema as JsonSchema,
            strict: false,
            ...given("order", writtenOrder(format.schema)),
          }
        : { type: "json-object" };
    default:
      return { type: "text" };
  }
}

function toLogitBias(bias: Record<string, number> | null | undefined): [number, number][] | undefined {
  const entries = Object.entries(bias ?? {});
  return entries.length === 0 ? undefined : entries.map(([token, value]) => [Number(token), value]);
}
