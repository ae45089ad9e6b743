// The answers of the image endpoints: one object, or the events of a stream.
import { z } from "zod";
import { once } from "../../contract/common.ts";
import type { Wire } from "../../contract/common.ts";

const quality = ["low", "medium", "high"] as const;
const format = ["png", "jpeg", "webp"] as const;

export const imageUsage = once(() =>
  z
    .object({
      input_tokens: z.int(),
      output_tokens: z.int(),
      total_tokens: z.int(),
      input_tokens_details: z.object({ text_tokens: z.int(), image_tokens: z.int() }),
      output_tokens_details: z.object({ text_tokens: z.int(), image_tokens: z.int() }),
    })
    .meta({ id: "ImageUsage" }),
);
export type ImageUsage = Wire<typeof imageUsage>;

export const imagesResponse = once(() =>
  z
    .object({
      created: z.int(),
      data: z.array(
        z.object({
          b64_json: z.string(),
          url: z.null().describe("Always null: images are in the answer."),
          seed: z.int().describe("Extension: the seed that made this image."),
        }),
      ),
      background: z.literal("opaque"),
      output_format: z.enum(format),
      quality: z.enum(quality),
      size: z.string(),
      usage: imageUsage(),
    })
    .meta({ id: "ImagesResponse" }),
);
export type ImagesResponse = Wire<typeof imagesResponse>;

/** `image_generation` for generations, `image_edit` for edits. */
export type ImageEventFamily = "image_generation" | "image_edit";

function eventShape() {
  return {
    b64_json: z.string(),
    created_at: z.int(),
    size: z.string(),
    quality: z.enum(["auto", ...quality]),
    background: z.enum(["auto", "opaque"]),
    output_format: z.enum(format),
    image_index: z.int().describe("Extension: which of n images."),
  };
}

export const imagePartialEvent = once(() =>
  z
    .object({
      type: z.enum(["image_generation.partial_image", "image_edit.partial_image"]),
      ...eventShape(),
      partial_image_index: z.int(),
    })
    .meta({ id: "ImagePartialEvent" }),
);
export type ImagePartialEvent = Wire<typeof imagePartialEvent>;

export const imageCompletedEvent = once(() =>
  z
    .object({
      type: z.enum(["image_generation.completed", "image_edit.completed"]),
      ...eventShape(),
      seed: z.int().describe("Extension: the seed that made this image."),
      usage: imageUsage(),
    })
    .meta({ id: "ImageCompletedEvent" }),
);
export type ImageCompletedEvent = Wire<typeof imageCompletedEvent>;
