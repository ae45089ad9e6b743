import { describe, expect, it } from "vitest";
import { commonSize, fixedSizeOf } from "../../../../../src/backends/diffusion/folder/fixed-size.ts";
import type { GraphName } from "../../../../../src/backends/diffusion/folder/model-folder.ts";

const sizeOf = (name: GraphName, input: string, dims: readonly (number | string)[]) =>
  fixedSizeOf({ inputs: new Map([[input, { name: input, type: "float32", dims }]]) }, { name, vaeScale: 8 });

describe("the size that a graph was exported for", () => {
  it("is in pixels, whatever the graph takes", () => {
    const size = { width: 768, height: 512 };
    expect(sizeOf("unet", "sample", [2, 4, 64, 96])).toEqual({ graph: "unet", size });
    expect(sizeOf("vae_decoder", "latent_sample", ["batch", 4, 64, 96])).toEqual({ graph: "vae_decoder", size });
    expect(sizeOf("vae_encoder", "sample", [1, 3, 512, 768])).toEqual({ graph: "vae_encoder", size });
  });

  it("is none where a side is open, or the graph takes no picture", () => {
    expect(sizeOf("unet", "sample", [2, 4, "height", 64])).toBeUndefined();
    expect(sizeOf("unet", "sample", [2, 4, -1, -1])).toBeUndefined();
    expect(sizeOf("text_encoder", "input_ids", [1, 77])).toBeUndefined();
  });

  it("must be the same for all", () => {
    const unet = sizeOf("unet", "sample", [2, 4, 64, 64])!;
    const decoder = sizeOf("vae_decoder", "latent_sample", [1, 4, 64, 64])!;
    expect(commonSize("/sd", [])).toBeUndefined();
    expect(commonSize("/sd", [unet, decoder])).toEqual({ width: 512, height: 512 });
    const small = sizeOf("vae_encoder", "sample", [1, 3, 64, 64])!;
    expect(() => commonSize("/sd", [unet, decoder, small])).toThrow(
      "/sd: unet was exported for pictures of 512x512, and vae_encoder was exported for pictures of 64x64; " +
        "these do not belong together. Export them with dynamic axes.",
    );
  });
});
