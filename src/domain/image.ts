// Image requests of the domain, and their events.

export type ImageFormat = "png" | "jpeg" | "webp";

export interface ImageSize {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

export interface ImageRequest {
  readonly prompt: string;
  /** Left out = the model's default. An empty one is a negative prompt too: SDXL encodes it, and takes zeros for none. */
  readonly negativePrompt?: string;
  /** Number of images; image i is made with seed + i. */
  readonly n: number;
  /** `null` = the model's default size. */
  readonly size: ImageSize | null;
  readonly format: ImageFormat;
  /** 0..100, for jpeg and webp. */
  readonly compression: number;
  readonly quality: "auto" | "low" | "medium" | "high";
  readonly style: "vivid" | "natural" | null;
  /** Denoising steps. Left out = the model's default, scaled by `quality`. */
  readonly steps?: number;
  /** Left out = the model's default, scaled by `style`. */
  readonly guidanceScale?: number;
  /** Unsigned, below 2^53. Left out = random. */
  readonly seed?: number;
  /** Sampler by its short name, such as `euler`. Left out = the model's default. */
  readonly scheduler?: string;
  /** Previews per image while it is being made, 0..3. */
  readonly partialImages: number;
}

export interface ImageEditRequest extends ImageRequest {
  /** Encoded picture (png, jpeg, webp) to start from. */
  readonly image: Uint8Array;
  /** Encoded picture whose transparent pixels are to be painted anew; `null` = the whole picture changes. */
  readonly mask: Uint8Array | null;
  /** 0..1: how far to move away from `image`. Left out = 0.8 without a mask, 1 with one. */
  readonly strength?: number;
}

/** Milliseconds of each phase, over all images of the request. */
export interface ImageTimings {
  readonly queueMs: number;
  /** Text encoders over the prompts, and the VAE's encoder over an uploaded picture. */
  readonly conditionMs: number;
  readonly denoiseMs: number;
  /** Latents to pixels. */
  readonly decodeMs: number;
  /** Pixels to a file's bytes. */
  readonly encodeMs: number;
}

/**
 * In order: one `accepted`, with sentences about what of the request is not held; per image any `progress` and `partial`, then one `image`; last one `finish`. Events of different images may
 * interleave.
 */
export type ImageEvent =
  | { readonly type: "accepted"; readonly warnings?: readonly string[] }
  | { readonly type: "progress"; readonly image: number; readonly step: number; readonly steps: number }
  | {
      readonly type: "partial";
      readonly image: number;
      readonly index: number;
      readonly bytes: Uint8Array;
      readonly size: ImageSize;
    }
  | {
      readonly type: "image";
      readonly image: number;
      readonly bytes: Uint8Array;
      readonly seed: number;
      readonly size: ImageSize;
    }
  | {
      readonly type: "finish";
      readonly promptTokens: number;
      readonly imageTokens: number;
      readonly inputImageTokens: number;
      readonly timings: ImageTimings;
    };
