// POST /v1/images/edits: the request as a form (`image`, `mask` as files) or as JSON (`images`, `mask` as data URLs).
import { z } from "zod";
import { ServerError } from "../../../domain/errors.ts";
import { inspected, once, typeProblem, valueProblem } from "../../contract/common.ts";
import type { Problem, Wire } from "../../contract/common.ts";
import { invalidValue, unsupportedValue } from "../../contract/contract.ts";
import type { RequestContract } from "../../contract/contract.ts";
import { honouredWith } from "../../contract/field-table.ts";
import type { FieldTable } from "../../contract/field-table.ts";
import { checkImageFields, imageFields, imageShape } from "./generation.ts";

const dataUrlPattern = /^data:image\/(?:png|jpeg|jpg|webp);base64,/i;

export const imageEditRequest = once(() =>
  z
    .object({
      ...imageShape(),
      image: files().nullish(),
      images: z.array(imageReference()).min(1).max(16).nullish(),
      mask: z.union([file(), imageReference()]).nullish(),
      strength: z.number().min(0).max(1).nullish().describe("Extension: how far to move away from the image."),
      input_fidelity: z.enum(["high", "low"]).nullish(),
    })
    .meta({ id: "ImageEditRequest" }),
);
export type ImageEditRequestWire = Wire<typeof imageEditRequest>;
export type ImageReference = NonNullable<ImageEditRequestWire["images"]>[number];

export const imageEditFields: FieldTable = {
  ...imageFields,
  image: honouredWith("One picture; more than one is refused."),
  images: honouredWith("The JSON form: one data URL. Addresses and file ids are refused."),
  mask: honouredWith("A file, or a data URL in the JSON form."),
  strength: honouredWith("Extension."),
  input_fidelity: honouredWith("low, which is the default; high is refused."),
};

export const imageEditContract: RequestContract<ImageEditRequestWire> = {
  schema: imageEditRequest,
  fields: imageEditFields,
  check: checkImageEdit,
};

/** Fields whose empty text says something. */
const promptFields = new Set(["prompt", "negative_prompt"]);

/** Fields that are numbers in JSON: a form has only text. */
const numberFields = new Set([
  "n",
  "output_compression",
  "partial_images",
  "steps",
  "guidance_scale",
  "seed",
  "strength",
]);

/**
 * The JSON body that a multipart form stands for. `entries` are the form's parts in order, files as bytes. Repeated
 * parts and `name[]` make a list. Numbers and booleans become values where the field wants them; a text that is none
 * stays as it is and is refused by the schema under its name. An empty text means the field was left out, but for prompts.
 */
export function formToBody(
  entries: Iterable<readonly [name: string, value: string | Uint8Array]>,
): Record<string, unknown> {
  const body = new Map<string, unknown>();
  for (const [rawName, rawValue] of entries) {
    const isList = rawName.endsWith("[]");
    const name = isList ? rawName.slice(0, -2) : rawName;
    if (rawValue === "" && !promptFields.has(name)) continue;
    const value = typeof rawValue === "string" ? fieldValue(name, rawValue) : rawValue;
    const before = body.get(name);
    if (Array.isArray(before)) before.push(value);
    else if (before === undefined) body.set(name, isList ? [value] : value);
    else body.set(name, [before, value]);
  }
  // Own properties by definition, so that a part called __proto__ is only one more unknown field.
  return Object.fromEntries(body);
}

function fieldValue(name: string, text: string): unknown {
  if (name === "stream") return text === "true" ? true : text === "false" ? false : text;
  if (numberFields.has(name) && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  return text;
}

function checkImageEdit(request: ImageEditRequestWire): void {
  if (!request.image && !request.images) {
    throw new ServerError("missing_parameter", { message: "Missing required parameter: 'image'.", param: "image" });
  }
  if (request.image && request.images) {
    throw invalidValue("images", "Invalid value for 'images': it cannot be used together with 'image'.");
  }
  if (Array.isArray(request.image) && request.image.length > 1) throw onlyOne("image");
  if (request.images && request.images.length > 1) throw onlyOne("images");
  for (const [index, reference] of (request.images ?? []).entries()) checkReference(reference, `images[${index}]`);
  if (request.mask && !(request.mask instanceof Uint8Array)) checkReference(request.mask, "mask");
  if (request.input_fidelity === "high") {
    throw unsupportedValue(
      "input_fidelity",
      "Unsupported value: 'high' is not supported: use 'strength' to stay closer to the picture. Supported values are: 'low'.",
    );
  }
  checkImageFields(request);
}

function checkReference(reference: ImageReference, param: string): void {
  if (typeof reference.file_id === "string") {
    throw unsupportedValue(
      `${param}.file_id`,
      "Unsupported value: this server stores no files. Send the picture as a data URL.",
    );
  }
  if (typeof reference.image_url !== "string") {
    const message = `Missing required parameter: '${param}.image_url'.`;
    throw new ServerError("missing_parameter", { message, param: `${param}.image_url` });
  }
  if (!dataUrlPattern.test(reference.image_url)) {
    throw unsupportedValue(
      `${param}.image_url`,
      "Unsupported value: pictures are not fetched from addresses. Expected a base64 data URL of image/png, image/jpeg or image/webp.",
    );
  }
}

function onlyOne(param: string): ServerError {
  return unsupportedValue(
    param,
    `Unsupported value: '${param}' must hold one picture; this server edits one at a time.`,
  );
}

function imageReference() {
  return z.object({ image_url: z.string().nullish(), file_id: z.string().nullish() });
}

function file(): z.ZodType<Uint8Array> {
  return inspected<Uint8Array>(inspectFile, { type: "string", contentEncoding: "binary" });
}

function files(): z.ZodType<Uint8Array | Uint8Array[]> {
  return inspected<Uint8Array | Uint8Array[]>(
    (value) => {
      if (!Array.isArray(value)) return inspectFile(value);
      if (value.length === 0) return valueProblem("empty array. Expected one picture.");
      for (const entry of value) {
        const problem = inspectFile(entry);
        if (problem !== null) return problem;
      }
      return null;
    },
    { type: "string", contentEncoding: "binary" },
  );
}

function inspectFile(value: unknown): Problem | null {
  if (!(value instanceof Uint8Array)) return typeProblem("a file", value);
  return value.length === 0 ? valueProblem("the file is empty.") : null;
}
