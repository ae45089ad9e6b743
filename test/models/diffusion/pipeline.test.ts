// Whole pictures against an independent pipeline.
import { afterAll, describe, expect, it } from "vitest";
import type { DiffusionFamily } from "../../../scripts/build-models/fixtures/diffusion-families.ts";
import { createDiffusionModels, decodePicture, fileOf, generate, imageRequest } from "../../support/diffusion.ts";
import { drawReferencePicture, type ReferencePictureOptions } from "../../support/reference-pipeline.ts";

const models = createDiffusionModels();
afterAll(() => models.close());

type Case = Pick<
  ReferencePictureOptions,
  "steps" | "guidanceScale" | "negativePrompt" | "spacing" | "scalingFactor" | "xl"
>;

const plain: Case = {
  steps: 5,
  guidanceScale: 7.5,
  negativePrompt: "",
  spacing: "leading",
  scalingFactor: 0.18215,
  xl: false,
};

describe("a picture of the engine is the picture of an independent pipeline", () => {
  const cases: readonly (readonly [string, DiffusionFamily, Case])[] = [
    ["Stable Diffusion 1 with guidance", "sd1", plain],
    ["Stable Diffusion 1 with a negative prompt", "sd1", { ...plain, negativePrompt: "fog and rain" }],
    ["Stable Diffusion 1 without guidance", "sd1", { ...plain, guidanceScale: 1 }],
    ["SD-Turbo in one step", "sd-turbo", { ...plain, steps: 1, guidanceScale: 0, spacing: "trailing" }],
    ["SDXL with an empty negative prompt", "sdxl", { ...plain, scalingFactor: 0.13025, xl: true }],
    ["SDXL with a negative prompt", "sdxl", { ...plain, negativePrompt: "fog", scalingFactor: 0.13025, xl: true }],
  ];

  it.each(cases)("%s", async (_name, family, options) => {
    const folder = models.folder(family, { family });
    const backend = await models.open(folder);
    const size = { width: 96, height: 64 };
    const { steps, guidanceScale, negativePrompt } = options;
    const request = { size, steps, guidanceScale, negativePrompt, seed: 42, scheduler: "euler" };
    const drawn = await decodePicture(fileOf(await generate(backend, request)));
    const expected = await drawReferencePicture(folder, { ...options, ...size, seed: 42, prompt: imageRequest.prompt });
    const differences = drawn.data.map((value, i) => Math.abs(value - expected[i]!));
    expect(drawn.data.length).toBe(expected.length);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });
});
