// Maps validated image requests to the domain's, for generations and edits.
import { ServerError } from "../../../domain/errors.ts";
import type { ImageEditRequest, ImageRequest } from "../../../domain/image.ts";
import type { ImageRequestWire } from "./generation.ts";
import { parseSize } from "./generation.ts";
import type { ImageEditRequestWire, ImageReference } from "./edit.ts";
import { given } from "../../contract/common.ts";

/** `request` has passed the image contract. `size: null` in the answer means the model's default. */
export function toImageRequest(
  request: Omit<ImageRequestWire, "style"> & Pick<Partial<ImageRequestWire>, "style">,
): ImageRequest {
  return {
    prompt: request.prompt,
    ...given("negativePrompt", request.negative_prompt),
    n: request.n ?? 1,
    size: request.size ? parseSize(request.size) : null,
    format: request.output_format ?? "png",
    compression: request.output_compression ?? 100,
    quality: toQuality(request.quality),
    style: request.style ?? null,
    ...given("steps", request.steps),
    ...given("guidanceScale", request.guidance_scale),
    ...given("seed", request.seed),
    ...given("scheduler", request.scheduler),
    partialImages: request.partial_images ?? 0,
  };
}

/** `request` has passed the image edit contract. Throws `invalid_value` for a data URL that holds no base64. */
export function toImageEditRequest(request: ImageEditRequestWire): ImageEditRequest {
  const file = Array.isArray(request.image) ? request.image[0] : request.image;
  const reference = request.images?.[0];
  const image = file ?? (reference ? fromDataUrl(reference, "images[0]") : undefined);
  if (image === undefined) {
    throw new ServerError("missing_parameter", { message: "Missing required parameter: 'image'.", param: "image" });
  }
  const { mask } = request;
  return {
    ...toImageRequest(request),
    image,
    mask: mask ? (mask instanceof Uint8Array ? mask : fromDataUrl(mask, "mask")) : null,
    ...given("strength", request.strength),
  };
}

/** DALL-E's two qualities become those of the later models. */
function toQuality(quality: ImageRequestWire["quality"]): ImageRequest["quality"] {
  if (quality === "standard") return "medium";
  return quality === "hd" ? "high" : (quality ?? "auto");
}

function fromDataUrl(reference: ImageReference, param: string): Uint8Array {
  const url = reference.image_url ?? "";
  const bytes = Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
  if (bytes.length === 0) {
    throw new ServerError("invalid_value", {
      message: `Invalid '${param}.image_url': the data URL holds no picture.`,
      param: `${param}.image_url`,
    });
  }
  return bytes;
}
