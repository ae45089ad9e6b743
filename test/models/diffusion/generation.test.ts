// Whole folders of every family, run end to end.
import { afterAll, describe, expect, it } from "vitest";
import type { ImageEvent } from "../../../src/domain/image.ts";
import {
  createDiffusionModels,
  decodePicture,
  eventsOf,
  fileOf,
  generate,
  imageRequest,
  statisticsOf,
  tinyImagePath,
  type LogLine,
} from "../../support/diffusion.ts";
import type { PictureModel } from "../../support/picture-fixtures.ts";
import { runBackend } from "../../support/run-backend.ts";

const models = createDiffusionModels();
afterAll(() => models.close());

describe("families", () => {
  const families: readonly (readonly [PictureModel, string, { readonly steps: number; readonly guidance: number }])[] =
    [
      ["sd15", "stable-diffusion", { steps: 25, guidance: 7.5 }],
      ["sd21", "stable-diffusion", { steps: 25, guidance: 7.5 }],
      ["sd-turbo", "stable-diffusion-turbo", { steps: 1, guidance: 0 }],
      ["sdxl", "stable-diffusion-xl", { steps: 25, guidance: 7.5 }],
      ["sdxl-turbo", "stable-diffusion-xl-turbo", { steps: 1, guidance: 0 }],
      ["lcm", "stable-diffusion-lcm", { steps: 4, guidance: 8.5 }],
    ];

  it.each(families)("%s is detected as %s and draws a picture", async (family, pipeline, { steps, guidance }) => {
    const backend = await models.open(models.folder(family));
    expect(backend.description.facts).toMatchObject({ pipeline, steps, guidance_scale: guidance });
    const events = await generate(backend);
    expect(events[0]).toEqual({ type: "accepted" });
    expect(events.at(-1)).toMatchObject({ type: "finish" });
    const picture = await decodePicture(fileOf(events));
    expect(picture).toMatchObject({ width: 64, height: 64 });
    expect(statisticsOf(picture).spread).toBeGreaterThan(10);
  });
});

describe("the bundled model", () => {
  it("generates at its native size and gives exactly the size that was asked for", async () => {
    const log: LogLine[] = [];
    const backend = await models.open(tinyImagePath, { nativeSize: 64, upscale: true }, log);
    for (const size of [
      { width: 256, height: 256 },
      { width: 384, height: 256 },
    ]) {
      const events = await generate(backend, { size });
      expect(await decodePicture(fileOf(events))).toMatchObject(size);
      expect(eventsOf(events, "image")[0]!.size).toEqual(size);
    }
    const sizes = log.filter((line) => line.message === "Made images.").map((line) => line.facts["size"]);
    // The native area in the proportions asked for.
    expect(sizes).toEqual(["64x64", "80x56"]);
  });

  it("has the size of its configuration as default", async () => {
    const backend = await models.open(tinyImagePath, { nativeSize: 64, upscale: true });
    const [image] = eventsOf(await generate(backend, { size: null }), "image");
    expect(image!.size).toEqual({ width: 512, height: 512 });
  });
});

describe("seeds", () => {
  it("the same request gives the same bytes, another seed others", async () => {
    const backend = await models.open(models.folder("sd15"));
    const first = fileOf(await generate(backend));
    expect(fileOf(await generate(backend))).toEqual(first);
    expect(fileOf(await generate(backend, { seed: 2 }))).not.toEqual(first);
    const reopened = await models.open(models.folder("sd15"));
    expect(fileOf(await generate(reopened))).toEqual(first);
  });

  it("image i of n is the picture of seed + i", async () => {
    const backend = await models.open(models.folder("sd15"), { pngMetadata: false });
    const images = eventsOf(await generate(backend, { n: 3, seed: 10 }), "image");
    expect(images.map(({ image, seed }) => [image, seed])).toEqual([
      [0, 10],
      [1, 11],
      [2, 12],
    ]);
    for (const { seed, bytes } of images) expect(fileOf(await generate(backend, { seed }))).toEqual(bytes);
  });

  it("chooses a seed below 2^32 where none is given and says which", async () => {
    const backend = await models.open(models.folder("sd-turbo"), { pngMetadata: false });
    const { seed: _seed, ...seedless } = { ...imageRequest, steps: 1 };
    const events: ImageEvent[] = [];
    for await (const event of runBackend(backend, "image", seedless)) events.push(event);
    const [image] = eventsOf(events, "image");
    expect(image!.seed).toBeGreaterThanOrEqual(0);
    expect(image!.seed).toBeLessThan(2 ** 32);
    expect(fileOf(await generate(backend, { seed: image!.seed, steps: 1 }))).toEqual(image!.bytes);
  });
});

describe("guidance", () => {
  it("as one batch and as two runs gives the same picture", async () => {
    const path = models.folder("sd15");
    const batch = await decodePicture(fileOf(await generate(await models.open(path, { guidanceBatch: "batch" }))));
    const separate = await decodePicture(
      fileOf(await generate(await models.open(path, { guidanceBatch: "separate" }))),
    );
    const difference = Math.max(...batch.data.map((value, i) => Math.abs(value - separate.data[i]!)));
    expect(difference).toBeLessThanOrEqual(1);
  });

  it("is skipped at 1 and below: the negative prompt is not even encoded", async () => {
    const backend = await models.open(models.folder("sd15"), { pngMetadata: false });
    const plain = await generate(backend, { guidanceScale: 1 });
    const negative = await generate(backend, { guidanceScale: 0.5, negativePrompt: "fog and rain" });
    expect(fileOf(negative)).toEqual(fileOf(plain));
    expect(eventsOf(negative, "finish")[0]!.promptTokens).toBe(eventsOf(plain, "finish")[0]!.promptTokens);
  });

  it("follows negative prompt, scale and rescale", async () => {
    const path = models.folder("sd15");
    const backend = await models.open(path, { pngMetadata: false });
    const rescaled = await models.open(path, { pngMetadata: false, guidanceRescale: 0.7 });
    const files = [
      fileOf(await generate(backend)),
      fileOf(await generate(backend, { negativePrompt: "fog" })),
      fileOf(await generate(backend, { guidanceScale: 3 })),
      fileOf(await generate(rescaled)),
    ];
    expect(new Set(files.map((file) => Buffer.from(file).toString("base64"))).size).toBe(files.length);
  });

  it("is an input of an LCM's UNet, which is run once per step", async () => {
    const backend = await models.open(models.folder("lcm"), { pngMetadata: false });
    const files = [
      fileOf(await generate(backend, { guidanceScale: 2 })),
      fileOf(await generate(backend, { guidanceScale: 8 })),
    ];
    expect(files[0]).not.toEqual(files[1]);
    expect(fileOf(await generate(backend, { guidanceScale: 8, negativePrompt: "fog" }))).toEqual(files[1]);
  });
});

describe("text", () => {
  it("prompts longer than one chunk are encoded whole, and counted", async () => {
    const backend = await models.open(models.folder("sd15"), { pngMetadata: false });
    const words = Array.from({ length: 90 }, (_, i) => (i % 2 === 0 ? "house" : "sea"));
    const long = await generate(backend, { prompt: words.join(" ") });
    const longer = await generate(backend, { prompt: [...words, "mountain"].join(" ") });
    expect(fileOf(long)).not.toEqual(fileOf(longer));
    // 90 words in two chunks with two frame tokens each, and an empty negative prompt of one.
    expect(eventsOf(long, "finish")[0]!.promptTokens).toBeGreaterThanOrEqual(90 + 4 + 2);
  });

  it("works for both of SDXL's encoders at any length", async () => {
    const backend = await models.open(models.folder("sdxl"), { pngMetadata: false });
    const prompt = Array.from({ length: 160 }, () => "house").join(" ");
    expect(fileOf(await generate(backend, { prompt }))).not.toEqual(
      fileOf(await generate(backend, { prompt: `${prompt} sea` })),
    );
  });

  it("refuses a prompt that is longer than any model takes", async () => {
    const backend = await models.open(models.folder("sd15"));
    const prompt = Array.from({ length: 2000 }, () => "house").join(" ");
    await expect(generate(backend, { prompt })).rejects.toMatchObject({
      kind: "context_length_exceeded",
      param: "prompt",
    });
  });
});

describe("schedulers", () => {
  it.each(["euler", "euler_a", "dpmpp_2m", "dpmpp_2m_karras", "ddim", "pndm", "lcm", "unipc", "heun"])(
    "%s draws a picture when it is asked for",
    async (scheduler) => {
      const backend = await models.open(models.folder("sd15"));
      const picture = await decodePicture(fileOf(await generate(backend, { scheduler, steps: 6 })));
      expect(statisticsOf(picture).spread).toBeGreaterThan(5);
    },
  );

  it("refuses an unknown one and names those that there are", async () => {
    const backend = await models.open(models.folder("sd15"));
    await expect(generate(backend, { scheduler: "magic" })).rejects.toMatchObject({
      kind: "invalid_value",
      param: "scheduler",
      message: expect.stringContaining("dpmpp_2m_karras"),
    });
  });

  it("names steps where a scheduler cannot take so many", async () => {
    const backend = await models.open(models.folder("sd15"));
    await expect(generate(backend, { steps: 1001 })).rejects.toMatchObject({ kind: "invalid_value", param: "steps" });
  });
});
