// Counts image tokens as OpenAI does, for clients that account by them.
import type { ImageSize } from "../../../domain/image.ts";

/** Pixels per side of a patch, by quality. */
const patchSides = { low: 64, medium: 32, auto: 32, high: 16 } as const;

/**
 * Tokens of one generated picture: its patches, plus one per row. This gives OpenAI's published numbers for its own models: 272, 1056
 * and 4160 for 1024x1024; 408, 1584 and 6240 for 1024x1536; 400, 1568 and 6208 for 1536x1024.
 */
export function outputImageTokens({ width, height }: ImageSize, quality: keyof typeof patchSides): number {
  const side = patchSides[quality];
  return Math.ceil(height / side) * (Math.ceil(width / side) + 1);
}

/**
 * Tokens of one uploaded picture: 65, and 129 for every tile of 512x512 of it when its shorter side is scaled to 512, as OpenAI documents
 * for gpt-image-1.
 */
export function inputImageTokens({ width, height }: ImageSize): number {
  const factor = 512 / Math.min(width, height);
  return 65 + 129 * Math.ceil((width * factor) / 512) * Math.ceil((height * factor) / 512);
}
