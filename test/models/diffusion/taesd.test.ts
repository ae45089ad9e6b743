// Latents to pixels and back with a real autoencoder (TAESD), built from its published weights by the project's own ONNX writer.
import { cpSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { writeTaesd } from "../../../scripts/build-models/shapes/taesd.ts";
import { OnnxGraph } from "../../../src/backends/onnx/graph.ts";
import { DeviceSession } from "../../../src/backends/onnx/graph-session.ts";
import {
  decodeLatents,
  encodePixels,
  sampleLatents,
  type Latents,
  type Pixels,
} from "../../../src/backends/diffusion/vae/vae.ts";
import { TorchGenerator } from "../../../src/backends/diffusion/noise/torch-random.ts";
import { createDiffusionModels, decodePicture, edit, fileOf, peakSignalToNoise } from "../../support/diffusion.ts";
import { shared, sharedPath } from "../../support/shared.ts";
import { landscape } from "../../support/test-picture.ts";

const models = createDiffusionModels();
afterAll(() => models.close());

const weights = shared("models", "taesd", "taesd_decoder.safetensors");
const folder = { scalingFactor: 1, shiftFactor: 0, vaeScale: 8 };
const betweenRuns = () => Promise.resolve();

async function openPart(path: string, name: string): Promise<OnnxGraph> {
  const session = await InferenceSession.create(join(path, name, "model.onnx"), { intraOpNumThreads: 2 });
  return new OnnxGraph(new DeviceSession(session), { name, clock: { runMs: 0 } });
}

async function encode(path: string, pixels: Pixels): Promise<Latents> {
  const encoded = await encodePixels(await openPart(path, "vae_encoder"), pixels, { folder });
  return sampleLatents(encoded, { folder, random: new TorchGenerator(0) });
}

describe.skipIf(!weights.isMet)(`TAESD from ../shared/models/taesd${weights.note}`, () => {
  function taesd(): string {
    const path = models.emptyFolder("taesd");
    writeTaesd(path, { source: sharedPath("models", "taesd") });
    return path;
  }

  it("encodes and decodes a photograph-like picture with more than 20 dB", async () => {
    const path = taesd();
    const pixels = landscape({ width: 256, height: 192 });
    const latents = await encode(path, pixels);
    const decoded = await decodeLatents(await openPart(path, "vae_decoder"), latents, {
      folder,
      tileSize: 64,
      betweenRuns,
    });
    expect(latents).toMatchObject({ width: 32, height: 24 });
    expect(decoded).toMatchObject({ width: 256, height: 192 });
    expect(peakSignalToNoise(bytesOf(decoded), bytesOf(pixels))).toBeGreaterThan(20);
  });

  it("decodes in tiles what it decodes in one piece", async () => {
    const path = taesd();
    const pixels = landscape({ width: 512, height: 256 });
    const latents = await encode(path, pixels);
    const decoder = await openPart(path, "vae_decoder");
    const whole = await decodeLatents(decoder, latents, { folder, tileSize: 64, betweenRuns });
    const tiled = await decodeLatents(decoder, latents, { folder, tileSize: 24, betweenRuns });
    expect(peakSignalToNoise(bytesOf(tiled), bytesOf(whole))).toBeGreaterThan(40);
  });

  it("inpainting leaves what the mask covers as it was", async () => {
    const path = models.emptyFolder("sd1-taesd");
    cpSync(models.folder("sd1", { family: "sd1" }), path, { recursive: true });
    writeTaesd(path, { source: sharedPath("models", "taesd") });
    const backend = await models.open(path);
    const size = { width: 128, height: 128 };
    const pixels = landscape(size);
    const image = await sharp(bytesOf(pixels), { raw: { ...size, channels: 3 } })
      .png()
      .toBuffer();
    const alpha = Uint8Array.from({ length: 128 * 128 * 4 }, (_, i) => (i % 4 === 3 && (i >> 2) % 128 < 64 ? 0 : 255));
    const mask = await sharp(alpha, { raw: { ...size, channels: 4 } })
      .png()
      .toBuffer();
    const edited = await decodePicture(fileOf(await edit(backend, { image, mask, size })));
    const half = (data: Uint8Array, from: number): Uint8Array =>
      data.filter((_, i) => Math.floor(i / 3) % 128 >= from && Math.floor(i / 3) % 128 < from + 40);
    // Away from the edge. The decoder's wide view lets the wild half tint the kept one, so the two are compared with each other.
    const kept = peakSignalToNoise(half(edited.data, 88), half(bytesOf(pixels), 88));
    const painted = peakSignalToNoise(half(edited.data, 0), half(bytesOf(pixels), 0));
    expect(kept).toBeGreaterThan(15);
    expect(painted).toBeLessThan(kept - 6);
  });
});

function bytesOf({ data }: Pixels): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
