// POST /v1/images/generations: request, fields and rules. Edits build on these.
import { z } from "zod";
import { inspected, once, typeProblem, valueProblem } from "../../contract/common.ts";
import type { Problem, Wire } from "../../contract/common.ts";
import { invalidValue, unsupportedValue } from "../../contract/contract.ts";
import type { RequestContract } from "../../contract/contract.ts";
import { accepted, honoured, honouredWith } from "../../contract/field-table.ts";
import type { FieldTable } from "../../contract/field-table.ts";
import { timeToLive } from "../../contract/time-to-live.ts";

const maxSide = 16_384;
const sizePattern = /^(\d{1,5})\s*[x*×]\s*(\d{1,5})$/i;

/** Fields that generations and edits share. */
export function imageShape() {
  return {
    model: z.string().min(1).nullish(),
    prompt: z.string().max(32_000),
    n: z.int().min(1).max(10).nullish(),
    size: size().nullish(),
    quality: z.enum(["standard", "hd", "low", "medium", "high", "auto"]).nullish(),
    response_format: z.enum(["url", "b64_json"]).nullish(),
    output_format: z.enum(["png", "jpeg", "webp"]).nullish(),
    output_compression: z.int().min(0).max(100).nullish(),
    background: z.enum(["transparent", "opaque", "auto"]).nullish(),
    moderation: z.enum(["low", "auto"]).nullish(),
    stream: z.boolean().nullish(),
    partial_images: z.int().min(0).max(3).nullish(),
    user: z.string().nullish(),
    negative_prompt: z.string().max(32_000).nullish().describe("Extension: what the image should not show."),
    steps: z.int().min(1).max(1000).nullish().describe("Extension: denoising steps."),
    guidance_scale: z.number().min(0).max(100).nullish().describe("Extension: classifier-free guidance."),
    seed: z.int().min(0).nullish().describe("Extension: image i is made with seed + i."),
    scheduler: z.string().min(1).max(64).nullish().describe("Extension: a scheduler by its short name."),
    ttl: timeToLive().nullish(),
  };
}

/** How the fields of {@link imageShape} are handled. */
export const imageFields: FieldTable = {
  model: honouredWith("May be left out, as OpenAI's document allows: the configured default answers."),
  prompt: honouredWith("May be empty."),
  n: honouredWith("1..10."),
  size: honouredWith(
    "1024x1024, 1024*1024 or auto, which is the model's default size. The model's configuration says which sizes it makes.",
  ),
  quality: honouredWith(
    "Scales the model's default steps: low 0.6, medium (standard) and auto 1, high (hd) 1.6; no effect with steps.",
  ),
  response_format: honouredWith("b64_json, which is also the default; url is refused."),
  output_format: honoured,
  output_compression: honouredWith("For jpeg and webp; less than 100 is refused for png."),
  background: honouredWith("opaque and auto; transparent is refused."),
  moderation: accepted("There is no moderation whose strength could be changed."),
  stream: honoured,
  partial_images: honouredWith("0..3, only with stream."),
  user: accepted("Identifies an end user to OpenAI's abuse detection; this server has none."),
  negative_prompt: honouredWith("Extension. SDXL encodes an empty one, and takes zeros where there is none."),
  steps: honouredWith("Extension."),
  guidance_scale: honouredWith("Extension."),
  seed: honouredWith("Extension: 0 to 2^53 - 1; image i of n is made with seed + i, and the answer says which."),
  scheduler: honouredWith("Extension."),
  ttl: honouredWith("Extension: seconds, or a duration such as 10m, for which the model stays loaded."),
};

export const imageRequest = once(() =>
  z.object({ ...imageShape(), style: z.enum(["vivid", "natural"]).nullish() }).meta({ id: "ImageRequest" }),
);
export type ImageRequestWire = Wire<typeof imageRequest>;

export const imageRequestFields: FieldTable = {
  ...imageFields,
  style: honouredWith("Scales the model's default guidance: vivid 1.2, natural 0.8; no effect with guidance_scale."),
};

export const imageContract: RequestContract<ImageRequestWire> = {
  schema: imageRequest,
  fields: imageRequestFields,
  check: checkImageFields,
};

/** Rules that generations and edits share. */
export function checkImageFields(request: Omit<ImageRequestWire, "style">): void {
  if (request.response_format === "url") {
    throw unsupportedValue(
      "response_format",
      "Unsupported value: 'url' is not supported: images are returned in the answer. Supported values are: 'b64_json'.",
    );
  }
  if (request.background === "transparent") {
    throw unsupportedValue(
      "background",
      "Unsupported value: 'transparent' backgrounds are not supported. Supported values are: 'opaque' and 'auto'.",
    );
  }
  const format = request.output_format ?? "png";
  if (format === "png" && (request.output_compression ?? 100) < 100) {
    throw invalidValue(
      "output_compression",
      "Invalid value for 'output_compression': less than 100 is only allowed with 'output_format' of 'jpeg' or 'webp'.",
    );
  }
  if ((request.partial_images ?? 0) > 0 && request.stream !== true) {
    throw invalidValue(
      "partial_images",
      "Invalid value for 'partial_images': 'partial_images' is only allowed when 'stream' is enabled.",
    );
  }
  if (typeof request.seed === "number" && request.seed > Number.MAX_SAFE_INTEGER - ((request.n ?? 1) - 1)) {
    throw invalidValue("seed", "Invalid 'seed': seed + n must stay below 2^53.");
  }
}

/** Width and height of a valid `size`; `null` for `auto` and for a text that is no size. */
export function parseSize(text: string): { readonly width: number; readonly height: number } | null {
  const match = sizePattern.exec(text.trim());
  const width = Number(match?.[1]);
  const height = Number(match?.[2]);
  return width >= 1 && height >= 1 && width <= maxSide && height <= maxSide ? { width, height } : null;
}

function size(): z.ZodType<string> {
  return inspected<string>(inspectSize, {
    type: "string",
    pattern: "^(auto|[0-9]{1,5}[x*][0-9]{1,5})$",
    examples: ["1024*1024", "1024x1024", "auto"],
  });
}

function inspectSize(value: unknown): Problem | null {
  if (typeof value !== "string") return typeProblem("a string", value);
  if (value === "auto" || parseSize(value) !== null) return null;
  return valueProblem(
    `'${value.slice(0, 40)}' is not a size. Expected WIDTHxHEIGHT in pixels, such as '1024x1024' or '1024*1024', or 'auto'.`,
  );
}
