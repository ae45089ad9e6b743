// POST /v1/images/generations and /v1/images/edits: every picture is decoded by another library and measured.
import OpenAI, { toFile } from "openai";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { jsonHeaders, type Stream } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";

const api = useContractServer();
const path = "/v1/images/generations";
const edits = "/v1/images/edits";
const base = { model: "tiny-image", prompt: "A beautiful sunset over the ocean", size: "64x64", steps: 2 };

interface ImageData {
  readonly b64_json: string;
  readonly url?: null;
  readonly seed?: number;
}
interface ImagesAnswer {
  readonly created: number;
  readonly data: readonly ImageData[];
  readonly size: string;
  readonly quality: string;
  readonly background: string;
  readonly output_format: string;
  readonly usage: Usage;
}
interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens: number;
  readonly input_tokens_details: { readonly text_tokens: number; readonly image_tokens: number };
}
interface ImageEvent extends ImageData {
  readonly type: string;
  readonly created_at: number;
  readonly size: string;
  readonly partial_image_index?: number;
  readonly usage?: Usage;
}

function generate(body: Record<string, unknown> = {}): Promise<ImagesAnswer> {
  return api.ok(path, { ...base, ...body });
}

function bytesOf(image: { readonly b64_json?: string | null | undefined } | undefined): Buffer {
  return Buffer.from(image?.b64_json ?? "", "base64");
}

async function expectPicture(
  image: Pick<ImageData, "b64_json"> | undefined,
  wanted: { format: string; width: number; height: number },
) {
  const picture = sharp(bytesOf(image));
  expect(await picture.metadata()).toMatchObject(wanted);
  // Decodes every pixel, not only the header.
  const { info } = await picture.raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([wanted.width, wanted.height]);
}

async function testPicture(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: { r: 200, g: 80, b: 20 } } })
    .png()
    .toBuffer();
}

describe("the shape of an answer", () => {
  it("is OpenAI's images object with url null, as the provider's reference has it", async () => {
    const answer = await generate();
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60);
    expect(answer.data).toHaveLength(1);
    expect(answer.data[0]?.url).toBeNull();
    expect(answer).toMatchObject({ size: "64x64", output_format: "png", background: "opaque" });
    expect(answer.usage.total_tokens).toBe(answer.usage.input_tokens + answer.usage.output_tokens);
    expect(answer.usage.input_tokens).toBeGreaterThan(0);
    expect(answer.usage.output_tokens).toBeGreaterThan(0);
    await expectPicture(answer.data[0], { format: "png", width: 64, height: 64 });
  });

  it("is what the SDK reads under OpenAI's names", async () => {
    const client = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: "none", maxRetries: 0 });
    for (const model of ["dall-e-3", "gpt-image-1"]) {
      const answer = await client.images.generate({
        model,
        prompt: "A cat",
        size: "256x256",
        response_format: "b64_json",
      });
      await expectPicture({ b64_json: answer.data?.[0]?.b64_json ?? "" }, { format: "png", width: 256, height: 256 });
    }
  });

  it("is made by the default model when none is named, as OpenAI's document allows", async () => {
    const answer = await api.ok<ImagesAnswer>(path, { prompt: "x", size: "64x64", steps: 1 });
    expect(answer.data).toHaveLength(1);
    await api.ok<ImagesAnswer>(path, { prompt: "x", size: "64x64", steps: 1, model: null });
  });
});

describe("sizes", () => {
  it.each(["64x64", "64*64", "128x64", "64X128", "256*256", "512x512"])("%s is what comes out", async (size) => {
    const [width, height] = size.toLowerCase().split(/[x*]/).map(Number) as [number, number];
    const answer = await generate({ size });
    expect(answer.size).toBe(`${width}x${height}`);
    await expectPicture(answer.data[0], { format: "png", width, height });
  });

  it("1024*1024 of the provider's own example", async () => {
    const answer = await generate({ size: "1024*1024", n: 1, response_format: "b64_json" });
    await expectPicture(answer.data[0], { format: "png", width: 1024, height: 1024 });
  });

  it("auto, null and none are 1024x1024, as the bundled model is configured and the provider's reference has it", async () => {
    for (const size of ["auto", null, undefined]) {
      const { size: named, data } = await generate({ size });
      expect(named).toBe("1024x1024");
      await expectPicture(data[0], { format: "png", width: 1024, height: 1024 });
    }
  });

  it.each([
    "0x0",
    "8x8",
    "63x64",
    "100000x100000",
    "4096x4096",
    "big",
    "64",
    "64x",
    "x64",
    "-64x64",
    "64.5x64",
    "",
    "64x64x64",
    64,
    {},
  ])("%j is refused by name", async (size) => {
    const error = await api.refused(path, { ...base, size }, { param: "size" });
    expect(error.type).toBe("invalid_request_error");
  });
});

describe("n and seeds", () => {
  it("makes n different pictures, each with its seed", async () => {
    const answer = await generate({ n: 3, seed: 100 });
    expect(answer.data.map((image) => image.seed)).toEqual([100, 101, 102]);
    expect(new Set(answer.data.map((image) => image.b64_json)).size).toBe(3);
    const second = await generate({ seed: 101 });
    expect(await pixels(second.data[0])).toEqual(await pixels(answer.data[1]));
  });

  it("repeats a picture byte for byte", async () => {
    expect((await generate({ seed: 7 })).data[0]?.b64_json).toBe((await generate({ seed: 7 })).data[0]?.b64_json);
  });

  it("says which random seed it took, and takes it back", async () => {
    const first = (await generate()).data[0];
    expect(Number.isSafeInteger(first?.seed)).toBe(true);
    expect((await generate({ seed: first?.seed })).data[0]?.b64_json).toBe(first?.b64_json);
  });

  it("reads the prompt", async () => {
    const [a, b] = [
      await generate({ seed: 1, guidance_scale: 7.5 }),
      await generate({ seed: 1, guidance_scale: 7.5, prompt: "A black cat" }),
    ];
    expect(await pixels(a.data[0])).not.toEqual(await pixels(b.data[0]));
  });

  it("adds up the usage of n pictures", async () => {
    const [one, two] = [await generate(), await generate({ n: 2 })];
    expect(two.usage.output_tokens).toBe(2 * one.usage.output_tokens);
    expect(two.usage.input_tokens).toBe(one.usage.input_tokens);
  });
});

describe("formats and settings", () => {
  it.each([
    ["png", undefined],
    ["jpeg", undefined],
    ["jpeg", 40],
    ["webp", 0],
    ["webp", 100],
  ])("makes %s with compression %s", async (output_format, output_compression) => {
    const answer = await generate({ output_format, output_compression });
    expect(answer.output_format).toBe(output_format);
    await expectPicture(answer.data[0], { format: output_format, width: 64, height: 64 });
  });

  it("takes every quality, style, background and moderation that it can honour", async () => {
    const qualities = ["auto", "low", "medium", "high", "standard", "hd", null];
    for (const quality of qualities) expect((await generate({ quality, steps: 1 })).data).toHaveLength(1);
    for (const style of ["vivid", "natural", null]) await generate({ style, steps: 1 });
    for (const background of ["auto", "opaque", null]) await generate({ background, steps: 1 });
    for (const moderation of ["auto", "low", null]) await generate({ moderation, steps: 1 });
    await generate({
      user: "u",
      n: null,
      response_format: null,
      output_format: null,
      output_compression: null,
      stream: null,
      partial_images: null,
      frobnicate: 1,
    });
  });

  it.each([
    ["response_format", "url"],
    ["response_format", "bytes"],
    ["background", "transparent"],
    ["background", "red"],
    ["output_format", "gif"],
    ["output_compression", 101],
    ["output_compression", -1],
    ["output_compression", "50"],
    ["quality", "ultra"],
    ["style", "noir"],
    ["n", 0],
    ["n", 11],
    ["n", "2"],
    ["n", 1.5],
    ["prompt", null],
    ["prompt", undefined],
    ["prompt", 5],
    ["prompt", ["a"]],
    ["prompt", "x".repeat(32_001)],
    ["partial_images", 4],
    ["partial_images", 1],
    ["seed", -1],
    ["seed", 1.5],
    ["steps", 0],
    ["scheduler", "magic"],
    ["moderation", "high"],
    ["stream", "yes"],
    ["user", 5],
  ])("refuses %s: %j by name", async (param, value) => {
    await api.refused(path, { ...base, [param]: value }, { param });
  });
});

describe("a stream", () => {
  function events(body: Record<string, unknown>): Promise<Stream<ImageEvent>> {
    return api.stream<ImageEvent>(path, { ...base, ...body });
  }

  it("has the previews asked for, then the picture, and no [DONE]", async () => {
    const stream = await events({ partial_images: 2, steps: 4, seed: 3 });
    expect(stream.chunks.map((event) => event.type)).toEqual([
      "image_generation.partial_image",
      "image_generation.partial_image",
      "image_generation.completed",
    ]);
    expect(stream.eventNames).toEqual(stream.chunks.map((event) => event.type));
    expect(stream.chunks.slice(0, 2).map((event) => event.partial_image_index)).toEqual([0, 1]);
    for (const event of stream.chunks) await expectPicture(event, { format: "png", width: 64, height: 64 });
    expect(stream.done).toBe(false);
    const last = stream.chunks.at(-1);
    expect(last?.usage?.total_tokens).toBe((last?.usage?.input_tokens ?? 0) + (last?.usage?.output_tokens ?? 0));
    const whole = await generate({ steps: 4, seed: 3 });
    expect(await pixels(last)).toEqual(await pixels(whole.data[0]));
  });

  it("has only the picture without partial_images", async () => {
    for (const partial_images of [0, undefined]) {
      const stream = await events({ partial_images });
      expect(stream.chunks.map((event) => event.type)).toEqual(["image_generation.completed"]);
    }
  });

  it("has one end per picture of n", async () => {
    const stream = await events({ n: 2, partial_images: 1, steps: 3 });
    expect(stream.chunks.filter((event) => event.type === "image_generation.completed")).toHaveLength(2);
  });

  it("is read by the SDK", async () => {
    const client = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: "none", maxRetries: 0 });
    const stream = await client.images.generate({
      model: "gpt-image-1",
      prompt: "A cat",
      size: "256x256",
      stream: true,
      partial_images: 1,
    });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types).toEqual(["image_generation.partial_image", "image_generation.completed"]);
  });

  it("is a plain error when the request is wrong", async () => {
    await api.refused(path, { ...base, stream: true, size: "8x8" }, { param: "size" });
  });
});

describe("edits", () => {
  const form = (fields: Record<string, string | Buffer>): FormData => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value === "string") data.append(name, value);
      else data.append(name, new Blob([new Uint8Array(value)], { type: "image/png" }), `${name}.png`);
    }
    return data;
  };
  const send = (fields: Record<string, string | Buffer>) =>
    api.send<ImagesAnswer & { error: { param: string | null; message: string } }>(edits, {
      method: "POST",
      body: form(fields),
    });

  it("change a picture sent as a form", async () => {
    const image = await testPicture(64, 64);
    const answer = await send({
      model: "tiny-image",
      prompt: "A cat",
      image,
      size: "64x64",
      n: "1",
      steps: "2",
      seed: "4",
    });
    expect(answer.status, answer.text.slice(0, 300)).toBe(200);
    await expectPicture(answer.body.data[0], { format: "png", width: 64, height: 64 });
    expect(answer.body.usage.input_tokens_details.image_tokens).toBeGreaterThan(0);
  });

  it("paint within a mask, through the SDK", async () => {
    const client = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: "none", maxRetries: 0 });
    const mask = await sharp({
      create: { width: 64, height: 64, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    const answer = await client.images.edit({
      model: "gpt-image-1",
      prompt: "A cat",
      image: await toFile(await testPicture(64, 64), "in.png", { type: "image/png" }),
      mask: await toFile(mask, "mask.png", { type: "image/png" }),
      size: "256x256",
    });
    await expectPicture({ b64_json: answer.data?.[0]?.b64_json ?? "" }, { format: "png", width: 256, height: 256 });
  });

  it("stream under their own names", async () => {
    const image = await testPicture(64, 64);
    const response = await fetch(`${api.url}${edits}`, {
      method: "POST",
      body: form({
        model: "tiny-image",
        prompt: "A cat",
        image,
        size: "64x64",
        steps: "3",
        stream: "true",
        partial_images: "1",
      }),
    });
    const text = await response.text();
    expect(response.status, text.slice(0, 300)).toBe(200);
    expect(text).toMatch(/event: image_edit\.partial_image\n[\s\S]*event: image_edit\.completed\n/);
  });

  it("take a picture as a data URL in JSON", async () => {
    const url = `data:image/png;base64,${(await testPicture(64, 64)).toString("base64")}`;
    const answer = await api.ok<ImagesAnswer>(edits, { ...base, images: [{ image_url: url }] });
    await expectPicture(answer.data[0], { format: "png", width: 64, height: 64 });
  });

  it("name what is wrong", async () => {
    const image = await testPicture(64, 64);
    const cases: readonly (readonly [string, Record<string, string | Buffer>])[] = [
      ["image", { model: "tiny-image", prompt: "x" }],
      ["prompt", { model: "tiny-image", image }],
      ["n", { model: "tiny-image", prompt: "x", image, n: "99" }],
      ["n", { model: "tiny-image", prompt: "x", image, n: "many" }],
      ["size", { model: "tiny-image", prompt: "x", image, size: "8x8" }],
      ["image", { model: "tiny-image", prompt: "x", image: Buffer.from("this is no picture") }],
      ["mask", { model: "tiny-image", prompt: "x", image, mask: Buffer.from("this is no picture") }],
      ["response_format", { model: "tiny-image", prompt: "x", image, response_format: "url" }],
    ];
    for (const [param, fields] of cases) {
      const answer = await send(fields);
      expect(answer.status, `${param}: ${answer.text.slice(0, 200)}`).toBe(400);
      expect(answer.body.error.param, answer.body.error.message).toBe(param);
    }
    const unknown = await send({ model: "nobody", prompt: "x", image });
    expect(unknown.status).toBe(404);
  });

  it("refuse a broken form and another media type", async () => {
    const broken = await api.send(edits, {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=x" },
      body: "nonsense",
    });
    expect(broken.status).toBe(400);
    const text = await api.send(edits, { method: "POST", headers: { "content-type": "text/plain" }, body: "x" });
    expect(text.status).toBe(415);
    const json = await api.send(edits, { method: "POST", headers: jsonHeaders, body: "{" });
    expect(json.status).toBe(400);
  });
});

async function pixels(image: { readonly b64_json?: string | null | undefined } | undefined): Promise<Buffer> {
  return sharp(bytesOf(image)).raw().toBuffer();
}
