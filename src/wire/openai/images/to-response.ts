// Maps the events of an image request to one images object, or to the server-sent events of its stream.
import type { ImageEvent, ImageRequest, ImageSize } from "../../../domain/image.ts";
import type {
  ImageCompletedEvent,
  ImageEventFamily,
  ImagePartialEvent,
  ImagesResponse,
  ImageUsage,
} from "./response.ts";
import type { SseEvent } from "../../sse-event.ts";

export interface ImageAnswerContext {
  /** Unix seconds now; called for every event of a stream. */
  readonly nowSeconds: () => number;
  readonly request: Pick<ImageRequest, "n" | "format" | "quality">;
  /** As the caller asked; echoed in stream events. */
  readonly background: "auto" | "opaque";
}

type FinishedImage = Extract<ImageEvent, { type: "image" }>;
type FinishEvent = Extract<ImageEvent, { type: "finish" }>;

/** Collects the events of one image request. Throws what `events` throws. */
export async function collectImagesResponse(
  events: AsyncIterable<ImageEvent>,
  context: ImageAnswerContext,
): Promise<ImagesResponse> {
  const images: FinishedImage[] = [];
  let usage: FinishEvent | undefined;
  for await (const event of events) {
    if (event.type === "image") images.push(event);
    else if (event.type === "finish") usage = event;
  }
  return toImagesResponse({ images, usage }, context);
}

function toImagesResponse(
  made: { readonly images: readonly FinishedImage[]; readonly usage: FinishEvent | undefined },
  context: ImageAnswerContext,
): ImagesResponse {
  const [first] = made.images;
  if (made.usage === undefined || first === undefined)
    throw new Error("An image request ended without images or usage.");
  const { promptTokens, imageTokens, inputImageTokens } = made.usage;
  return {
    created: context.nowSeconds(),
    data: [...made.images]
      .sort((a, b) => a.image - b.image)
      .map((image) => ({ b64_json: toBase64(image.bytes), url: null, seed: image.seed })),
    background: "opaque",
    output_format: context.request.format,
    // auto has the same settings as medium, and OpenAI's answer does not have the value auto.
    quality: context.request.quality === "auto" ? "medium" : context.request.quality,
    size: toSizeText(first.size),
    usage: toImageUsage({ promptTokens, imageTokens, inputImageTokens }),
  };
}

/** The name of each event is also the `type` of its data. */
export type ImageEventMapper = (event: ImageEvent) => readonly SseEvent[];

/**
 * Partial images are sent at once. Completed ones must carry usage, which is known only when all images are made, so they are sent then;
 * the usages of one request's events add up to that of the request. OpenAI's stream has no event for a step, so a comment tells it to
 * people and breaks no client.
 */
export function createImageEventMapper(family: ImageEventFamily, context: ImageAnswerContext): ImageEventMapper {
  const finished: FinishedImage[] = [];
  const { request } = context;

  function shared(event: { readonly image: number; readonly bytes: Uint8Array; readonly size: ImageSize }) {
    return {
      b64_json: toBase64(event.bytes),
      created_at: context.nowSeconds(),
      size: toSizeText(event.size),
      quality: request.quality,
      background: context.background,
      output_format: request.format,
      image_index: event.image,
    };
  }

  return (event) => {
    switch (event.type) {
      case "accepted":
        return [];
      case "progress":
        return [{ comment: `image ${event.image + 1} of ${request.n}, step ${event.step} of ${event.steps}` }];
      case "partial": {
        const type = `${family}.partial_image` as const;
        const data: ImagePartialEvent = { type, ...shared(event), partial_image_index: event.index };
        return [{ event: type, data: JSON.stringify(data) }];
      }
      case "image":
        finished.push(event);
        return [];
      case "finish":
        return finished.map((image, index) => {
          const type = `${family}.completed` as const;
          const share = shareOf(event, index, finished.length);
          const data: ImageCompletedEvent = { type, ...shared(image), seed: image.seed, usage: toImageUsage(share) };
          return { event: type, data: JSON.stringify(data) };
        });
    }
  };
}

type Tokens = Pick<FinishEvent, "promptTokens" | "imageTokens" | "inputImageTokens">;

/** The tokens of one image's event. The first carries the input, which was read once; the output is divided, its remainder to the first. */
function shareOf(usage: FinishEvent, index: number, count: number): Tokens {
  const each = Math.floor(usage.imageTokens / count);
  if (index > 0) return { promptTokens: 0, inputImageTokens: 0, imageTokens: each };
  const { promptTokens, inputImageTokens } = usage;
  return { promptTokens, inputImageTokens, imageTokens: usage.imageTokens - each * (count - 1) };
}

function toImageUsage(tokens: Tokens): ImageUsage {
  const inputTokens = tokens.promptTokens + tokens.inputImageTokens;
  return {
    input_tokens: inputTokens,
    output_tokens: tokens.imageTokens,
    total_tokens: inputTokens + tokens.imageTokens,
    input_tokens_details: { text_tokens: tokens.promptTokens, image_tokens: tokens.inputImageTokens },
    output_tokens_details: { text_tokens: 0, image_tokens: tokens.imageTokens },
  };
}

function toSizeText(size: ImageSize): string {
  return `${size.width}x${size.height}`;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
