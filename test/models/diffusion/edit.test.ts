// Image to image and inpainting, through the encoder of the folder.
import { rmSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import {
  createDiffusionModels,
  decodePicture,
  edit,
  eventsOf,
  fileOf,
  generate,
  type LogLine,
} from "../../support/diffusion.ts";

const models = createDiffusionModels();
afterAll(() => models.close());

const sd15 = () => models.folder("sd15");

/** A picture with a gradient. */
function picture(size = 64, shade = 0): Promise<Buffer> {
  const data = Uint8Array.from({ length: size * size * 3 }, (_, i) => ((i % 3) * 60 + (i / size) * 0.7 + shade) % 256);
  return sharp(data, { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toBuffer();
}

/** Transparent where `isOpen`. */
function maskWhere(isOpen: (x: number, y: number) => boolean, size = 64): Promise<Buffer> {
  const data = new Uint8Array(size * size * 4).fill(255);
  for (let i = 0; i < size * size; i++) if (isOpen(i % size, Math.floor(i / size))) data[i * 4 + 3] = 0;
  return sharp(data, { raw: { width: size, height: size, channels: 4 } })
    .png()
    .toBuffer();
}

describe("image to image", () => {
  it("depends on picture, prompt, seed and strength, and repeats itself", async () => {
    const backend = await models.open(sd15(), { pngMetadata: false });
    const image = await picture();
    const first = fileOf(await edit(backend, { image, strength: 0.5 }));
    expect(fileOf(await edit(backend, { image, strength: 0.5 }))).toEqual(first);
    for (const other of [
      { image: await picture(64, 90), strength: 0.5 },
      { image, strength: 0.75 },
      { image, strength: 0.5, seed: 2 },
      { image, strength: 0.5, prompt: "a blue boat" },
    ]) {
      expect(fileOf(await edit(backend, other))).not.toEqual(first);
    }
  });

  it("runs the share of the steps that strength says", async () => {
    const backend = await models.open(sd15());
    const image = await picture();
    const steps = async (strength: number) =>
      eventsOf(await edit(backend, { image, steps: 10, scheduler: "ddim", strength }), "progress").length;
    expect(await steps(0.3)).toBe(3);
    expect(await steps(1)).toBe(10);
  });

  it("says that the seed does not reach an encoder that draws inside of its graph, and holds it with any other", async () => {
    const log: LogLine[] = [];
    const backend = await models.open(models.folder("sd15-legacy"), { pngMetadata: false }, log);
    expect(log.filter(({ level }) => level === "warn").map(({ message }) => message)).toEqual([
      "vae_encoder draws random numbers inside of its graph: edits of one seed differ.",
    ]);
    const image = await picture();
    const drawn = await edit(backend, { image, strength: 0.5 });
    expect(drawn[0]).toEqual({
      type: "accepted",
      warnings: [
        "{seed} does not reach the model's vae_encoder, which draws random numbers of its own: pictures differ.",
      ],
    });
    expect(fileOf(await edit(backend, { image, strength: 0.5 }))).not.toEqual(fileOf(drawn));
    expect((await generate(backend))[0]).toEqual({ type: "accepted" });
    expect((await edit(await models.open(sd15()), { image, strength: 0.5 }))[0]).toEqual({ type: "accepted" });
  });

  it("keeps the proportions of the picture where no size is asked for", async () => {
    const backend = await models.open(models.folder("sd15-legacy"), { defaultSize: 64 });
    const wide = await sharp(await picture(128))
      .resize(200, 100, { fit: "fill" })
      .png()
      .toBuffer();
    const [image] = eventsOf(await edit(backend, { image: wide, size: null }), "image");
    expect(image!.size).toEqual({ width: 88, height: 64 });
  });

  it("counts the tokens of the picture that is read", async () => {
    const backend = await models.open(sd15());
    expect(eventsOf(await edit(backend, { image: await picture() }), "finish")[0]!.inputImageTokens).toBe(65 + 129);
  });

  it("takes any picture format and its orientation", async () => {
    const backend = await models.open(sd15());
    const turned = await sharp(await picture())
      .resize(128, 64, { fit: "fill" })
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const [image] = eventsOf(await edit(backend, { image: turned, size: null }), "image");
    expect(image!.size.height).toBeGreaterThan(image!.size.width);
  });

  it("refuses what is no picture, and a strength that leaves no step", async () => {
    const backend = await models.open(sd15());
    const noPicture = edit(backend, { image: Buffer.from("hello") });
    await expect(noPicture).rejects.toMatchObject({ kind: "invalid_value", param: "image" });
    const noStep = edit(backend, { image: await picture(), strength: 0.1, steps: 4 });
    await expect(noStep).rejects.toMatchObject({ kind: "invalid_value", param: "strength" });
  });

  it("is no operation of a folder without an encoder", async () => {
    const folder = models.copy("sd15");
    rmSync(join(folder, "vae_encoder"), { recursive: true });
    const backend = await models.open(folder);
    expect(backend.description.operations).toEqual(["image"]);
    await expect(edit(backend, { image: await picture() })).rejects.toMatchObject({ kind: "unsupported_operation" });
  });
});

describe("inpainting with an ordinary UNet", () => {
  it("a mask that is nowhere transparent keeps the picture, whatever the prompt", async () => {
    const backend = await models.open(models.folder("sd15-tiny-vae"), { pngMetadata: false });
    const request = { image: await picture(), mask: await maskWhere(() => false) };
    const first = fileOf(await edit(backend, { ...request, prompt: "a blue boat" }));
    expect(fileOf(await edit(backend, { ...request, prompt: "an old tree", seed: 9 }))).toEqual(first);
  });

  it("a mask that is transparent everywhere forgets the picture at full strength", async () => {
    const backend = await models.open(models.folder("sd15-tiny-vae"), { pngMetadata: false });
    const mask = await maskWhere(() => true);
    const first = fileOf(await edit(backend, { image: await picture(), mask }));
    expect(fileOf(await edit(backend, { image: await picture(64, 90), mask }))).toEqual(first);
    // With nothing to keep, it is the picture that the prompt gives by itself.
    expect(first).toEqual(fileOf(await generate(backend)));
  });

  it("refuses a mask without transparency, and one of another size", async () => {
    const backend = await models.open(sd15());
    const image = await picture();
    const opaque = edit(backend, { image, mask: image });
    await expect(opaque).rejects.toMatchObject({ kind: "invalid_value", param: "mask" });
    const larger = edit(backend, { image, mask: await maskWhere(() => true, 96) });
    await expect(larger).rejects.toMatchObject({ param: "mask", message: expect.stringContaining("96x96") });
  });
});

describe("inpainting models", () => {
  const inpaintingFolder = (): string => models.folder("inpainting");

  it("are fed mask and masked picture, and only edit", async () => {
    const backend = await models.open(inpaintingFolder(), { pngMetadata: false });
    expect(backend.description.operations).toEqual(["image-edit"]);
    expect(backend.description.facts["pipeline"]).toBe("stable-diffusion-inpainting");
    const image = await picture();
    const left = fileOf(await edit(backend, { image, mask: await maskWhere((x) => x < 32) }));
    expect(await decodePicture(left)).toMatchObject({ width: 64, height: 64 });
    expect(fileOf(await edit(backend, { image, mask: await maskWhere((x) => x >= 32) }))).not.toEqual(left);
    expect(
      fileOf(await edit(backend, { image: await picture(64, 90), mask: await maskWhere((x) => x < 32) })),
    ).not.toEqual(left);
  });

  it("forget what is under a transparent place", async () => {
    const backend = await models.open(inpaintingFolder(), { pngMetadata: false });
    const mask = await maskWhere(() => true);
    const first = fileOf(await edit(backend, { image: await picture(), mask }));
    expect(fileOf(await edit(backend, { image: await picture(64, 90), mask }))).toEqual(first);
  });
});
