import { describe, expect, it } from "vitest";
import {
  decodeActivationBytes,
  estimateMemoryBytes,
  loadedWeightBytes,
  unetActivationBytes,
} from "../../../../../src/backends/diffusion/folder/memory-estimate.ts";

const mebibyte = 2 ** 20;
/** The shape of Stable Diffusion 1 at a fifth of its width, on which the figures below were measured. */
const folder = {
  unetConfig: {
    block_out_channels: [64, 128, 256, 256],
    attention_head_dim: [4, 4, 4, 4],
    down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
  },
  vaeConfig: { block_out_channels: [32, 64, 128, 128] },
  vaeScale: 8,
};
const size = { width: 512, height: 512 };

describe("estimates of memory", () => {
  it("of a UNet's activations are near what was measured", () => {
    expect(unetActivationBytes(folder, { size, batch: 1 }) / mebibyte / 533).toBeCloseTo(1, 0);
    expect(unetActivationBytes(folder, { size, batch: 2 }) / mebibyte / 1038).toBeCloseTo(1, 0);
  });

  it("of a decode are near what was measured, and bounded by the tile", () => {
    expect(decodeActivationBytes(folder, { size, tileSize: 128 }) / mebibyte / 287).toBeCloseTo(1, 0);
    const large = { width: 4096, height: 4096 };
    const tile = { width: 512, height: 512 };
    expect(decodeActivationBytes(folder, { size: large, tileSize: 64 })).toBe(
      decodeActivationBytes(folder, { size: tile, tileSize: 64 }),
    );
  });

  it("of weights depend on the file that holds them and on widening", () => {
    expect(loadedWeightBytes({ graphBytes: 140, externalBytes: 0 }, { widened: false })).toBeCloseTo(294, 0);
    expect(loadedWeightBytes({ graphBytes: 0, externalBytes: 140 }, { widened: false })).toBeCloseTo(175, 0);
    expect(loadedWeightBytes({ graphBytes: 70, externalBytes: 0 }, { widened: true })).toBeCloseTo(294, 0);
  });

  it("are less with one graph at a time", () => {
    const weights = new Map([
      ["text_encoder", 500 * mebibyte],
      ["unet", 3000 * mebibyte],
      ["vae_decoder", 200 * mebibyte],
    ] as const);
    const of = (lowMemory: boolean) =>
      estimateMemoryBytes(folder, { weights, lowMemory, size, batch: 1, tileSize: 128 });
    expect(of(false) - of(true)).toBeGreaterThan(500 * mebibyte);
  });
});
