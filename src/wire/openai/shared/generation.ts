// Fields that chat and completions share: sampling, limits, streaming, and extensions of local servers.
import { z } from "zod";
import { ServerError } from "../../../domain/errors.ts";
import { isRecord } from "../../../util/is-record.ts";
import { describeJsonType, freeFormObject, inspected, typeProblem, valueProblem } from "../../contract/common.ts";
import type { Problem } from "../../contract/common.ts";
import type { FieldTable } from "../../contract/field-table.ts";
import { accepted, honoured, honouredWith } from "../../contract/field-table.ts";
import { timeToLive } from "../../contract/time-to-live.ts";

const int64 = 2 ** 63;

/** The zod shape of the shared fields. Every call makes a new one, since each endpoint's schema is built on its own. */
export function generationShape() {
  return {
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    top_k: z.int().min(-1).nullish().describe("Extension: sample from the k likeliest tokens; 0 or -1 = off."),
    min_p: z.number().min(0).max(1).nullish().describe("Extension: drop tokens below this share of the likeliest."),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    repeat_penalty: z.number().positive().max(100).nullish().describe("Extension: 1 = off."),
    logit_bias: logitBias().nullish(),
    seed: seed().nullish(),
    reproducible: z
      .boolean()
      .nullish()
      .describe("Extension: true = only a model configured as reproducible may answer; any other is a 400."),
    stop: stop().nullish(),
    n: z.int().min(1).max(128).nullish(),
    stream: z.boolean().nullish(),
    stream_options: z
      .object({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
      .nullish(),
    grammar: z.string().min(1).nullish().describe("Extension: a GBNF grammar that the output must match."),
    ttl: timeToLive().nullish(),
    user: z.string().nullish(),
    metadata: freeFormObject("Accepted and not kept.").nullish(),
  };
}

/** The values of {@link generationShape}. */
export type GenerationFields = z.output<z.ZodObject<ReturnType<typeof generationShape>>>;

/** How the fields of {@link generationShape} are handled. */
export const generationFields: FieldTable = {
  temperature: honoured,
  top_p: honoured,
  top_k: honouredWith("Extension of local servers; 0 and -1 switch it off."),
  min_p: honouredWith("Extension of local servers."),
  presence_penalty: honoured,
  frequency_penalty: honoured,
  repeat_penalty: honouredWith("Extension of local servers; 1 switches it off."),
  logit_bias: honouredWith(
    "Keys are token ids of the model; decimals are taken too. -100 bans a token; where a schema, a grammar or a required call leaves " +
      "no other one, it is written all the same.",
  ),
  seed: honouredWith("Any 64-bit integer, negative ones included; those beyond 2^53 are folded into 53 bits."),
  reproducible: honouredWith("Extension: true is refused where the model is not configured with reproducible: true."),
  stop: honouredWith("An empty list means none."),
  n: honouredWith("1..128."),
  stream: honoured,
  stream_options: honouredWith("Only with stream. include_obfuscation pads chunks only when it is true."),
  grammar: honouredWith("Extension: GBNF."),
  ttl: honouredWith("Extension: seconds, or a duration such as 10m, for which the model stays loaded."),
  user: accepted("Identifies an end user to OpenAI's abuse detection; this server has none."),
  metadata: accepted("Labels for OpenAI's stored completions; nothing is stored here."),
};

export interface GenerationRequest {
  readonly stream?: boolean | null | undefined;
  readonly stream_options?: object | null | undefined;
}

export function checkStreamOptions(request: GenerationRequest): void {
  // `== null` on purpose: explicit null means absent everywhere.
  if (request.stream_options != null && request.stream !== true) {
    throw new ServerError("invalid_value", {
      message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      param: "stream_options",
    });
  }
}

/** Names of functions and response schemas. */
const namePattern = /^[a-zA-Z0-9_-]{1,64}$/;

export function nameSchema() {
  return z.string().regex(namePattern, { abort: true });
}

function logitBias(): z.ZodType<Record<string, number>> {
  return inspected<Record<string, number>>(inspectLogitBias, {
    type: "object",
    additionalProperties: { type: "number", minimum: -100, maximum: 100 },
    description: "Token id of the model -> value added to its logit.",
  });
}

function inspectLogitBias(value: unknown): Problem | null {
  if (!isRecord(value)) return typeProblem("an object", value);
  for (const [key, bias] of Object.entries(value)) {
    const shown = key.slice(0, 40);
    if (!/^\d{1,10}$/.test(key)) {
      return valueProblem(`key '${shown}' is not a token id. Expected keys that are non-negative integers.`);
    }
    if (typeof bias !== "number" || !Number.isFinite(bias)) {
      return {
        kind: "invalid_type",
        message: (param) =>
          `Invalid type for '${param}': expected numbers as values, but got ${describeJsonType(bias)} for token ${shown}.`,
      };
    }
    if (bias < -100 || bias > 100) {
      return valueProblem(`value ${bias} of token ${shown} is out of range. Expected a value from -100 to 100.`);
    }
  }
  return null;
}

function seed(): z.ZodType<number> {
  return inspected<number>(
    (value) => {
      if (typeof value !== "number" || !Number.isInteger(value)) return typeProblem("an integer", value);
      if (value < -int64 || value > int64) return valueProblem("out of range. Expected a 64-bit integer.");
      return null;
    },
    { type: "integer", minimum: -int64, maximum: int64 },
  );
}

function stop(): z.ZodType<string | string[]> {
  return inspected<string | string[]>(inspectStop, {
    anyOf: [
      { type: "string", minLength: 1 },
      { type: "array", maxItems: 4, items: { type: "string", minLength: 1 } },
    ],
    description: "Up to 4 strings at which generation ends; none of them is in the output.",
  });
}

function inspectStop(value: unknown): Problem | null {
  if (value === "") return valueProblem("string too short. Expected a string with minimum length 1.");
  if (typeof value === "string") return null;
  if (!Array.isArray(value)) return typeProblem("one of a string or array of strings", value);
  if (value.length > 4) {
    return valueProblem(
      `array too long. Expected an array with maximum length 4, but got an array with length ${value.length} instead.`,
    );
  }
  for (const [index, entry] of value.entries()) {
    if (typeof entry !== "string") return typeProblem("a string", entry, [index]);
    if (entry === "") return valueProblem("string too short. Expected a string with minimum length 1.", [index]);
  }
  return null;
}
