// What of a request is not held stands in a header of its answer, streamed or not, by the names that the caller knows.
import { describe, expect, it } from "vitest";
import type { ImageEvent } from "../../src/domain/image.ts";
import type { TextEvent } from "../../src/domain/text.ts";
import { toHeader } from "../../src/http/middleware/warnings.ts";
import { createTestApp } from "../support/http-app.ts";

const warning = 'The schema keyword "not" at {/tools[0].parameters}/properties/é is not enforced: no.';
const usage = {
  promptTokens: 1,
  cachedTokens: 0,
  completionTokens: 1,
  reasoningTokens: 0,
  acceptedPredictionTokens: 0,
  rejectedPredictionTokens: 0,
};
const timings = { tokenizeMs: 0, queueMs: 0, promptMs: 0, decodeMs: 0 };

async function* answer(warnings?: readonly string[]): AsyncGenerator<TextEvent> {
  yield await Promise.resolve({
    type: "accepted",
    promptTokens: 1,
    ...(warnings === undefined ? {} : { warnings }),
  } as const);
  yield { type: "choice-end", choice: 0, reason: "end-of-turn" };
  yield { type: "finish", usage, timings };
}

describe("x-hearth-warnings", () => {
  it.each([false, true])("names the caller's field (stream: %s)", async (stream) => {
    const app = createTestApp({ script: { chat: () => answer([warning]) } });
    const response = await app.post("/v1/chat/completions", {
      model: "org/chat",
      messages: [{ role: "user", content: "hi" }],
      stream,
    });
    const header = response.headers.get("x-hearth-warnings");
    expect(header).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(header ?? "")).toEqual([
      'The schema keyword "not" at /tools/0/function/parameters/properties/é is not enforced: no.',
    ]);
    await response.text();
  });

  it("is absent where everything is held", async () => {
    const app = createTestApp({ script: { completion: () => answer() } });
    const response = await app.post("/v1/completions", { model: "org/chat", prompt: "hi" });
    expect(response.status).toBe(200);
    expect(response.headers.has("x-hearth-warnings")).toBe(false);
  });

  it("stands in the answer to a request for pictures too", async () => {
    const size = { width: 8, height: 8 };
    const pictures = async function* (): AsyncGenerator<ImageEvent> {
      yield await Promise.resolve({ type: "accepted", warnings: ["{seed} has no effect."] } as const);
      yield { type: "image", image: 0, bytes: Uint8Array.of(1), seed: 1, size };
      const phases = { queueMs: 0, conditionMs: 0, denoiseMs: 0, decodeMs: 0, encodeMs: 0 };
      yield { type: "finish", promptTokens: 1, imageTokens: 1, inputImageTokens: 1, timings: phases };
    };
    const app = createTestApp({ script: { "image-edit": pictures } });
    const images = [{ image_url: `data:image/png;base64,${Buffer.from("png").toString("base64")}` }];
    const response = await app.post("/v1/images/edits", { model: "draw", prompt: "hi", images });
    expect(response.status).toBe(200);
    expect(JSON.parse(response.headers.get("x-hearth-warnings") ?? "")).toEqual(["seed has no effect."]);
  });

  it("counts the sentences that would make it too long", () => {
    const header = toHeader(Array.from({ length: 100 }, (_, index) => `${index} ${"é".repeat(50)}`));
    expect(header.length).toBeLessThanOrEqual(4096);
    const told = JSON.parse(header) as string[];
    expect(told.at(-1)).toBe(`${100 - (told.length - 1)} more.`);
    expect(JSON.parse(toHeader(["x".repeat(5_000)]))).toEqual(["1 more."]);
  });
});
