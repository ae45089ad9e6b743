// The image backend's sizes, previews, cancellation, queue, memory, files and safety checker.
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { ServerError } from "../../../src/domain/errors.ts";
import type { ImageEvent } from "../../../src/domain/image.ts";
import { runBackend } from "../../support/run-backend.ts";
import {
  createDiffusionModels,
  decodePicture,
  eventsOf,
  fileOf,
  generate,
  imageRequest,
  peakSignalToNoise,
  statisticsOf,
  tinyImagePath,
  type LogLine,
} from "../../support/diffusion.ts";

const models = createDiffusionModels();
afterAll(() => models.close());

const sd15 = () => models.folder("sd15");

describe("sizes", () => {
  it("refuses what the model cannot make and names sizes that work", async () => {
    const backend = await models.open(sd15(), { minSize: 64, maxSize: 256, defaultSize: 128 });
    for (const [size, near] of [
      [{ width: 100, height: 128 }, "96x128"],
      [{ width: 1024, height: 1024 }, "256x256"],
      [{ width: 64, height: 8 }, "64x64"],
    ] as const) {
      await expect(generate(backend, { size })).rejects.toMatchObject({
        kind: "invalid_value",
        param: "size",
        message: expect.stringMatching(new RegExp(`multiples of 16 from 64 to 256.*${near}.*128x128`)),
      });
    }
  });

  it("makes any multiple of 8 where the UNet does", async () => {
    const backend = await models.open(models.folder("sd15-legacy"));
    expect(backend.description.facts["size_multiple"]).toBe(8);
    const size = { width: 72, height: 104 };
    expect(await decodePicture(fileOf(await generate(backend, { size })))).toMatchObject(size);
  });

  it("finds out at load that a UNet fits only multiples of its own steps", async () => {
    const backend = await models.open(sd15());
    expect(backend.description.facts["size_multiple"]).toBe(16);
    await expect(generate(backend, { size: { width: 72, height: 64 } })).rejects.toMatchObject({ param: "size" });
    expect(await decodePicture(fileOf(await generate(backend, { size: { width: 80, height: 64 } })))).toMatchObject({
      width: 80,
    });
  });

  it("makes the only size of graphs that were exported for one, with and without guidance", async () => {
    const backend = await models.open(models.folder("sd15-static"));
    for (const guidanceScale of [7.5, 1]) {
      const file = fileOf(await generate(backend, { size: null, guidanceScale }));
      expect(await decodePicture(file)).toMatchObject({ width: 64, height: 64 });
    }
    await expect(generate(backend, { size: { width: 128, height: 64 } })).rejects.toMatchObject({
      param: "size",
      message: expect.stringContaining("exported for one size only. Sizes that work: 64x64."),
    });
  });

  it("makes sizes far above a small model's native size, by resampling", async () => {
    const backend = await models.open(tinyImagePath, { nativeSize: 64, upscale: true, maxSize: 1024 });
    const size = { width: 1024, height: 1024 };
    expect(await decodePicture(fileOf(await generate(backend, { size })))).toMatchObject(size);
  });
});

describe("progress and previews", () => {
  it("tells every step", async () => {
    const log: LogLine[] = [];
    const backend = await models.open(sd15(), {}, log);
    const progress = eventsOf(await generate(backend, { scheduler: "ddim" }), "progress");
    expect(progress.map(({ image, step, steps }) => [image, step, steps])).toEqual([
      [0, 1, 4],
      [0, 2, 4],
      [0, 3, 4],
      [0, 4, 4],
    ]);
    expect(log.filter((line) => line.message === "Denoising step.").length).toBe(4);
  });

  it("shows previews evenly spread, in order, at full size, before the picture", async () => {
    const backend = await models.open(sd15(), { pngMetadata: false });
    const events = await generate(backend, { steps: 9, scheduler: "ddim", partialImages: 2 });
    const partials = eventsOf(events, "partial");
    expect(partials.map(({ image, index, size }) => [image, index, size])).toEqual([
      [0, 0, { width: 64, height: 64 }],
      [0, 1, { width: 64, height: 64 }],
    ]);
    const kinds = events.map((event) => event.type).filter((type) => type === "partial" || type === "image");
    expect(kinds).toEqual(["partial", "partial", "image"]);
    const [first, second] = await Promise.all(partials.map(({ bytes }) => decodePicture(bytes)));
    const last = await decodePicture(fileOf(events));
    // Each preview is nearer to the final picture.
    expect(peakSignalToNoise(second!.data, last.data)).toBeGreaterThan(peakSignalToNoise(first!.data, last.data));
    // Previews do not change the picture.
    expect(fileOf(events)).toEqual(fileOf(await generate(backend, { steps: 9, scheduler: "ddim" })));
  });

  it("shows fewer where there are too few steps", async () => {
    const backend = await models.open(sd15());
    expect(eventsOf(await generate(backend, { steps: 1, scheduler: "euler", partialImages: 3 }), "partial")).toEqual(
      [],
    );
    expect(
      eventsOf(await generate(backend, { steps: 2, scheduler: "euler", partialImages: 3 }), "partial").length,
    ).toBe(1);
  });
});

describe("the last event", () => {
  it("has the times of all phases, which together are no more than the whole", async () => {
    const backend = await models.open(sd15());
    const start = performance.now();
    const [{ timings }] = eventsOf(await generate(backend, { n: 2, partialImages: 1 }), "finish") as [
      Extract<ImageEvent, { type: "finish" }>,
    ];
    const { queueMs, encodeMs, ...onDevice } = timings;
    expect(queueMs).toBeGreaterThanOrEqual(0);
    expect(encodeMs).toBeGreaterThan(0);
    for (const milliseconds of Object.values(onDevice)) expect(milliseconds).toBeGreaterThan(0);
    const spent = queueMs + Object.values(onDevice).reduce((sum, milliseconds) => sum + milliseconds, 0);
    expect(spent).toBeLessThan(performance.now() - start);
  });
});

describe("a reader who is behind", () => {
  it("is waited for between two pictures, while others use the model", async () => {
    const log: LogLine[] = [];
    const backend = await models.open(sd15(), {}, log);
    const made = (of: number): number =>
      log.filter(({ message, facts }) => message === "Made images." && facts["of"] === of).length;
    const slow = runBackend(backend, "image", { ...imageRequest, n: 2 }, { window: 2 });
    expect((await slow.next()).value).toEqual({ type: "accepted" });
    // Nothing more is read: the first picture of two is made, and the three of another request.
    expect(eventsOf(await generate(backend, { n: 3 }), "image").length).toBe(3);
    expect([made(2), made(3)]).toEqual([1, 3]);
    const rest: ImageEvent[] = [];
    for await (const event of slow) rest.push(event);
    expect(eventsOf(rest, "image").map(({ image }) => image)).toEqual([0, 1]);
  });
});

describe("cancellation", () => {
  it("ends within one step with the signal's reason, and the next request runs", async () => {
    const backend = await models.open(sd15());
    const abort = new AbortController();
    const reason = new ServerError("cancelled", "enough");
    const seen: ImageEvent[] = [];
    const run = async (): Promise<void> => {
      for await (const event of runBackend(
        backend,
        "image",
        { ...imageRequest, steps: 200 },
        { signal: abort.signal },
      )) {
        seen.push(event);
        // The message arrives while the next step is under way.
        if (event.type === "progress" && event.step === 3) setImmediate(() => abort.abort(reason));
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(eventsOf(seen, "progress").at(-1)!.step).toBeLessThanOrEqual(5);
    expect(eventsOf(await generate(backend), "image").length).toBe(1);
  });

  it("of a caller that stops reading frees the model", async () => {
    const backend = await models.open(sd15(), { maxQueue: 0 });
    for await (const event of runBackend(backend, "image", { ...imageRequest, steps: 500 })) {
      if (event.type === "progress") break;
    }
    expect(eventsOf(await generate(backend), "image").length).toBe(1);
  });

  it("takes a waiting request out of the queue", async () => {
    const backend = await models.open(sd15());
    const abort = new AbortController();
    const running = generate(backend, { steps: 30 });
    const waiting = generate(backend, {}, abort.signal);
    setImmediate(() => abort.abort(new ServerError("cancelled", "no longer")));
    await expect(waiting).rejects.toMatchObject({ message: "no longer" });
    expect(eventsOf(await running, "image").length).toBe(1);
  });

  it("by disposal ends running requests", async () => {
    const backend = await models.open(sd15());
    const outcome = generate(backend, { steps: 500 }).catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    await backend.dispose();
    expect(await outcome).toMatchObject({ kind: "shutting_down" });
    // A second call does nothing.
    await backend.dispose();
  });
});

describe("the queue", () => {
  it("refuses a request when it is full, with a retry time", async () => {
    const backend = await models.open(sd15(), { maxQueue: 1 });
    const first = generate(backend);
    const second = generate(backend);
    await expect(generate(backend)).rejects.toMatchObject({
      kind: "overloaded",
      retryAfterSeconds: expect.any(Number),
    });
    expect(eventsOf(await first, "image").length + eventsOf(await second, "image").length).toBe(2);
  });

  it("takes turns per image, so that one picture does not wait for ten", async () => {
    const backend = await models.open(sd15());
    const order: string[] = [];
    const many = consume(generateNamed(backend, { n: 4 }), () => order.push("many"));
    const one = consume(generateNamed(backend, { n: 1 }), () => order.push("one"));
    await Promise.all([many, one]);
    expect(order.indexOf("one")).toBeLessThanOrEqual(2);
  });

  async function* generateNamed(
    backend: Awaited<ReturnType<typeof models.open>>,
    request: { n: number },
  ): AsyncGenerator<ImageEvent> {
    yield* runBackend(backend, "image", { ...imageRequest, ...request });
  }

  async function consume(events: AsyncIterable<ImageEvent>, onImage: () => void): Promise<void> {
    for await (const event of events) if (event.type === "image") onImage();
  }
});

describe("memory", () => {
  it("one graph at a time gives the same picture", async () => {
    for (const path of [sd15(), models.folder("sdxl")]) {
      const request = { n: 2, partialImages: 1 };
      const usual = await generate(await models.open(path), request);
      const low = await generate(await models.open(path, { lowMemory: true }), request);
      expect(eventsOf(low, "image").map(({ bytes }) => bytes)).toEqual(
        eventsOf(usual, "image").map(({ bytes }) => bytes),
      );
      expect(eventsOf(low, "partial").length).toBe(eventsOf(usual, "partial").length);
    }
  });

  it("is in the description, and is less with one graph at a time", async () => {
    const usual = await models.open(sd15());
    const low = await models.open(sd15(), { lowMemory: true });
    expect(usual.description.memoryBytes).toBeGreaterThan(50 * 2 ** 20);
    expect(low.description.memoryBytes).toBeLessThan(usual.description.memoryBytes);
  });

  it.each([
    // Group normalisation sees a tile where it saw the picture: alike, not equal.
    ["sd15", 15],
    // This decoder sees no farther than tiles overlap.
    ["sd15-tiny-vae", 40],
  ] as const)("large pictures are decoded in tiles, nearly as in one piece: %s", async (model, decibels) => {
    const size = { width: 256, height: 192 };
    const request = { size, steps: 2 };
    const path = models.folder(model);
    const whole = await decodePicture(fileOf(await generate(await models.open(path), request)));
    const tiled = await decodePicture(fileOf(await generate(await models.open(path, { vaeTileSize: 16 }), request)));
    expect(tiled).toMatchObject(size);
    expect(peakSignalToNoise(tiled.data, whole.data)).toBeGreaterThan(decibels);
  });
});

describe("files", () => {
  it.each([
    ["png", "png"],
    ["jpeg", "jpeg"],
    ["webp", "webp"],
  ] as const)("are %s where that is asked for", async (format, expected) => {
    const backend = await models.open(sd15());
    const bytes = fileOf(await generate(backend, { format }));
    expect((await sharp(bytes).metadata()).format).toBe(expected);
  });

  it("are smaller with more compression", async () => {
    const backend = await models.open(sd15());
    for (const format of ["jpeg", "webp"] as const) {
      const size = async (compression: number) => fileOf(await generate(backend, { format, compression })).length;
      expect(await size(20)).toBeLessThan(await size(90));
    }
  });

  it("carry their parameters as image tools write them, unless that is off", async () => {
    const backend = await models.open(sd15());
    const request = { negativePrompt: "fog", scheduler: "dpmpp_2m_karras", seed: 77 };
    const { comments } = await sharp(fileOf(await generate(backend, request))).metadata();
    expect(comments).toEqual([
      {
        keyword: "parameters",
        text:
          "a red house by the sea\nNegative prompt: fog\n" +
          "Steps: 4, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 77, Size: 64x64, Model: test-model",
      },
    ]);
    const silent = await models.open(sd15(), { pngMetadata: false });
    expect((await sharp(fileOf(await generate(silent, request))).metadata()).comments).toBeUndefined();
  });
});

describe("settings of a request", () => {
  it("quality scales the steps, style the guidance, and both give way to plain numbers", async () => {
    const backend = await models.open(sd15(), { steps: 5 });
    const parametersOf = async (request: Parameters<typeof generate>[1]): Promise<string> => {
      const { steps: _steps, ...rest } = imageRequest;
      const collected: ImageEvent[] = [];
      for await (const event of runBackend(backend, "image", { ...rest, ...request })) collected.push(event);
      return (await sharp(fileOf(collected)).metadata()).comments![0]!.text;
    };
    expect(await parametersOf({ quality: "low" })).toContain("Steps: 3,");
    expect(await parametersOf({ quality: "medium" })).toContain("Steps: 5,");
    expect(await parametersOf({ quality: "high" })).toContain("Steps: 8,");
    expect(await parametersOf({ quality: "high", steps: 2 })).toContain("Steps: 2,");
    expect(await parametersOf({ style: "vivid" })).toContain("CFG scale: 9,");
    expect(await parametersOf({ style: "natural" })).toContain("CFG scale: 6,");
    expect(await parametersOf({ style: "natural", guidanceScale: 3 })).toContain("CFG scale: 3,");
  });

  it("counts image tokens as OpenAI's table does", async () => {
    const backend = await models.open(tinyImagePath, { nativeSize: 64, upscale: true });
    const tokens = async (quality: "low" | "medium" | "high") =>
      eventsOf(await generate(backend, { size: { width: 1024, height: 1024 }, quality, steps: 1 }), "finish")[0]!
        .imageTokens;
    expect([await tokens("low"), await tokens("medium"), await tokens("high")]).toEqual([272, 1056, 4160]);
  });
});

describe("the safety checker", () => {
  const checked = (): string => models.folder("sd15-checked");
  /** A seed whose picture it flags; reference-pictures.test.ts has the picture. */
  const flagged = { seed: 43, steps: 5 };

  it("replaces what it flags by black, previews included, and says so in the log", async () => {
    const log: LogLine[] = [];
    const backend = await models.open(checked(), { safetyChecker: true }, log);
    const events = await generate(backend, { ...flagged, partialImages: 1 });
    expect(statisticsOf(await decodePicture(fileOf(events)))).toEqual({ mean: 0, spread: 0 });
    const told = log.filter(({ level, message }) => level === "warn" && message.includes("flagged")).length;
    let blackPreviews = 0;
    for (const { bytes } of eventsOf(events, "partial")) {
      if (statisticsOf(await decodePicture(bytes)).mean === 0) blackPreviews += 1;
    }
    expect(told).toBe(1 + blackPreviews);
  });

  it("is not used unless configured", async () => {
    const plain = fileOf(await generate(await models.open(sd15()), flagged));
    expect(fileOf(await generate(await models.open(checked()), flagged))).toEqual(plain);
  });

  it("must be there where it is configured", async () => {
    await expect(models.open(sd15(), { safetyChecker: true })).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringContaining("safety_checker/model.onnx"),
    });
  });
});

it("an operation that the model cannot do is refused by name", async () => {
  const backend = await models.open(sd15());
  await expect(runBackend(backend, "chat", {} as never).next()).rejects.toMatchObject({
    kind: "unsupported_operation",
  });
});
