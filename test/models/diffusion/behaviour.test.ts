// The image backend's sizes, previews, cancellation, queue, memory, files and refusals.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { elementTypes, writeOnnx } from "../../../scripts/build-models/formats/onnx.ts";
import { createGraph } from "../../../scripts/build-models/graph/builder.ts";
import { convolution, upsampleTwice } from "../../../scripts/build-models/graph/layers.ts";
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

const sd1 = () => models.folder("sd1", { family: "sd1" });
const sd1Copy = (name: string): string => {
  const path = models.emptyFolder(name);
  cpSync(sd1(), path, { recursive: true });
  return path;
};

describe("sizes", () => {
  it("refuses what the model cannot make and names sizes that work", async () => {
    const backend = await models.open(sd1(), { minSize: 64, maxSize: 256, defaultSize: 128 });
    for (const [size, near] of [
      [{ width: 100, height: 128 }, "104x128"],
      [{ width: 1024, height: 1024 }, "256x256"],
      [{ width: 64, height: 8 }, "64x64"],
    ] as const) {
      await expect(generate(backend, { size })).rejects.toMatchObject({
        kind: "invalid_value",
        param: "size",
        message: expect.stringMatching(new RegExp(`multiples of 8 from 64 to 256.*${near}.*128x128`)),
      });
    }
  });

  it("makes any multiple of 8 where the UNet does", async () => {
    const backend = await models.open(sd1());
    const size = { width: 72, height: 104 };
    expect(await decodePicture(fileOf(await generate(backend, { size })))).toMatchObject(size);
  });

  it("finds out at load that a UNet fits only multiples of its own steps", async () => {
    const path = sd1Copy("strict");
    const graph = createGraph({ name: "unet", seed: 5 });
    const sample = graph.input("sample", "float32", ["batch_size", 4, "height", "width"]);
    graph.input("timestep", "int64", ["batch_size"]);
    graph.input("encoder_hidden_states", "float32", ["batch_size", "sequence_length", 32]);
    const small = convolution(graph, "down", sample, { inputs: 4, outputs: 4, stride: 2 });
    const joined = graph.node("Concat", [sample, upsampleTwice(graph, small)], { axis: 1 });
    graph.output("out_sample", convolution(graph, "out", joined, { inputs: 8, outputs: 4 }), {
      dims: ["batch_size", 4, "height", "width"],
    });
    writeOnnx(join(path, "unet/model.onnx"), graph.build());
    const backend = await models.open(path);
    expect(backend.description.facts["size_multiple"]).toBe(16);
    await expect(generate(backend, { size: { width: 72, height: 64 } })).rejects.toMatchObject({ param: "size" });
    expect(await decodePicture(fileOf(await generate(backend, { size: { width: 80, height: 64 } })))).toMatchObject({
      width: 80,
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
    const backend = await models.open(sd1(), {}, log);
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
    const backend = await models.open(sd1(), { pngMetadata: false });
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
    const backend = await models.open(sd1());
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
    const backend = await models.open(sd1());
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
    const backend = await models.open(sd1(), {}, log);
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
    const backend = await models.open(sd1());
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
    const backend = await models.open(sd1(), { maxQueue: 0 });
    for await (const event of runBackend(backend, "image", { ...imageRequest, steps: 500 })) {
      if (event.type === "progress") break;
    }
    expect(eventsOf(await generate(backend), "image").length).toBe(1);
  });

  it("takes a waiting request out of the queue", async () => {
    const backend = await models.open(sd1());
    const abort = new AbortController();
    const running = generate(backend, { steps: 30 });
    const waiting = generate(backend, {}, abort.signal);
    setImmediate(() => abort.abort(new ServerError("cancelled", "no longer")));
    await expect(waiting).rejects.toMatchObject({ message: "no longer" });
    expect(eventsOf(await running, "image").length).toBe(1);
  });

  it("by disposal ends running requests", async () => {
    const backend = await models.open(sd1());
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
    const backend = await models.open(sd1(), { maxQueue: 1 });
    const first = generate(backend);
    const second = generate(backend);
    await expect(generate(backend)).rejects.toMatchObject({
      kind: "overloaded",
      retryAfterSeconds: expect.any(Number),
    });
    expect(eventsOf(await first, "image").length + eventsOf(await second, "image").length).toBe(2);
  });

  it("takes turns per image, so that one picture does not wait for ten", async () => {
    const backend = await models.open(sd1());
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
    for (const [name, family] of [
      ["sd1", "sd1"],
      ["sdxl", "sdxl"],
    ] as const) {
      const path = models.folder(name, { family });
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
    const usual = await models.open(sd1());
    const low = await models.open(sd1(), { lowMemory: true });
    expect(usual.description.memoryBytes).toBeGreaterThan(50 * 2 ** 20);
    expect(low.description.memoryBytes).toBeLessThan(usual.description.memoryBytes);
  });

  it("large pictures are decoded in tiles, nearly as in one piece", async () => {
    const size = { width: 256, height: 192 };
    const request = { size, steps: 2 };
    const whole = await decodePicture(fileOf(await generate(await models.open(sd1()), request)));
    const tiled = await decodePicture(fileOf(await generate(await models.open(sd1(), { vaeTileSize: 16 }), request)));
    expect(tiled).toMatchObject(size);
    // Group normalisation sees a tile where it saw the picture: alike, not equal.
    expect(peakSignalToNoise(tiled.data, whole.data)).toBeGreaterThan(15);
  });
});

describe("files", () => {
  it.each([
    ["png", "png"],
    ["jpeg", "jpeg"],
    ["webp", "webp"],
  ] as const)("are %s where that is asked for", async (format, expected) => {
    const backend = await models.open(sd1());
    const bytes = fileOf(await generate(backend, { format }));
    expect((await sharp(bytes).metadata()).format).toBe(expected);
  });

  it("are smaller with more compression", async () => {
    const backend = await models.open(sd1());
    for (const format of ["jpeg", "webp"] as const) {
      const size = async (compression: number) => fileOf(await generate(backend, { format, compression })).length;
      expect(await size(20)).toBeLessThan(await size(90));
    }
  });

  it("carry their parameters as image tools write them, unless that is off", async () => {
    const backend = await models.open(sd1());
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
    const silent = await models.open(sd1(), { pngMetadata: false });
    expect((await sharp(fileOf(await generate(silent, request))).metadata()).comments).toBeUndefined();
  });
});

describe("settings of a request", () => {
  it("quality scales the steps, style the guidance, and both give way to plain numbers", async () => {
    const backend = await models.open(sd1(), { steps: 5 });
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
  /** Flags pictures that are brighter than `limit` to CLIP. */
  function withChecker(name: string, limit: number): string {
    const path = sd1Copy(name);
    const graph = createGraph({ name: "safety_checker", seed: 1 });
    const clip = graph.input("clip_input", "float32", ["batch", 3, "height", "width"]);
    const images = graph.input("images", "float32", ["batch", "image_height", "image_width", 3]);
    const mean = graph.node("ReduceMean", [clip], { axes: [1, 2, 3], keepdims: 0 });
    const flagged = graph.node("Greater", [mean, graph.scalar(limit)]);
    graph.output("out_images", images, { dims: ["batch", "image_height", "image_width", 3] });
    const asBool = graph.node("Cast", [flagged], { to: elementTypes.bool });
    graph.output("has_nsfw_concepts", asBool, { type: "bool", dims: ["batch"] });
    mkdirSync(join(path, "safety_checker"));
    writeOnnx(join(path, "safety_checker/model.onnx"), graph.build());
    return path;
  }

  it("replaces what it flags by black, previews included, and says so in the log", async () => {
    const log: LogLine[] = [];
    const backend = await models.open(withChecker("strict-checker", -100), { safetyChecker: true }, log);
    const events = await generate(backend, { partialImages: 1 });
    for (const { bytes } of [...eventsOf(events, "image"), ...eventsOf(events, "partial")]) {
      expect(statisticsOf(await decodePicture(bytes))).toEqual({ mean: 0, spread: 0 });
    }
    expect(log.filter(({ level, message }) => level === "warn" && message.includes("flagged")).length).toBe(2);
  });

  it("leaves others as they are, and is not used unless configured", async () => {
    const plain = fileOf(await generate(await models.open(sd1())));
    expect(fileOf(await generate(await models.open(withChecker("mild", 100), { safetyChecker: true })))).toEqual(plain);
    expect(fileOf(await generate(await models.open(withChecker("unused", -100))))).toEqual(plain);
  });

  it("must be there where it is configured", async () => {
    await expect(models.open(sd1(), { safetyChecker: true })).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringContaining("safety_checker/model.onnx"),
    });
  });
});

describe("folders that cannot be loaded", () => {
  /** The message of a failed load. */
  const refusalOf = async (path: string): Promise<string> => {
    const failure: unknown = await models.open(path).then(
      () => "it was loaded",
      (error: unknown) => error,
    );
    if (failure instanceof ServerError && failure.kind === "model_load_failed") return failure.message;
    return `not refused as expected: ${String(failure)}`;
  };

  it("a folder of another kind is told what was expected and what was found", async () => {
    const other = models.emptyFolder("flux");
    mkdirSync(join(other, "transformer"));
    writeFileSync(join(other, "model_index.json"), JSON.stringify({ _class_name: "FluxPipeline" }));
    expect(await refusalOf(other)).toMatch(
      /Expected .*unet\/model\.onnx.*Missing: text_encoder.*Found in .*FluxPipeline.*transformer/s,
    );
    expect(await refusalOf(join(other, "nowhere"))).toMatch(/found nothing there/);
  });

  it("weights for another runtime are recognised", async () => {
    const path = sd1Copy("torch");
    rmSync(join(path, "unet/model.onnx"));
    writeFileSync(join(path, "unet/diffusion_pytorch_model.safetensors"), "");
    expect(await refusalOf(path)).toMatch(/unet\/diffusion_pytorch_model\.safetensors.*optimum-cli export onnx/);
  });

  it("a graph that is cut off, and a file that is no graph, are named", async () => {
    const path = sd1Copy("cut");
    const file = join(path, "unet/model.onnx");
    writeFileSync(file, readFileSync(file).subarray(0, 5000));
    expect(await refusalOf(path)).toMatch(/unet\/model\.onnx is not an ONNX graph/);
    writeFileSync(file, "");
    expect(await refusalOf(path)).toMatch(/unet\/model\.onnx/);
  });

  it("external weights that are missing are named", async () => {
    const path = models.emptyFolder("no-weights");
    cpSync(models.folder("sdxl", { family: "sdxl" }), path, { recursive: true });
    rmSync(join(path, "unet/model.onnx_data"));
    expect(await refusalOf(path)).toMatch(/'model\.onnx_data' beside it; that file is missing/);
  });

  it("a missing tokenizer, a missing or unknown scheduler, and other numbers of channels are named", async () => {
    const tokenizer = sd1Copy("tokenizer");
    rmSync(join(tokenizer, "tokenizer"), { recursive: true });
    expect(await refusalOf(tokenizer)).toMatch(/tokenizer/);
    const scheduler = sd1Copy("scheduler");
    writeFileSync(
      join(scheduler, "scheduler/scheduler_config.json"),
      JSON.stringify({ _class_name: "MagicScheduler" }),
    );
    expect(await refusalOf(scheduler)).toMatch(/MagicScheduler/);
    rmSync(join(scheduler, "scheduler"), { recursive: true });
    expect(await refusalOf(scheduler)).toMatch(/scheduler_config\.json is missing/);
    const channels = sd1Copy("channels");
    writeFileSync(join(channels, "unet/config.json"), JSON.stringify({ in_channels: 8 }));
    expect(await refusalOf(channels)).toMatch(/4 input channels, or 9 for inpainting.*8/);
  });

  it("a UNet of SDXL without the second encoder is refused", async () => {
    const path = models.emptyFolder("half-xl");
    cpSync(models.folder("sdxl", { family: "sdxl" }), path, { recursive: true });
    rmSync(join(path, "text_encoder_2"), { recursive: true });
    expect(await refusalOf(path)).toMatch(/text_embeds/);
  });

  it("falls back to the CPU from a device that is not there, and says so", async () => {
    const log: LogLine[] = [];
    const backend = await models.open(sd1(), { executionProviders: ["nonsense", "cpu"] }, log);
    expect(backend.description.device).toBe("cpu");
    expect(backend.description.deviceNote).toContain("nonsense");
    expect(log.some(({ level }) => level === "warn")).toBe(true);
  });
});

it("an operation that the model cannot do is refused by name", async () => {
  const backend = await models.open(sd1());
  await expect(runBackend(backend, "chat", {} as never).next()).rejects.toMatchObject({
    kind: "unsupported_operation",
  });
});
