// Real published weights through the ONNX writer: a picture survives encoding and decoding.

import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";

import { writeTaesd } from "../../../scripts/build-models/shapes/taesd.ts";
import { shared, sharedPath } from "../../support/shared.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const reference = shared("models", "taesd");

const folder = temporaryFolder("build-models");
const side = 128;

describe.skipIf(!reference.isMet)(`TAESD from ../shared/models/taesd${reference.note}`, () => {
  it("encodes and decodes a picture with more than 20 dB", async () => {
    writeTaesd(folder, { source: sharedPath("models", "taesd") });
    const encoder = await InferenceSession.create(join(folder, "vae_encoder/model.onnx"));
    const decoder = await InferenceSession.create(join(folder, "vae_decoder/model.onnx"));
    const picture = sunset();
    const encoded = await encoder.run({ sample: new Tensor("float32", picture, [1, 3, side, side]) });
    const latents = encoded["latent_sample"]!;
    expect(latents.dims).toEqual([1, 4, side / 8, side / 8]);
    const decoded = await decoder.run({ latent_sample: latents });
    const pixels = decoded["sample"]!.data as Float32Array;
    const squared = picture.reduce(
      (sum, value, index) => sum + (value - Math.max(-1, Math.min(1, pixels[index]!))) ** 2,
      0,
    );
    // The peak is 2, from -1 to 1.
    expect(10 * Math.log10(4 / (squared / picture.length))).toBeGreaterThan(20);
  });
});

/** A sky fading to the horizon, a sun, a sea with waves: smooth areas and edges, [3, side, side] from -1 to 1. */
function sunset(): Float32Array {
  const pixels = new Float32Array(3 * side * side);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const height = y / side;
      const sea = height > 0.6;
      const sun = Math.hypot(x / side - 0.5, height - 0.45) < 0.15 && !sea;
      const wave = sea ? 0.1 * Math.sin(x / 5 + y) : 0;
      const colour = sun
        ? [1, 0.8, 0.3]
        : sea
          ? [0.1 + wave, 0.2 + wave, 0.5 - wave]
          : [0.3 + height, 0.3 + height / 3, 0.7 - height];
      for (const [channel, value] of colour.entries()) pixels[(channel * side + y) * side + x] = value * 2 - 1;
    }
  }
  return pixels;
}
