// The builders at full size have exactly as many parameters as the published models: no layer is missing or misshapen.

import { describe, expect, it } from "vitest";

import { type OnnxModel } from "../../../scripts/build-models/formats/onnx.ts";
import { familyOptions, sd1Sizes, sdxlSizes } from "../../../scripts/build-models/fixtures/diffusion-families.ts";
import { bertModel, bertShapes } from "../../../scripts/build-models/shapes/bert.ts";
import { clipTextModel } from "../../../scripts/build-models/shapes/clip-text.ts";
import { unetModel } from "../../../scripts/build-models/shapes/unet.ts";
import { vaeDecoderModel, vaeEncoderModel } from "../../../scripts/build-models/shapes/vae.ts";

const sd1 = familyOptions("sd1", sd1Sizes);
const sdxl = familyOptions("sdxl", sdxlSizes);
const seed = 1;

describe("parameters at full size", () => {
  it.each<[string, () => OnnxModel, number]>([
    ["Stable Diffusion 1's UNet", () => unetModel({ ...sd1.unet, seed }), 859_520_964],
    ["Stable Diffusion XL's UNet", () => unetModel({ ...sdxl.unet, seed }), 2_567_463_684],
    ["CLIP ViT-L/14's text encoder", () => clipTextModel({ shape: sd1Sizes.text, seed }), 123_060_480],
    ["OpenCLIP ViT-bigG/14's text encoder", () => clipTextModel({ ...sdxl.textEncoder2!, seed }), 694_659_840],
    ["the VAE's decoder", () => vaeDecoderModel({ shape: sd1.vae, seed }), 49_490_199],
    ["the VAE's encoder", () => vaeEncoderModel({ shape: sd1.vae, seed }), 34_163_664],
    // e5-small-v2 has 33,360,000 with the pooler of 384 * 385 that no embedding uses.
    ["e5-small", () => bertModel({ shape: bertShapes["e5-small"], seed }), 33_360_000 - 384 * 385],
    ["e5-large", () => bertModel({ shape: bertShapes["e5-large"], seed }), 335_141_888 - 1024 * 1025],
  ])("%s", (_name, build, published) => {
    expect(parameters(build())).toBe(published);
  });
});

/** Trained numbers: not the constants of shapes and scales, nor the fixed factors inside group normalisation. */
function parameters(model: OnnxModel): number {
  return model.initializers
    .filter(({ name }) => /(?<!\.instance)\.(?:weight|bias)$/.test(name))
    .reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0);
}
