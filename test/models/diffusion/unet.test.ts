// The UNet as the engine runs it, against an independent float64 forward pass.
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import type { DiffusionFamily } from "../../../scripts/build-models/fixtures/diffusion-families.ts";
import { assertUnet, createDenoiser } from "../../../src/backends/diffusion/unet/denoiser.ts";
import { guidanceEmbedding } from "../../../src/backends/diffusion/unet/guidance.ts";
import { OnnxGraph } from "../../../src/backends/onnx/graph.ts";
import { DeviceSession } from "../../../src/backends/onnx/graph-session.ts";
import type { Conditioning } from "../../../src/backends/diffusion/prompt/text-conditioning.ts";
import { TorchGenerator } from "../../../src/backends/diffusion/noise/torch-random.ts";
import { createDiffusionModels, tinyImagePath } from "../../support/diffusion.ts";
import { createReferenceUnet } from "../../support/reference-unet.ts";

const models = createDiffusionModels();
afterAll(() => models.close());

const width = 12;
const height = 8;
const random = new TorchGenerator(7);
const sample = random.randn(4 * width * height);

async function openUnet(folder: string): Promise<OnnxGraph> {
  const session = await InferenceSession.create(join(folder, "unet/model.onnx"), { intraOpNumThreads: 1 });
  const graph = new OnnxGraph(new DeviceSession(session), { name: "unet/model.onnx", clock: { runMs: 0 } });
  assertUnet(graph);
  return graph;
}

function prompt(contextWidth: number, pooledWidth: number): Conditioning {
  return {
    states: random.randn(77 * contextWidth),
    tokens: 77,
    width: contextWidth,
    pooled: pooledWidth > 0 ? random.randn(pooledWidth) : undefined,
  };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

const sizes = { width, height, pictureWidth: width * 8, pictureHeight: height * 8, inputChannels: 4 } as const;

describe("the UNet's forward pass", () => {
  const cases: readonly (readonly [DiffusionFamily | "tiny-image", number, number])[] = [
    ["sd1", 32, 0],
    ["sdxl", 80, 48],
    ["lcm", 32, 0],
    ["tiny-image", 64, 0],
  ];

  it.each(cases)("of %s agrees with plain loops within 1e-4", async (family, contextWidth, pooledWidth) => {
    const folder = family === "tiny-image" ? tinyImagePath : models.folder(family, { family });
    const graph = await openUnet(folder);
    const positive = prompt(contextWidth, pooledWidth);
    const scale = 4;
    const denoiser = createDenoiser(graph, {
      conditioning: { positive, negative: undefined },
      ...sizes,
      guidanceScale: scale,
      guidanceRescale: 0,
      batched: true,
    });
    const reference = createReferenceUnet(folder);
    for (const timestep of [999, 421, 1]) {
      const expected = reference({
        sample: sample.map((value) => Math.fround(value * 0.5)),
        height,
        width,
        timestep,
        context: positive.states,
        ...(positive.pooled === undefined ? {} : { pooled: positive.pooled, timeIds: [64, 96, 0, 0, 64, 96] }),
        ...(family === "lcm" ? { timestepCondition: guidanceEmbedding(scale, 16) } : {}),
      });
      const actual = await denoiser.predict(graph, { sample, inputScale: 0.5, timestep });
      expect(actual.length).toBe(expected.length);
      expect(largestDifference(actual, expected)).toBeLessThan(1e-4);
    }
    await graph.release();
  });

  it.each([true, false])("with guidance is u + g (c - u) of two passes (one batch: %s)", async (batched) => {
    const folder = models.folder("sd1", { family: "sd1" });
    const graph = await openUnet(folder);
    const [positive, negative] = [prompt(32, 0), prompt(32, 0)];
    const denoiser = createDenoiser(graph, {
      conditioning: { positive, negative },
      ...sizes,
      guidanceScale: 7.5,
      guidanceRescale: 0,
      batched,
    });
    const reference = createReferenceUnet(folder);
    const pass = ({ states }: Conditioning) => reference({ sample, height, width, timestep: 500, context: states });
    const [conditional, unconditional] = [pass(positive), pass(negative)];
    const expected = unconditional.map((u, i) => u + 7.5 * (conditional[i]! - u));
    const actual = await denoiser.predict(graph, { sample, inputScale: 1, timestep: 500 });
    // Differences of the passes are multiplied by the guidance.
    expect(largestDifference(actual, expected)).toBeLessThan(1e-3);
    await graph.release();
  });
});
