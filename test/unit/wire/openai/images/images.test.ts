import { describe, expect, it } from "vitest";
import type { ImageEvent } from "../../../../../src/domain/image.ts";
import { toImageEditRequest, toImageRequest } from "../../../../../src/wire/openai/images/to-domain.ts";
import {
  collectImagesResponse,
  createImageEventMapper,
  type ImageAnswerContext,
} from "../../../../../src/wire/openai/images/to-response.ts";
import { parseRequest } from "../../../../../src/wire/contract/parse-request.ts";
import { formToBody, imageEditContract } from "../../../../../src/wire/openai/images/edit.ts";
import { imageContract } from "../../../../../src/wire/openai/images/generation.ts";
import {
  imageCompletedEvent,
  imagePartialEvent,
  imagesResponse,
} from "../../../../../src/wire/openai/images/response.ts";
import { dataOf } from "../../support/sse-data.ts";
import { faultsOf, openAiDocument } from "../../support/openai-document.ts";
import { replay } from "../../support/text-events.ts";

const size = { width: 1024, height: 1024 };
const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);

const events: readonly ImageEvent[] = [
  { type: "accepted" },
  { type: "progress", image: 0, step: 1, steps: 2 },
  { type: "partial", image: 0, index: 0, bytes: png, size },
  { type: "image", image: 0, bytes: png, seed: 41, size },
  { type: "image", image: 1, bytes: png, seed: 42, size },
  {
    type: "finish",
    promptTokens: 9,
    imageTokens: 8193,
    inputImageTokens: 5,
    timings: { queueMs: 0, conditionMs: 1, denoiseMs: 1, decodeMs: 1, encodeMs: 1 },
  },
];

function context(request: Partial<ImageAnswerContext["request"]> = {}): ImageAnswerContext {
  return {
    nowSeconds: () => 1_700_000_000,
    request: { n: 2, format: "png", quality: "auto", ...request },
    background: "auto",
  };
}

function map(fields: Record<string, unknown>) {
  return toImageRequest(parseRequest(imageContract, { model: "m", prompt: "p", ...fields }));
}

describe("toImageRequest", () => {
  it("leaves to the model what the request does not say", () => {
    expect(map({})).toEqual({
      prompt: "p",
      n: 1,
      size: null,
      format: "png",
      compression: 100,
      quality: "auto",
      style: null,
      partialImages: 0,
    });
  });

  it.each([
    ["1024*1024", { width: 1024, height: 1024 }],
    ["512x768", { width: 512, height: 768 }],
    ["auto", null],
  ])("reads the size %s", (text, expected) => {
    expect(map({ size: text }).size).toEqual(expected);
  });

  it("maps every field", () => {
    expect(
      map({
        n: 3,
        quality: "hd",
        style: "vivid",
        output_format: "webp",
        output_compression: 60,
        stream: true,
        partial_images: 2,
        negative_prompt: "blur",
        steps: 20,
        guidance_scale: 7.5,
        seed: 5,
        scheduler: "euler",
      }),
    ).toEqual({
      prompt: "p",
      n: 3,
      size: null,
      format: "webp",
      compression: 60,
      quality: "high",
      style: "vivid",
      partialImages: 2,
      negativePrompt: "blur",
      steps: 20,
      guidanceScale: 7.5,
      seed: 5,
      scheduler: "euler",
    });
    expect(map({ quality: "standard" }).quality).toBe("medium");
  });

  it("takes an empty prompt, and tells an empty negative prompt from none", () => {
    expect(map({ prompt: "", negative_prompt: "" })).toMatchObject({ prompt: "", negativePrompt: "" });
    expect(map({ negative_prompt: null })).not.toHaveProperty("negativePrompt");
  });

  it.each<[Record<string, unknown>, string]>([
    [{ size: "huge" }, "size"],
    [{ size: "0x8" }, "size"],
    [{ size: 512 }, "size"],
    [{ response_format: "url" }, "response_format"],
    [{ background: "transparent" }, "background"],
    [{ n: 11 }, "n"],
    [{ n: 0 }, "n"],
    [{ output_compression: 50 }, "output_compression"],
    [{ partial_images: 1 }, "partial_images"],
    [{ partial_images: 4, stream: true }, "partial_images"],
    [{ seed: -1 }, "seed"],
    [{ seed: Number.MAX_SAFE_INTEGER, n: 2 }, "seed"],
    [{ prompt: undefined }, "prompt"],
    [{ prompt: "x".repeat(32_001) }, "prompt"],
    [{ model: 5 }, "model"],
  ])("refuses %j naming %s", (fields, param) => {
    expect(() => map(fields)).toThrow(expect.objectContaining({ param }));
  });
});

describe("toImageEditRequest", () => {
  const edit = (body: unknown) => toImageEditRequest(parseRequest(imageEditContract, body));
  const dataUrl = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;

  it("reads a multipart form, whose numbers are text", () => {
    const body = formToBody([
      ["model", "m"],
      ["prompt", "p"],
      ["image[]", png],
      ["mask", png],
      ["n", "2"],
      ["stream", "true"],
      ["strength", "0.5"],
      ["size", "512x512"],
      ["user", ""],
      ["scheduler", ""],
    ]);
    expect(edit(body)).not.toHaveProperty("scheduler");
    expect(edit(body)).not.toHaveProperty("negativePrompt");
    expect(edit({ ...body, ...formToBody([["negative_prompt", ""]]) })).toMatchObject({ negativePrompt: "" });
    expect(edit(body)).toMatchObject({ n: 2, image: png, mask: png, strength: 0.5, size: { width: 512, height: 512 } });
  });

  it("reads the JSON form with data URLs", () => {
    const request = edit({ model: "m", prompt: "p", images: [{ image_url: dataUrl }], mask: { image_url: dataUrl } });
    expect([...request.image]).toEqual([...png]);
    expect([...(request.mask ?? [])]).toEqual([...png]);
  });

  it.each<[Record<string, unknown>, string]>([
    [{}, "image"],
    [{ image: "text" }, "image"],
    [{ image: [png, png] }, "image"],
    [{ image: new Uint8Array() }, "image"],
    [{ images: [{ file_id: "file-1" }] }, "images[0].file_id"],
    [{ images: [{ image_url: "https://example.com/a.png" }] }, "images[0].image_url"],
    [{ images: [{ image_url: "data:image/png;base64," }] }, "images[0].image_url"],
    [{ images: [{}] }, "images[0].image_url"],
    [{ image: png, mask: { file_id: "x" } }, "mask.file_id"],
    [{ image: png, input_fidelity: "high" }, "input_fidelity"],
    [{ image: png, strength: 2 }, "strength"],
    [{ image: png, n: "two" }, "n"],
  ])("refuses %j naming %s", (fields, param) => {
    expect(() => edit({ model: "m", prompt: "p", ...fields })).toThrow(expect.objectContaining({ param }));
  });

  it("treats a part called __proto__ as one more unknown field", () => {
    const body = formToBody([
      ["__proto__", "x"],
      ["model", "m"],
    ]);
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
    expect(body["model"]).toBe("m");
  });
});

describe("the images response", () => {
  it("has the images in order with their seeds, url null as in the provider's reference", async () => {
    const response = await collectImagesResponse(replay(events), context());
    expect(imagesResponse().strict().parse(response)).toEqual(response);
    const b64 = Buffer.from(png).toString("base64");
    expect(response).toEqual({
      created: 1_700_000_000,
      data: [
        { b64_json: b64, url: null, seed: 41 },
        { b64_json: b64, url: null, seed: 42 },
      ],
      background: "opaque",
      output_format: "png",
      quality: "medium",
      size: "1024x1024",
      usage: {
        input_tokens: 14,
        output_tokens: 8193,
        total_tokens: 8207,
        input_tokens_details: { text_tokens: 9, image_tokens: 5 },
        output_tokens_details: { text_tokens: 0, image_tokens: 8193 },
      },
    });
  });

  it.skipIf(!openAiDocument.isMet)(
    `is what OpenAI's document describes, but for url: null${openAiDocument.note}`,
    async () => {
      const response = await collectImagesResponse(replay(events), context());
      const withoutUrls = { ...response, data: response.data.map(({ url: _url, ...rest }) => rest) };
      expect(faultsOf("ImagesResponse", withoutUrls)).toEqual([]);
    },
  );
});

describe("the events of an image stream", () => {
  it("sends partial images at once, completed ones with usages that add up", () => {
    const toEvents = createImageEventMapper("image_generation", context());
    const sent = events.map((event) =>
      toEvents(event).flatMap((each) =>
        "data" in each ? [[each.event, JSON.parse(each.data) as unknown] as const] : [],
      ),
    );
    expect(sent.map((each) => each.length)).toEqual([0, 0, 1, 0, 0, 2]);
    const [partial, first, second] = sent.flat();
    expect(partial?.[0]).toBe("image_generation.partial_image");
    expect(imagePartialEvent().strict().parse(partial?.[1])).toMatchObject({
      type: "image_generation.partial_image",
      partial_image_index: 0,
    });
    const completed = [first, second].map((each) => imageCompletedEvent().strict().parse(each?.[1]));
    expect(completed.map((each) => each.seed)).toEqual([41, 42]);
    expect(completed.reduce((sum, each) => sum + each.usage.total_tokens, 0)).toBe(8207);
  });

  it("tells the steps as comments, which no client takes for an event", () => {
    const sent = events.flatMap(createImageEventMapper("image_generation", context()));
    expect(sent.filter((event) => "comment" in event)).toEqual([{ comment: "image 1 of 2, step 1 of 2" }]);
  });

  it.skipIf(!openAiDocument.isMet)(`are what OpenAI's document describes${openAiDocument.note}`, () => {
    const sent = events.flatMap(createImageEventMapper("image_generation", context()));
    const edited = events.flatMap(createImageEventMapper("image_edit", context({ quality: "high", format: "webp" })));
    expect(dataOf(sent).flatMap((data) => faultsOf("ImageGenStreamEvent", JSON.parse(data)))).toEqual([]);
    expect(dataOf(edited).flatMap((data) => faultsOf("ImageEditStreamEvent", JSON.parse(data)))).toEqual([]);
  });
});
